//! What the chapters on the complete API say about the service: its files, which feature uses
//! which, the steps of an order, and its endpoints.
#![cfg(all(feature = "server", feature = "sqlite"))]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

mod complete_api {
    use std::collections::BTreeSet;
    use std::fmt::Write;
    use std::path::{Path, PathBuf};
    use std::{fs, io};

    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use code::service::{PASSWORD, app};
    use serde_json::json;
    use service::orders::model::{Actor, Status};

    use crate::support::{ask, recorded};

    /// The features, each after those that it uses.
    const FEATURES: [&str; 4] = ["customers", "menu", "orders", "payments"];

    fn folder() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/service/src"))
    }

    /// What is in a folder, sorted by name.
    fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
        let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        Ok(entries)
    }

    /// The tree of a folder: each file or folder with the beginning of its documentation.
    /// That of a folder is in the file beside it.
    fn tree(folder: &Path) -> io::Result<String> {
        let mut entries = entries(folder)?;
        entries.retain(|entry| {
            let is_source = entry.extension().is_some_and(|end| end == "rs");
            entry.is_dir() || is_source && !entry.with_extension("").is_dir()
        });
        let mut lines = String::new();
        for (number, entry) in (1..).zip(&entries) {
            let branch = if number == entries.len() {
                '└'
            } else {
                '├'
            };
            let name = entry.file_name().unwrap_or_default().to_string_lossy();
            let slash = if entry.is_dir() { "/" } else { "" };
            let name = format!("{name}{slash}");
            let purpose = purpose(&entry.with_extension("rs"))?;
            lines += &format!("{branch}── {name:14}  {purpose}\n");
        }
        Ok(lines)
    }

    /// The documentation of a file up to the first period or colon.
    fn purpose(file: &Path) -> io::Result<String> {
        let source = fs::read_to_string(file)?;
        let about = source.lines().map_while(|line| line.strip_prefix("//! "));
        let about = about.collect::<Vec<_>>().join(" ");
        // A period inside of a word is that of a version, such as 3.1.
        let about = format!("{about} ");
        let ends = [". ", ": "].map(|end| about.find(end).unwrap_or(about.len()));
        Ok(about[..ends[0].min(ends[1])].to_owned())
    }

    #[test]
    fn the_trees_of_the_service_and_of_a_feature() -> io::Result<()> {
        let all = tree(folder())?;
        recorded(
            "output/complete-api/service.txt",
            &format!("code/service/src\n{all}"),
        );
        let orders = tree(&folder().join("orders"))?;
        recorded(
            "output/complete-api/orders.txt",
            &format!("code/service/src/orders\n{orders}"),
        );
        Ok(())
    }

    #[test]
    fn the_features_and_those_that_they_use() -> io::Result<()> {
        let mut lines = String::new();
        for feature in FEATURES {
            let mut used = BTreeSet::new();
            for file in entries(&folder().join(feature))? {
                let Ok(source) = fs::read_to_string(&file) else {
                    continue;
                };
                for other in FEATURES {
                    if source.contains(&format!("crate::{other}::")) {
                        used.insert(other);
                    }
                }
            }
            used.remove(&feature);
            let used: Vec<_> = used.into_iter().collect();
            let used = match used.as_slice() {
                [] => "none".to_owned(),
                used => used.join(", "),
            };
            writeln!(lines, "{feature:10} uses {used}").unwrap();
        }
        recorded("output/complete-api/features.txt", &lines);
        Ok(())
    }

    #[tokio::test]
    async fn the_life_of_an_order() {
        let app = app();
        let token = sign_in(&app, "ada@shop.example").await;
        let body = json!({ "lines": [{ "item": "tea", "quantity": 1 }] });
        let request = Request::post("/orders")
            .header("idempotency-key", "1")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        let placed = ask(&app, (request, Body::from(body.to_string()))).await;
        let first = placed.json()["status"].as_str().unwrap().to_owned();

        let mut drawn = String::from(
            "%% complete-api.rs: The life of an order\nstateDiagram-v2\n",
        );
        writeln!(drawn, "    [*] --> {first}: POST /orders").unwrap();
        let actors = [
            (Actor::Customer, "the customer"),
            (Actor::Barista, "a barista"),
            (Actor::Payments, "payments"),
        ];
        for status in Status::ALL {
            let mut is_last = true;
            for next in Status::ALL {
                let who = actors
                    .iter()
                    .filter(|(actor, _)| status.next(*actor).contains(&next));
                let who: Vec<_> = who.map(|&(_, name)| name).collect();
                if !who.is_empty() {
                    is_last = false;
                    let who = who.join(" or ");
                    writeln!(drawn, "    {status} --> {next}: {who}").unwrap();
                }
            }
            if is_last {
                writeln!(drawn, "    {status} --> [*]").unwrap();
            }
        }
        recorded("diagrams/complete-api/order.mmd", &drawn);
    }

    /// The rows of a table: the endpoints, and who may use them. `tests/layout.rs` of the service
    /// compares those of its README with the routes.
    fn listed(page: &str) -> BTreeSet<(String, String)> {
        let mut rows = BTreeSet::new();
        for line in page.lines() {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let (Some(endpoints), Some(who)) = (cells.next(), cells.next()) else {
                continue;
            };
            for endpoint in endpoints.split(", ") {
                let endpoint = endpoint.trim_matches('`');
                if endpoint.contains(" /") {
                    rows.insert((endpoint.to_owned(), who.to_owned()));
                }
            }
        }
        rows
    }

    #[test]
    fn the_page_and_the_readme_list_the_same_endpoints() {
        let page = listed(include_str!("../../src/complete-api.md"));
        let readme = listed(include_str!("../service/README.md"));
        assert!(!page.is_empty());
        assert_eq!(page, readme, "left: on the page; right: in the README");
    }

    async fn sign_in(app: &Router, email: &str) -> String {
        let body = json!({ "email": email, "password": PASSWORD }).to_string();
        let request =
            Request::post("/sessions").header("content-type", "application/json");
        let pair = ask(app, (request, Body::from(body))).await.json();
        pair["access_token"].as_str().unwrap().to_owned()
    }
}

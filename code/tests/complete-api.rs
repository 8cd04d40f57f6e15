//! What the chapters on the complete API say about the service: its files, which feature uses
//! which, the steps of an order, and who may use which endpoint.
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

    use crate::support::{Answer, ask, recorded};

    /// The features, each after those that it may use.
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
    fn no_feature_uses_one_that_uses_it() -> io::Result<()> {
        let mut lines = String::new();
        for (number, feature) in FEATURES.iter().enumerate() {
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
            used.remove(feature);
            let allowed = &FEATURES[..number];
            assert!(used.iter().all(|other| allowed.contains(other)), "{used:?}");
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

    /// The two tables of the endpoints: on the page, and in the README of the service.
    const TABLES: [&str; 2] = [
        include_str!("../../src/complete-api.md"),
        include_str!("../service/README.md"),
    ];

    /// The rows of a table: the endpoints, and who may use them.
    fn listed(page: &str) -> Vec<(String, String, String)> {
        let mut rows = Vec::new();
        for line in page.lines() {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let (Some(endpoints), Some(who)) = (cells.next(), cells.next()) else {
                continue;
            };
            for endpoint in endpoints.split(", ") {
                let endpoint = endpoint.trim_matches('`');
                let Some((method, path)) = endpoint.split_once(' ') else {
                    continue;
                };
                if path.starts_with('/') {
                    rows.push((method.into(), path.into(), who.into()));
                }
            }
        }
        rows
    }

    #[test]
    fn each_table_lists_every_path() -> io::Result<()> {
        let mut routes = BTreeSet::new();
        for file in entries(folder())? {
            let source = fs::read_to_string(&file).unwrap_or_default();
            for route in source.split(".route(").skip(1) {
                let path = route.split('"').nth(1).expect("a path");
                routes.insert(path.to_owned());
            }
        }
        for page in TABLES {
            let listed = listed(page).into_iter().map(|(_, path, _)| path);
            let listed: BTreeSet<_> = listed.collect();
            let title = page.lines().next().unwrap_or_default();
            assert_eq!(listed, routes, "the table below \"{title}\" is the first");
        }
        Ok(())
    }

    #[tokio::test]
    async fn each_table_says_who_may_use_which_endpoint() {
        let app = app();
        let ada = sign_in(&app, "ada@shop.example").await;
        let tom = sign_in(&app, "tom@shop.example").await;
        for (method, path, who) in TABLES.into_iter().flat_map(listed) {
            let what = format!("{method} {path}, for {who}");
            let mut statuses = Vec::new();
            for token in [None, Some(&ada), Some(&tom)] {
                let path = path.replace("{id}", "1");
                let answer = send(&app, &method, &path, token).await;
                let detail = answer.json()["detail"].clone();
                assert_ne!(answer.status, 405, "{what}");
                assert_ne!(detail, "There is nothing at this path", "{what}");
                statuses.push(answer.status.as_u16());
            }
            let allowed: Vec<_> = statuses
                .iter()
                .map(|status| ![401, 403].contains(status))
                .collect();
            let expected = match &*who {
                "everyone" | "Stripe" => [true, true, true],
                "customers" => [false, true, true],
                "baristas" => [false, false, true],
                _ => panic!("{what}"),
            };
            assert_eq!(allowed, expected, "{what}: {statuses:?}");
        }
    }

    async fn sign_in(app: &Router, email: &str) -> String {
        let body = json!({ "email": email, "password": PASSWORD }).to_string();
        let request =
            Request::post("/sessions").header("content-type", "application/json");
        let pair = ask(app, (request, Body::from(body))).await.json();
        pair["access_token"].as_str().unwrap().to_owned()
    }

    /// Sends a request without a body, maybe with an access token.
    async fn send(
        app: &Router,
        method: &str,
        path: &str,
        token: Option<&String>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        ask(app, (request, Body::empty())).await
    }
}

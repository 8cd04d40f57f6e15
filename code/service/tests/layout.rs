//! Checks what no compiler checks: which features may use each other, and that the table of the
//! endpoints in the README is correct.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use axum::http::{Method, StatusCode};
use service::customers::model::Role;

use support::{TestApp, request, with_token};

/// The features. A feature may use only those before it in this list.
const FEATURES: [&str; 4] = ["customers", "menu", "orders", "payments"];

const README: &str = include_str!("../README.md");

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The contents of the Rust files of a folder and of the folders in it, each with the file's
/// path.
fn files(folder: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.append(&mut self::files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            files.push((path, text));
        }
    }
    Ok(files)
}

// ANCHOR: directions
#[test]
fn a_feature_uses_only_features_before_it() -> io::Result<()> {
    for (path, text) in files(&source())? {
        let Some(position) = position_of_feature(&path) else {
            continue; // it belongs to no feature
        };
        let file = path.display();
        // The search below wouldn't find a feature inside the braces.
        assert!(!text.contains("crate::{"), "{file}: write a `use` for each");
        for later in &FEATURES[position + 1..] {
            for parent in ["crate", "super"] {
                assert!(
                    !text.contains(&format!("{parent}::{later}")),
                    "{file} uses the feature `{later}`, which comes later"
                );
            }
        }
    }
    Ok(())
}
// ANCHOR_END: directions

/// The position in `FEATURES` of the feature whose file this is: `menu.rs` or a file in the
/// folder `menu`, for example.
fn position_of_feature(path: &Path) -> Option<usize> {
    let path = path.strip_prefix(source()).ok()?.with_extension("");
    FEATURES
        .iter()
        .position(|feature| path.starts_with(feature))
}

/// An endpoint of the README's table, and who may use it.
struct Row<'a> {
    method: Method,
    path: &'a str,
    who: &'a str,
}

/// The rows of the README's table. A row may name several endpoints, separated by commas.
fn rows() -> Vec<Row<'static>> {
    let mut rows = Vec::new();
    for line in README.lines() {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let (Some(endpoints), Some(who)) = (cells.next(), cells.next()) else {
            continue;
        };
        for endpoint in endpoints.split(", ") {
            if let Some((method, path)) = endpoint.trim_matches('`').split_once(' ')
                && path.starts_with('/')
            {
                let method = method.parse().unwrap();
                rows.push(Row { method, path, who });
            }
        }
    }
    rows
}

#[test]
fn the_readme_lists_the_path_of_every_route() -> io::Result<()> {
    let mut routes = BTreeSet::new();
    for (_, text) in files(&source())? {
        for route in text.split(".route(").skip(1) {
            let path = route.split('"').nth(1).unwrap();
            routes.insert(path.to_owned());
        }
    }
    let listed: BTreeSet<_> =
        rows().iter().map(|row| row.path.to_owned()).collect();
    assert_eq!(listed, routes, "left: in README.md; right: in the code");
    Ok(())
}

#[tokio::test]
async fn the_readme_says_who_may_use_each_endpoint() {
    let app = TestApp::in_memory();
    let ada = app.sign_in_as("ada", Role::Customer).await;
    let tom = app.sign_in_as("tom", Role::Barista).await;
    for Row { method, path, who } in rows() {
        let endpoint = format!("{method} {path}, for {who}");
        let mut allowed = Vec::new();
        for token in [None, Some(&ada), Some(&tom)] {
            let mut request = request(method.clone(), &path.replace("{id}", "1"));
            if let Some(token) = token {
                request = with_token(request, token);
            }
            let response = app.send(request).await;
            // The fallback answers requests that match no route.
            assert!(
                !response.body.contains("There is nothing at this path"),
                "{endpoint}"
            );
            assert_ne!(
                response.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{endpoint}"
            );
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
            allowed.push(!refused.contains(&response.status));
        }
        let expected = match who {
            "everyone" | "Stripe" => [true, true, true],
            "customers" => [false, true, true],
            "baristas" => [false, false, true],
            _ => panic!("README.md: {endpoint}: who is that?"),
        };
        assert_eq!(
            allowed, expected,
            "{endpoint}: no token, a customer, a barista"
        );
    }
}

//! The document describes all routes and responses, and nothing that doesn't exist.
#![cfg(feature = "server")]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use axum::http::{Method, StatusCode};
use axum::{Router, routing};
use serde_json::{Value, json};
use service::customers::model::Role;
use support::openapi::Document;
use support::{TestApp, get, post, request, with_header};

const METHODS: [Method; 5] = [
    Method::GET,
    Method::PUT,
    Method::POST,
    Method::PATCH,
    Method::DELETE,
];

async fn document(app: &TestApp) -> Value {
    app.json_of(get("/openapi.json")).await
}

/// The paths of the document, each with its methods.
fn described(document: &Value) -> Vec<(&str, Vec<Method>)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| {
            let is_described = |method: &Method| {
                item.get(method.as_str().to_lowercase()).is_some()
            };
            let methods = METHODS.into_iter().filter(is_described);
            (path.as_str(), methods.collect())
        })
        .collect()
}

/// The path with a 1 in place of each parameter, such as `{id}`.
fn with_parameters(path: &str) -> String {
    let segments = path.split('/');
    let segments = segments.map(|one| if one.starts_with('{') { "1" } else { one });
    segments.collect::<Vec<_>>().join("/")
}

// ANCHOR: methods
#[tokio::test]
async fn the_document_has_exactly_the_methods_that_each_path_has() {
    let app = TestApp::in_memory();
    for (path, listed) in described(&document(&app).await) {
        let path = with_parameters(path);
        for method in METHODS {
            let response = app.send(request(method.clone(), &path)).await;
            let is_there = response.status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(is_there, listed.contains(&method), "{method} {path}");
            if response.status == StatusCode::NOT_FOUND {
                let nothing = "There is nothing at this path";
                assert_ne!(response.json()["detail"], nothing, "{method} {path}");
            }
        }
    }
}
// ANCHOR_END: methods

#[tokio::test]
async fn the_document_has_the_path_of_every_route_in_the_source() {
    let mut paths = BTreeSet::new();
    find_routes(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut paths,
    );
    let document = document(&TestApp::in_memory()).await;
    let described = described(&document).into_iter();
    let described: BTreeSet<_> =
        described.map(|(path, _)| path.to_owned()).collect();
    assert_eq!(described, paths);
}

/// Finds the first argument of each call of `.route`.
fn find_routes(folder: &Path, paths: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_routes(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(path).unwrap();
            let routes = source.split(".route(").skip(1);
            paths.extend(
                routes
                    .filter_map(|route| Some(route.split('"').nth(1)?.to_owned())),
            );
        }
    }
}

#[tokio::test]
async fn every_operation_describes_its_failures() {
    let document = document(&TestApp::in_memory()).await;
    for (path, methods) in described(&document) {
        for method in methods {
            let operation =
                &document["paths"][path][method.as_str().to_lowercase()];
            let responses = operation["responses"].as_object().unwrap();
            let mut expected = vec!["500", "503"];
            if operation.get("security").is_some() {
                expected.push("401");
            }
            if operation.get("requestBody").is_some() {
                expected.extend(["400", "408", "413"]);
            }
            for status in expected {
                assert!(responses.contains_key(status), "{status} {method} {path}");
            }
            for (status, response) in responses {
                let place = format!("{status} {method} {path}");
                let id = &response["headers"]["x-request-id"]["required"];
                assert_eq!(id, true, "{place}");
                if status.starts_with(['4', '5']) {
                    let types = response["content"].as_object().unwrap();
                    let types: Vec<_> = types.keys().collect();
                    assert_eq!(types, ["application/problem+json"], "{place}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_page_contacts_no_other_host() {
    let response = TestApp::in_memory().send(get("/docs")).await;
    let policy = response.headers["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(policy.starts_with("default-src 'none'; connect-src 'self'; "));
    assert!(!response.body.contains("://"), "{}", response.body);
}

/// What is wrong with a document, a JSON Pointer to this part of it, and what makes it wrong.
type Mistake = (&'static str, &'static str, fn(&mut Value));

const MISTAKES: [Mistake; 8] = [
    ("a path is missing", "/paths", |paths| {
        paths.as_object_mut().unwrap().remove("/orders");
    }),
    (
        "a status is missing",
        "/paths/~1orders/post/responses",
        |responses| *responses = json!({ "200": responses["201"] }),
    ),
    (
        "a header is missing",
        "/paths/~1orders/post/responses/201/headers",
        |headers| *headers = json!({ "x-request-id": headers["x-request-id"] }),
    ),
    (
        "a header is too much",
        "/paths/~1orders/post/responses/201/headers",
        |headers| headers["etag"] = json!({ "required": true, "schema": {} }),
    ),
    (
        "a header has another type",
        "/paths/~1orders/post/responses/201/headers/location/schema",
        |schema| *schema = json!({ "type": "integer" }),
    ),
    (
        "the body has another content type",
        "/paths/~1orders/post/responses/201/content",
        |content| *content = json!({ "text/plain": content["application/json"] }),
    ),
    (
        "a property has another type",
        "/components/schemas/Order/properties/placed_at",
        |schema| *schema = json!({ "type": "integer" }),
    ),
    (
        "a property is missing",
        "/components/schemas/Order/properties",
        |properties| *properties = json!({ "id": properties["id"] }),
    ),
];

// ANCHOR: mistakes
#[tokio::test]
async fn a_document_with_one_mistake_does_not_describe_a_new_order() {
    let app = TestApp::in_memory();
    let order = json!({ "lines": [{ "item": "espresso", "quantity": 1 }] });
    let request = with_header(post("/orders", order), "idempotency-key", "a");
    let response = app.send(app.signed_in(1, Role::Customer, request)).await;
    assert_eq!(response.status, StatusCode::CREATED);
    for (mistake, pointer, make) in MISTAKES {
        let mut document = document(&app).await;
        make(document.pointer_mut(pointer).unwrap());
        let document = Document::new(&document);
        let checked = document.check(&Method::POST, "/orders", &response);
        assert!(checked.is_err(), "{mistake}");
    }
}
// ANCHOR_END: mistakes

#[tokio::test]
#[should_panic(
    expected = "GET /health/live: the document lacks the status 201 Created"
)]
async fn a_response_that_the_document_does_not_describe_fails_a_test() {
    let mut app = TestApp::in_memory();
    let created = routing::get(async || StatusCode::CREATED);
    app.router = Router::new().route("/health/live", created);
    app.send(get("/health/live")).await;
}

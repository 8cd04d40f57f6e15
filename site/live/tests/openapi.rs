//! The OpenAPI document of the service allows every response of it that a page shows.
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

use std::fs;
use std::path::Path;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use live::{Player, exchange};
use openapi::Document;
use serde_json::{Value, json};

// The service's folder has a width of its own for lines of code.
#[rustfmt::skip]
#[path = "../../../code/service/tests/support/openapi.rs"]
mod openapi;

/// A response that a page shows.
#[derive(Debug)]
struct TestResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl TestResponse {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

/// A response that a page shows, and the request before it.
struct Recorded {
    title: String,
    method: Method,
    path: String,
    response: TestResponse,
}

fn document() -> Value {
    serde_json::to_value(service::openapi::document()).unwrap()
}

/// All exchanges of the chapters that the service answers.
fn recorded() -> Vec<Recorded> {
    let code = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../code");
    let table = fs::read_to_string(code.join("src/lib.rs")).unwrap();
    let chapters = table.lines().filter_map(|line| {
        let names = line.trim().strip_prefix("Chapter::of(\"")?;
        names.strip_suffix("\", \"service\"),")
    });
    let mut recorded = Vec::new();
    for chapter in chapters {
        let file = code.join(format!("exchanges/{chapter}.http"));
        let text = fs::read_to_string(&file).unwrap();
        let mut player = Player::default();
        for exchange in exchange::read(&text).unwrap() {
            let prepared = player.prepare(&exchange.request).unwrap();
            let (request, _) = Request::into_parts(prepared.request);
            let response = read_response(&exchange.answer.unwrap());
            player.take(&prepared.captures, &response).1.unwrap();
            recorded.push(Recorded {
                title: format!("{chapter}: {}", exchange.title),
                method: request.method,
                path: request.uri.path().to_owned(),
                response: TestResponse {
                    status: response.status(),
                    headers: response.headers().clone(),
                    body: String::from_utf8(response.into_body().into()).unwrap(),
                },
            });
        }
    }
    recorded
}

fn read_response(text: &str) -> Response<Bytes> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut response = Response::builder().status(status);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        response = response.header(name, value);
    }
    response.body(body.to_owned().into()).unwrap()
}

/// Every response that the document doesn't allow, and why.
fn differences(document: &Value) -> Vec<String> {
    let document = Document::new(document);
    let mut differences = Vec::new();
    for recorded in recorded() {
        let Recorded {
            title,
            method,
            path,
            response,
        } = recorded;
        if let Err(reason) = document.check(&method, &path, &response) {
            differences.push(format!("{title}: {reason}"));
        }
    }
    differences
}

#[test]
fn the_document_allows_every_response_that_a_page_shows() {
    assert!(recorded().len() > 20);
    assert_eq!(differences(&document()), Vec::<String>::new());
}

/// What is wrong, a JSON Pointer to the part of the document, and what makes it wrong. (The
/// service's own tests have more mistakes.)
type Mistake = (&'static str, &'static str, fn(&mut Value));

#[test]
fn a_document_with_one_mistake_does_not_allow_them() {
    let created = "/paths/~1orders/post/responses/201";
    let mistakes: [Mistake; 3] = [
        (
            "a status is missing",
            "/paths/~1orders/post/responses",
            |responses| {
                responses.as_object_mut().unwrap().remove("201");
            },
        ),
        ("a header is missing", created, |response| {
            response["headers"]
                .as_object_mut()
                .unwrap()
                .remove("location");
        }),
        (
            "a property has another type",
            "/components/schemas/Order/properties/placed_at",
            |schema| *schema = json!({ "type": "integer" }),
        ),
    ];
    for (mistake, pointer, make) in mistakes {
        let mut document = document();
        make(document.pointer_mut(pointer).unwrap());
        assert!(!differences(&document).is_empty(), "{mistake}");
    }
}

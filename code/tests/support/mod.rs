//! What the tests of several chapters share: requests sent to a router without a socket, and
//! recordings.

// Each file of tests is a crate of its own and uses a part of this.
#![allow(dead_code, unused_macros)]

use std::path::Path;
use std::{env, fs};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, request::Builder},
};
use serde_json::{Value, json};
use tower::ServiceExt;

/// A request under way: its head, and its body.
pub type Asked = (Builder, Body);

/// An answer with its headers.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// The body as JSON. One that is no JSON comes back as a JSON string.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|_| Value::String(self.body.clone()))
    }

    /// A header as text, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("headers here are text"))
    }
}

/// An order with this body.
pub fn post(body: Value) -> Asked {
    let head = Request::post("/orders").header("content-type", "application/json");
    (head, Body::from(body.to_string()))
}

/// Sends a request and reads the whole answer.
pub async fn ask(app: &Router, (head, body): Asked) -> Answer {
    let request = head
        .body(body)
        .expect("a test sends requests that can be built");
    let Ok(answer) = app.clone().oneshot(request).await;
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX)
        .await
        .expect("the body is in memory");
    Answer {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

/// Sends a request. A body that is no JSON comes back as a JSON string.
pub async fn send(app: &Router, asked: Asked) -> (StatusCode, Value) {
    let answer = ask(app, asked).await;
    (answer.status, answer.json())
}

/// Asks for a path.
pub async fn get(app: &Router, path: &str) -> (StatusCode, Value) {
    send(app, (Request::get(path), Body::empty())).await
}

/// Orders with this body.
pub async fn order(app: &Router, body: Value) -> (StatusCode, Value) {
    send(app, post(body)).await
}

/// Ada orders so many of an item.
pub async fn buy(app: &Router, item: &str, quantity: u32) -> (StatusCode, Value) {
    let body = json!({ "customer": "Ada", "item": item, "quantity": quantity });
    order(app, body).await
}

/// Compares what a test made with a file of `code`, such as `output/structure/tree.txt`.
/// `SNAPSHOTS=overwrite` writes the file again.
pub fn recorded(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
        fs::write(&path, made).expect("the file can be written");
    }
    let recorded = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        recorded.replace("\r\n", "\n"),
        made,
        "code/{file} is not what comes out now. If the new output is right, run \
         `SNAPSHOTS=overwrite cargo test`"
    );
}

/// Checks that an app answers as the first program does: the menu and its filter, the total of an
/// order, and the limit of a body.
pub async fn is_still_the_shop(app: &Router) {
    let (_, menu) = get(app, "/menu").await;
    assert_eq!(menu.as_array().map(Vec::len), Some(5));
    let (_, menu) = get(app, "/menu?max_price=220").await;
    assert_eq!(menu.as_array().map(Vec::len), Some(1));
    assert_eq!(menu[0]["id"], "tea");
    let (_, taken) = buy(app, "flat-white", 3).await;
    assert_eq!(taken["total_cents"], 1140);
    for (length, wanted) in [(16_000, 201), (17_000, 413)] {
        let note = "x".repeat(length);
        let body = json!({ "customer": "Ada", "item": "tea", "quantity": 1, "note": note });
        let (status, _) = order(app, body).await;
        assert_eq!(status, wanted, "a note of {length} letters");
    }
}

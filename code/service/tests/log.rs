//! The log says who has changed something.
#![cfg(feature = "server")]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;
use service::customers::model::Role;
use service::middleware::server_layers;
use support::{
    TestApp, count_from_one, get, patch, post, put, send, with_header, with_token,
};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Sends a request as this customer, and returns what was logged meanwhile.
async fn logged(app: &TestApp, token: &str, request: Request<Body>) -> String {
    let (log, status) = logged_with_status(app, with_token(request, token)).await;
    assert!(status.is_success(), "{status}: {log}");
    log
}

/// Sends a request, and returns what was logged meanwhile, and the status of the response.
async fn logged_with_status(
    app: &TestApp,
    request: Request<Body>,
) -> (String, StatusCode) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    // The tests of this file run in one thread each, so this is the log of this test.
    let _guard = tracing::subscriber::set_default(subscriber);
    let router = server_layers(app.router.clone(), count_from_one());
    let response = send(&router, request).await;
    (log.text(), response.status)
}

#[tokio::test]
async fn the_log_says_who_changed_the_menu_and_an_order() {
    let app = TestApp::in_memory();
    let ada = app.sign_in_as("ada", Role::Customer).await;
    let tom = app.sign_in_as("tom", Role::Barista).await;
    let ada_id = number(&app, &ada).await;
    let tom_id = number(&app, &tom).await;

    let item = json!({ "name": "Green tea", "price_cents": 300, "stock": 9 });
    let change = with_header(put("/menu/tea", item), "if-match", "*");
    let log = logged(&app, &tom, change).await;
    let line = line_with(&log, "the menu was changed");
    assert!(line.contains(&format!("customer={tom_id}")), "{line}");
    assert!(line.contains("item=\"tea\""), "{line}");

    let order = json!({ "lines": [{ "item": "tea", "quantity": 1 }] });
    let order = with_header(post("/orders", order), "idempotency-key", "1");
    let placed = app.send(with_token(order, &ada)).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    let cancel = patch("/orders/1", json!({ "status": "canceled" }));
    let log = logged(&app, &ada, cancel).await;
    let line = line_with(&log, "the status of an order was set");
    assert!(line.contains(&format!("customer={ada_id}")), "{line}");
    assert!(
        line.contains("order=1") && line.contains("status=canceled"),
        "{line}"
    );

    // An address is personal data, so a number stands for the account.
    assert!(!log.contains("@shop.example"), "{log}");
}

#[tokio::test]
async fn the_log_says_which_account_somebody_has_tried_to_sign_in_to() {
    let app = TestApp::in_memory();
    let password = "a flat white and a croissant";
    let account = json!({
        "email": "ada@shop.example", "password": password, "name": "Ada"
    });
    let ada = app.json_of(post("/customers", account)).await;
    for (name, expected) in [
        ("ada", format!("wrong password customer={}", ada["id"])),
        ("bo", "unknown address".to_owned()),
    ] {
        let email = format!("{name}@shop.example");
        let guess = json!({ "email": email, "password": "a wrong password" });
        let request = post("/sessions", guess);
        let (log, status) = logged_with_status(&app, request).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{log}");
        let line = line_with(&log, "an attempt to sign in failed");
        assert!(line.trim_end().ends_with(&expected), "{line}");
        // Somebody may have typed the password into the field for the address.
        assert!(!log.contains(&email), "{log}");
        assert!(!log.contains("a wrong password"), "{log}");
    }
}

/// The number of the account that the token is for.
async fn number(app: &TestApp, token: &str) -> u64 {
    let me = app.json_of(with_token(get("/me"), token)).await;
    me["id"].as_u64().unwrap()
}

/// The line with this text.
#[track_caller]
fn line_with<'a>(log: &'a str, text: &str) -> &'a str {
    let mut lines = log.lines().filter(|line| line.contains(text));
    lines
        .next()
        .unwrap_or_else(|| panic!("{text:?} isn't in the log: {log}"))
}

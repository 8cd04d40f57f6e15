//! The menu over HTTP: entity tags, and the conditions that name them.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;
use support::{TestApp, TestResponse, get, on_each_storage, put, with_header};

/// A request that replaces an item, or adds it.
fn put_item(app: &TestApp, id: &str, stock: u32) -> Request<Body> {
    let body = json!({ "name": id, "price_cents": 100, "stock": stock });
    app.as_barista(put(&format!("/menu/{id}"), body))
}

async fn put_if(
    app: &TestApp,
    id: &str,
    (header, tags): (&'static str, &str),
) -> TestResponse {
    let request = put_item(app, id, 7);
    app.send(with_header(request, header, tags)).await
}

#[tokio::test]
async fn a_client_that_has_the_current_version_gets_no_body() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        for path in ["/menu", "/menu/tea"] {
            let etag = app.send(get(path)).await.header("etag").to_owned();
            for tags in [
                etag.clone(),
                format!("W/{etag}"),
                format!("\"other\" , {etag}"),
                "*".to_owned(),
            ] {
                let request = with_header(get(path), "if-none-match", &tags);
                let response = app.send(request).await;
                assert_eq!(response.status, StatusCode::NOT_MODIFIED, "{tags}");
                assert_eq!(response.header("etag"), etag);
                assert_eq!(response.body, "");
            }
            for tags in ["\"0\"", "\"01\"", "1", "\"1", "", "W/"] {
                let request = with_header(get(path), "if-none-match", tags);
                let response = app.send(request).await;
                assert_eq!(response.status, StatusCode::OK, "{tags}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn all_mistakes_of_an_item_are_reported_at_once() {
    let app = TestApp::in_memory();
    let put_scone = |name: &str, number: u64| {
        let body = json!({ "name": name, "price_cents": number, "stock": number });
        let request = app.as_barista(put("/menu/scone", body));
        with_header(request, "if-none-match", "*")
    };
    // White space around a name is removed, but it counts.
    for name in [" ", "Scone\n", &format!("{} ", "é".repeat(100))] {
        let response = app.send(put_scone(name, 1_000_001)).await;
        let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
        let mistakes = problem["errors"].as_array().unwrap();
        let places: Vec<_> = mistakes.iter().map(|it| &it["pointer"]).collect();
        assert_eq!(places, ["#/name", "#/price_cents", "#/stock"], "{name:?}");
    }
    let item = app.json_of(put_scone(" Scone ", 1_000_000)).await;
    assert_eq!(item["name"], "Scone");
}

#[tokio::test]
async fn every_change_of_an_item_changes_its_tag_and_that_of_the_menu() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        let tags = async || {
            let item = app.send(get("/menu/tea")).await;
            let menu = app.send(get("/menu")).await;
            [item, menu].map(|response| response.header("etag").to_owned())
        };
        let mut before = tags().await;
        for _ in 0..3 {
            put_if(&app, "tea", ("if-match", "*")).await;
            let after = tags().await;
            assert_ne!(before[0], after[0]);
            assert_ne!(before[1], after[1]);
            before = after;
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_needs_a_condition_that_is_true() {
    on_each_storage(|repositories| async {
        let app = TestApp::new(repositories);
        for (id, condition, status) in [
            ("tea", ("if-match", "\"2\""), 412),
            ("tea", ("if-match", "W/\"1\""), 412),
            ("tea", ("if-match", "1"), 412),
            ("tea", ("if-none-match", "*"), 412),
            ("tea", ("if-none-match", "\"2\""), 428),
            ("tea", ("if-match", "\"1\""), 200),
            ("tea", ("if-match", "\"1\""), 412),
            ("tea", ("if-match", "\"1\", \"2\""), 200),
            ("tea", ("if-match", "*"), 200),
            ("scone", ("if-match", "*"), 412),
            ("scone", ("if-match", "\"1\""), 412),
            ("scone", ("if-none-match", "*"), 201),
            ("scone", ("if-none-match", "*"), 412),
        ] {
            let response = put_if(&app, id, condition).await;
            assert_eq!(response.status, status, "{id} {condition:?}");
        }
        let response = app.send(put_item(&app, "tea", 7)).await;
        response.problem(StatusCode::PRECONDITION_REQUIRED);
        let tea = app.send(get("/menu/tea")).await;
        assert_eq!(tea.header("etag"), "\"4\"");
    })
    .await;
}

#[tokio::test]
async fn a_condition_that_is_not_true_is_named() {
    let app = TestApp::in_memory();
    for (condition, header) in [
        (("if-match", "\"9\""), "if-match"),
        (("if-none-match", "*"), "if-none-match"),
    ] {
        let response = put_if(&app, "tea", condition).await;
        let problem = response.problem(StatusCode::PRECONDITION_FAILED);
        assert_eq!(problem["errors"][0]["header"], header);
    }
}

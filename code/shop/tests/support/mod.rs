//! What the tests share: a shop for each test, and requests that need no socket.

// Each file in `tests` is a program of its own and uses a part of this module.
#![allow(dead_code)]

#[cfg(all(unix, feature = "server", feature = "sqlite"))]
pub mod process;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use shop::AppState;
use shop::extract::StaffToken;
use shop::middleware::request_id;
use shop::model::{NewOrder, OrderRequest, opening_menu};
use shop::repository::Repository;
use shop::repository::memory::Memory;
use shop::services::Shop;
use tower::ServiceExt;

/// The time that the clock of these tests shows.
pub const NOW: Timestamp = Timestamp::constant(1_772_439_300, 0); // 2026-03-02T08:15:00Z

/// The staff token of these tests.
pub const STAFF_TOKEN: &str = "only-for-these-tests";

// ANCHOR: app
/// The router of a shop that keeps its data in memory.
pub fn app() -> Router {
    app_with(Memory::new(opening_menu()))
}

/// The router of a shop that keeps its data in this repository.
pub fn app_with(repository: impl Repository + 'static) -> Router {
    request_id(shop::router(state(Arc::new(repository))), count_from_one())
}

/// The state of a shop whose clock always shows the same time.
pub fn state(repository: Arc<dyn Repository>) -> AppState {
    AppState {
        shop: Shop::new(repository, || NOW),
        staff_token: Some(StaffToken::new(STAFF_TOKEN.into())),
    }
}
// ANCHOR_END: app

/// Request ids 1, 2, 3, and so on.
pub fn count_from_one() -> impl Fn() -> HeaderValue + Send + Sync + 'static {
    let last = AtomicU64::new(0);
    move || (last.fetch_add(1, Ordering::Relaxed) + 1).into()
}

/// A new database in this folder.
#[cfg(feature = "sqlite")]
pub fn sqlite(folder: &std::path::Path) -> shop::repository::sqlite::Sqlite {
    shop::repository::sqlite::Sqlite::open(&folder.join("shop.db")).unwrap()
}

/// How often a test repeats what could go wrong only sometimes. `TEST_RUNS=50 cargo test`
/// repeats it more often.
pub fn runs() -> usize {
    env::var("TEST_RUNS").map_or(3, |runs| runs.parse().unwrap())
}

// Requests.

/// A request without a body.
pub fn request(method: Method, path: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    request.body(Body::empty()).unwrap()
}

/// A request with a JSON body.
pub fn request_with(method: Method, path: &str, body: &Value) -> Request<Body> {
    request_with_text(method, path, body.to_string())
}

/// A request with a body that says that it is JSON.
pub fn request_with_text(
    method: Method,
    path: &str,
    body: impl Into<Body>,
) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(CONTENT_TYPE, "application/json");
    request.body(body.into()).unwrap()
}

pub fn get(path: &str) -> Request<Body> {
    request(Method::GET, path)
}

pub fn delete(path: &str) -> Request<Body> {
    request(Method::DELETE, path)
}

pub fn put(path: &str, body: Value) -> Request<Body> {
    request_with(Method::PUT, path, &body)
}

pub fn post(path: &str, body: Value) -> Request<Body> {
    request_with(Method::POST, path, &body)
}

pub fn patch(path: &str, body: Value) -> Request<Body> {
    request_with(Method::PATCH, path, &body)
}

// ANCHOR: order
/// A request in which Ada orders an item.
pub fn order(item: &str, quantity: u32) -> Request<Body> {
    let body = json!({ "customer": "Ada", "item": item, "quantity": quantity });
    post("/orders", body)
}
// ANCHOR_END: order

/// The same request with the staff token.
pub fn as_staff(request: Request<Body>) -> Request<Body> {
    with_header(
        request,
        AUTHORIZATION.as_str(),
        &format!("Bearer {STAFF_TOKEN}"),
    )
}

/// The same request with one more header.
pub fn with_header(
    mut request: Request<Body>,
    name: &'static str,
    value: &str,
) -> Request<Body> {
    let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
    request.headers_mut().append(name, value);
    request
}

// Responses.

/// A response with its whole body.
#[derive(Debug)]
pub struct TestResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl TestResponse {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header as text, empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a problem document with this status, and returns it.
    #[track_caller]
    pub fn problem(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_ne!(self.header("x-request-id"), "");
        let problem = self.json();
        assert_eq!(problem["status"], status.as_u16());
        for member in ["type", "title", "detail"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "no {member}: {problem}");
        }
        problem
    }
}

// ANCHOR: send
/// Sends a request to a router and reads the whole response.
pub async fn send(app: &Router, request: Request<Body>) -> TestResponse {
    let Ok(response) = app.clone().oneshot(request).await;
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    TestResponse {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.into()).unwrap(),
    }
}
// ANCHOR_END: send

/// Sends a request that succeeds, and returns the body of its response.
pub async fn json_of(app: &Router, request: Request<Body>) -> Value {
    let response = send(app, request).await;
    assert!(response.status.is_success(), "{response:?}");
    response.json()
}

/// How many of an item are left, as the menu says.
pub async fn stock(app: &Router, item: &str) -> u64 {
    let item = json_of(app, get(&format!("/menu/{item}"))).await;
    item["stock"].as_u64().unwrap()
}

/// A valid order from Ada, for those tests that call a repository without HTTP.
pub fn new_order(item: &str, quantity: u32) -> NewOrder {
    let request = OrderRequest {
        customer: "Ada".into(),
        item: item.into(),
        quantity,
        note: None,
        table: None,
    };
    NewOrder::try_from(request).unwrap()
}

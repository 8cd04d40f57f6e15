//! One way to solve the exercise of the chapter on middleware.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::CACHE_CONTROL},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
    routing::get,
};

/// A kitchen with a public list of dishes, and a stock that is for the staff.
// ANCHOR: routes
pub fn app() -> Router {
    let served = Arc::new(AtomicU64::new(0));
    Router::new()
        .route("/stock", get(async || "40 eggs, 3 leeks"))
        .route_layer(from_fn(require_key))
        .route("/dishes", get(async || "soup, toast"))
        .layer(from_fn(no_store))
        .layer(from_fn_with_state(served, count))
}
// ANCHOR_END: routes

async fn no_store(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let value = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}

// ANCHOR: require-key
async fn require_key(request: Request, next: Next) -> Result<Response, StatusCode> {
    let key = request.headers().get("x-kitchen-key");
    if key.is_some_and(|key| key == "ladle") {
        Ok(next.run(request).await)
    } else {
        Err(StatusCode::UNAUTHORIZED)
    }
}
// ANCHOR_END: require-key

// ANCHOR: count
async fn count(
    State(served): State<Arc<AtomicU64>>,
    request: Request,
    next: Next,
) -> Response {
    let number = served.fetch_add(1, Ordering::Relaxed) + 1;
    let mut response = next.run(request).await;
    let number = HeaderValue::from(number);
    response.headers_mut().insert("x-served", number);
    response
}
// ANCHOR_END: count

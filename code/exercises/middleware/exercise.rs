//! Your turn: middleware for a kitchen. `cargo exercise middleware` says what is met and
//! what is missing.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header::CACHE_CONTROL},
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};

/// A kitchen with a public list of dishes, and a stock that is for the staff.
// ANCHOR: routes
pub fn app() -> Router {
    Router::new()
        .route("/stock", get(async || "40 eggs, 3 leeks"))
        .route_layer(from_fn(require_key))
        .route("/dishes", get(async || "soup, toast"))
        .layer(from_fn(no_store))
}
// ANCHOR_END: routes

// ANCHOR: complete
// 1. Finished example: browsers and proxies shouldn't keep a copy of a response.
async fn no_store(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let value = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}
// ANCHOR_END: complete

// ANCHOR: gap
// 2. Fill in the gap: a request without the header `x-kitchen-key: ladle` gets a
//    401. A request with this header goes to the handler.
async fn require_key(request: Request, next: Next) -> Result<Response, StatusCode> {
    let key = request.headers().get("x-kitchen-key");
    todo!("compare {key:?}, then run {next:?} or return an Err")
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: each response has a header `x-served` with a number: 1 for the first
//    request to this app, 2 for the second, and so on. A 401 and a 404 count, too.
//    `from_fn_with_state` gives a middleware its state, for example an
//    `Arc<AtomicU64>`.
// ANCHOR_END: yours

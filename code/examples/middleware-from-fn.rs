//! A middleware that sees every request and every response.

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use tower::ServiceExt;

// ANCHOR: log-request
async fn log_request(request: Request, next: Next) -> Response {
    let method_and_path = format!("{} {}", request.method(), request.uri());
    let response = next.run(request).await;
    println!("{method_and_path}: {}", response.status());
    response
}
// ANCHOR_END: log-request

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // ANCHOR: app
    let app = Router::new()
        .route("/menu", get(async || "espresso, tea"))
        .layer(from_fn(log_request));
    // ANCHOR_END: app
    app.oneshot(Request::get("/menu").body(Body::empty())?)
        .await?;
    Ok(())
}

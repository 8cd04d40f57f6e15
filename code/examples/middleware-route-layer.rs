//! A middleware around all requests, and around the requests of some routes.

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{StatusCode, header::AUTHORIZATION},
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use tower::ServiceExt;

// ANCHOR: require-token
async fn require_token(
    request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    if request.headers().contains_key(AUTHORIZATION) {
        Ok(next.run(request).await)
    } else {
        Err(StatusCode::UNAUTHORIZED)
    }
}
// ANCHOR_END: require-token

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // ANCHOR: routers
    let orders = Router::new().route("/orders", get(async || "no orders yet"));
    let layer = orders.clone().layer(from_fn(require_token));
    let route_layer = orders.route_layer(from_fn(require_token));
    // ANCHOR_END: routers

    for (how, app) in [("layer", layer), ("route_layer", route_layer)] {
        for path in ["/orders", "/ordres", "/menu"] {
            let app = app.clone().route("/menu", get(async || "espresso, tea"));
            let request = Request::get(path).body(Body::empty())?;
            let response = app.oneshot(request).await?;
            println!("{how:11}  GET {path:7}  {}", response.status());
        }
    }
    Ok(())
}

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
    let with_layer = orders.clone().layer(from_fn(require_token));
    let with_route_layer = orders.route_layer(from_fn(require_token));
    // ANCHOR_END: routers

    for (name, app) in [
        ("with_layer", with_layer),
        ("with_route_layer", with_route_layer),
    ] {
        for (path, token) in [
            ("/orders", None),
            ("/orders", Some("Bearer ladle")),
            ("/ordres", None),
            ("/menu", None),
        ] {
            // ANCHOR: menu
            let app = app.clone().route("/menu", get(async || "espresso, tea"));
            // ANCHOR_END: menu
            let mut request = Request::get(path);
            if let Some(token) = token {
                request = request.header(AUTHORIZATION, token);
            }
            let response = app.oneshot(request.body(Body::empty())?).await?;
            let token = token.map_or("no token", |_| "token");
            println!("{name:16}  GET {path:7}  {token:8}  {}", response.status());
        }
    }
    Ok(())
}

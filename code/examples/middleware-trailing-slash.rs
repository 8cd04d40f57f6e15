//! Inside the router, a layer that changes the path runs too late.

use axum::{Router, body::Body, extract::Request, routing::get};
use tower::{Layer, ServiceExt};
use tower_http::normalize_path::NormalizePathLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let routes = Router::new().route("/menu", get(async || "espresso, tea"));
    let trim = NormalizePathLayer::trim_trailing_slash();
    let request = || Request::get("/menu/").body(Body::empty());

    let inside = routes.clone().layer(trim);
    assert_eq!(inside.oneshot(request()?).await?.status(), 404);

    let around = trim.layer(routes);
    assert_eq!(around.clone().oneshot(request()?).await?.status(), 200);

    // `axum::serve` takes this in place of a router.
    let _service = axum::ServiceExt::<Request>::into_make_service(around);
    Ok(())
}

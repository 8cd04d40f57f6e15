//! Two layers that answer when the handler takes too long.

use std::future::pending;
use std::time::Duration;

use axum::{
    BoxError, Router,
    body::{Body, to_bytes},
    error_handling::HandleErrorLayer,
    http::{Request, StatusCode},
    routing::get,
};
use tower::{ServiceBuilder, ServiceExt};

const REQUEST_TIMEOUT: Duration = Duration::from_millis(50);

// ANCHOR: tower
fn with_tower(routes: Router) -> Router {
    routes.layer(
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(too_slow))
            .layer(tower::timeout::TimeoutLayer::new(REQUEST_TIMEOUT)),
    )
}

async fn too_slow(error: BoxError) -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}
// ANCHOR_END: tower

fn with_tower_http(routes: Router) -> Router {
    use tower_http::timeout::TimeoutLayer;

    let status = StatusCode::SERVICE_UNAVAILABLE;
    routes.layer(TimeoutLayer::with_status_code(status, REQUEST_TIMEOUT))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let slow = Router::new().route("/menu", get(async || pending::<()>().await));
    for (layer, app) in [
        ("tower", with_tower(slow.clone())),
        ("tower-http", with_tower_http(slow)),
    ] {
        let request = Request::get("/menu").body(Body::empty())?;
        let response = app.oneshot(request).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1024).await?;
        println!("{layer:10}  {status}, a body of {} bytes", body.len());
    }
    Ok(())
}

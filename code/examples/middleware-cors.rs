//! What a browser asks before a page of another origin may send an order.

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request},
    routing::post,
};
use shop::middleware::server_layers;
use tower::ServiceExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tablet = "https://tablet.example";
    let allowed = vec![HeaderValue::from_static(tablet)];
    let routes = Router::new().route("/orders", post(async || "placed"));
    let app = server_layers(routes, || HeaderValue::from_static("1"), allowed);

    // ANCHOR: requests
    let preflight = || {
        Request::options("/orders")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
    };
    for (head, origin) in [
        (preflight(), tablet),
        (Request::post("/orders"), tablet),
        (preflight(), "https://elsewhere.example"),
        (Request::post("/orders"), "https://elsewhere.example"),
    ] {
        // ANCHOR_END: requests
        let request = head.header("origin", origin).body(Body::empty())?;
        println!("{} /orders, from a page of {origin}", request.method());
        let response = app.clone().oneshot(request).await?;
        println!("  {}", response.status());
        for (name, value) in response.headers() {
            if name.as_str().starts_with("access-control") {
                println!("  {name}: {}", value.to_str()?);
            }
        }
    }
    Ok(())
}

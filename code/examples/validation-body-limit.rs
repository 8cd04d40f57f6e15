//! A limit for the bodies of all routes, and a higher one for a single route.

use axum::extract::DefaultBodyLimit;
use axum::{Router, body::Body, http::Request, routing::post};
use tower::ServiceExt;

async fn store(body: String) -> String {
    format!("Stored {} bytes", body.len())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let photos = post(store).layer(DefaultBodyLimit::max(5 * 1024 * 1024));
    let app = Router::new()
        .route("/notes", post(store))
        .route("/photos", photos)
        .layer(DefaultBodyLimit::max(16 * 1024));
    for path in ["/notes", "/photos"] {
        let body = Body::from("x".repeat(3_000_000));
        let request = Request::post(path).body(body)?;
        let response = app.clone().oneshot(request).await?;
        println!("3 MB to {path}: {}", response.status());
    }
    Ok(())
}

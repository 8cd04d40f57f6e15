//! Two features, each with routes of its own, merged into one router.

use axum::{Router, body::Body, http::Request};
use tower::ServiceExt; // for `oneshot`

// ANCHOR: app
fn app() -> Router {
    Router::new()
        .merge(orders::routes())
        .merge(photos::routes())
}

mod orders {
    use axum::{Router, routing::post};

    pub fn routes() -> Router {
        Router::new().route("/orders", post(|_: String| async { "placed" }))
    }
}

mod photos {
    use axum::{Router, extract::DefaultBodyLimit, routing::post};

    pub fn routes() -> Router {
        Router::new()
            .route("/photos", post(|_: String| async { "stored" }))
            .layer(DefaultBodyLimit::max(5_000_000)) // bytes
    }
}
// ANCHOR_END: app

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in ["/orders", "/photos"] {
        let body = Body::from("x".repeat(3_000_000));
        let request = Request::post(path).body(body)?;
        let response = app().oneshot(request).await?;
        println!("3 MB to {path}: {}", response.status());
    }
    Ok(())
}

//! One route, one handler, one request, one answer. No socket is opened.

use axum::{Router, body::Body, http::Request, routing::get};
use tower::ServiceExt; // for `oneshot`

/// A handler: an async function. What it returns becomes the answer.
async fn sign() -> &'static str {
    "The shop is open"
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new().route("/", get(sign));

    let request = Request::get("/").body(Body::empty())?;
    let answer = app.oneshot(request).await?;

    assert_eq!(answer.status(), 200);
    let body = axum::body::to_bytes(answer.into_body(), 1024).await?;
    assert_eq!(body, "The shop is open");
    Ok(())
}

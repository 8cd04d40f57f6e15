//! One route, one handler, one request, one response. No port is opened.

use axum::{Router, body::Body, http::Request, routing::get};
use tower::ServiceExt; // for `oneshot`

/// A handler: an async function. axum turns its return value into a response.
async fn opening_hours() -> &'static str {
    "Open from 7 a.m. to 6 p.m."
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new().route("/hours", get(opening_hours));

    let request = Request::get("/hours").body(Body::empty())?;
    let response = app.oneshot(request).await?;

    assert_eq!(response.status(), 200);
    let body = axum::body::to_bytes(response.into_body(), 1024).await?;
    assert_eq!(body, "Open from 7 a.m. to 6 p.m.");
    Ok(())
}

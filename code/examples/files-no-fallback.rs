//! An API without a fallback, inside a router with one.

use axum::{Router, body::Body, http::Request, routing::get};
use tower::ServiceExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let api = Router::new().route("/menu", get(async || "espresso, tea"));
    let app = Router::new()
        .nest("/api", api)
        .fallback(async || "<div id=app></div>"); // in place of `ServeDir`

    let request = Request::get("/api/unknown").body(Body::empty())?;
    let response = app.oneshot(request).await?;
    assert_eq!(response.status(), 200); // not 404: the outer fallback responded
    Ok(())
}

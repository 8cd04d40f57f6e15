//! A wildcard, which matches the rest of a path.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::Request,
    routing::get,
};
use tower::ServiceExt; // for `oneshot`

// ANCHOR: wildcard
fn app() -> Router {
    Router::new()
        .route("/pictures/today", get(async || "today's picture"))
        .route("/pictures/{*path}", get(show_picture))
}

async fn show_picture(Path(path): Path<String>) -> String {
    format!("the picture {path}")
}
// ANCHOR_END: wildcard

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in [
        "/pictures/tea.jpg",
        "/pictures/menu/tea.jpg",
        "/pictures/today",
        "/pictures/",
        "/pictures",
    ] {
        let request = Request::get(path).body(Body::empty())?;
        let response = app().oneshot(request).await?;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1024).await?;
        let line = format!(
            "GET {path:22}  {status}  {}",
            String::from_utf8_lossy(&body)
        );
        println!("{}", line.trim_end());
    }
    Ok(())
}

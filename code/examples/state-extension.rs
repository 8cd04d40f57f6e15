//! A handler that asks for an extension, with and without the layer that adds it.

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    http::Request,
    routing::get,
};
use tower::ServiceExt; // for `oneshot`

// ANCHOR: extension
#[derive(Clone)]
struct Motto(&'static str);

async fn show_motto(Extension(motto): Extension<Motto>) -> &'static str {
    motto.0
}

fn app() -> Router {
    let motto = Motto("Coffee first");
    Router::new()
        .route("/motto", get(show_motto))
        .layer(Extension(motto))
        .route("/forgotten", get(show_motto))
}
// ANCHOR_END: extension

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in ["/motto", "/forgotten"] {
        let request = Request::get(path).body(Body::empty())?;
        let response = app().oneshot(request).await?;
        println!("GET {path}\n{}", response.status());
        let body = to_bytes(response.into_body(), 1024).await?;
        let body = String::from_utf8_lossy(&body).replace(". ", ".\n");
        println!("{body}\n");
    }
    Ok(())
}

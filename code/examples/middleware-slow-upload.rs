//! A client that begins to send a body and doesn't finish.

use std::io;
use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
    routing::post,
};
use futures_util::{StreamExt, stream};
use tower::ServiceExt;
use tower_http::timeout::RequestBodyDeadlineLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // ANCHOR: deadline
    let app = Router::new()
        .route("/orders", post(async |body: String| body))
        .layer(RequestBodyDeadlineLayer::new(Duration::from_millis(50)));
    // ANCHOR_END: deadline

    let start = stream::once(async { Ok::<_, io::Error>("{\"customer\":") });
    let body = Body::from_stream(start.chain(stream::pending()));
    let response = app.oneshot(Request::post("/orders").body(body)?).await?;
    println!("{}", response.status());
    let body = to_bytes(response.into_body(), 1024).await?;
    println!("{}", String::from_utf8_lossy(&body));
    Ok(())
}

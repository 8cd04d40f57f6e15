//! Compression, for clients that accept it and bodies that are worth it.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header::CONTENT_ENCODING},
    routing::get,
};
use tower::ServiceExt;
use tower_http::compression::CompressionLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // ANCHOR: app
    let app = Router::new()
        .route("/menu", get(async || "flat-white 3.80\n".repeat(100)))
        .route("/tip", get(async || "flat-white"))
        .layer(CompressionLayer::new());
    // ANCHOR_END: app

    for (path, accept, most) in [
        ("/menu", "gzip", 100),
        ("/menu", "identity", 1600),
        ("/tip", "gzip", 10),
    ] {
        let request = Request::get(path).header("accept-encoding", accept);
        let response = app.clone().oneshot(request.body(Body::empty())?).await?;
        let encoding = response.headers().get(CONTENT_ENCODING);
        let encoding = encoding.map_or(Ok("none"), |value| value.to_str())?;
        println!("{path:5}  accepts {accept:8}  gets {encoding}");
        let size = to_bytes(response.into_body(), 64 * 1024).await?.len();
        assert!(size <= most, "{size}");
    }
    Ok(())
}

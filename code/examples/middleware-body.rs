//! A middleware that reads the body of a request and passes it on.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::StatusCode,
    middleware::{Next, from_fn},
    response::Response,
    routing::post,
};
use tower::ServiceExt;

// ANCHOR: log-body
const LIMIT: usize = 64 * 1024;

async fn log_body(request: Request, next: Next) -> Result<Response, StatusCode> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, LIMIT)
        .await
        .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    println!("middleware: {} bytes", bytes.len());
    let request = Request::from_parts(parts, Body::from(bytes));
    Ok(next.run(request).await)
}
// ANCHOR_END: log-body

async fn place_order(body: String) {
    println!("handler: {} bytes", body.len());
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/orders", post(place_order))
        .layer(from_fn(log_body));
    for size in [100, LIMIT + 1] {
        println!("a request with {size} bytes");
        let request =
            Request::post("/orders").body(Body::from(vec![b' '; size]))?;
        let response = app.clone().oneshot(request).await?;
        println!("{}", response.status());
    }
    Ok(())
}

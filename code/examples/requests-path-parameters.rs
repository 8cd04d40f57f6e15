//! Two parameters in one path, as a tuple and as a struct.

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Path,
    http::Request,
    routing::get,
};
use serde::Deserialize;
use tower::ServiceExt; // for `oneshot`

// ANCHOR: path-parameters
fn app() -> Router {
    Router::new()
        .route("/tables/{table}/seats/{seat}", get(show_seat))
        .route("/receipts/{year}/{number}", get(show_receipt))
}

async fn show_seat(Path((table, seat)): Path<(u32, u32)>) -> String {
    format!("table {table}, seat {seat}")
}

#[derive(Deserialize)]
struct ReceiptPath {
    number: u32,
    year: u32,
}

async fn show_receipt(Path(path): Path<ReceiptPath>) -> String {
    format!("receipt {} of {}", path.number, path.year)
}
// ANCHOR_END: path-parameters

// ANCHOR: one-path-each
/// A mistake: each `Path` gets all parameters of the path.
async fn show_chair(Path(_table): Path<u32>, Path(_chair): Path<u32>) {}
// ANCHOR_END: one-path-each

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A call in Rust works, and it compiles as a handler. Only requests fail.
    show_chair(Path(4), Path(2)).await;
    let app = app().route("/tables/{table}/chairs/{chair}", get(show_chair));
    for path in [
        "/tables/4/seats/2",
        "/receipts/2026/17",
        "/receipts/2026/last",
        "/tables/4/chairs/2",
    ] {
        let request = Request::get(path).body(Body::empty())?;
        let response = app.clone().oneshot(request).await?;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1024).await?;
        let body = String::from_utf8_lossy(&body);
        let body = body.replace(". ", ".\n       ");
        println!("GET {path}\n  {status}  {body}");
    }
    Ok(())
}

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
    format!("receipt {} of the year {}", path.number, path.year)
}
// ANCHOR_END: path-parameters

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for path in [
        "/tables/4/seats/2",
        "/receipts/2026/17",
        "/receipts/2026/last",
    ] {
        let request = Request::get(path).body(Body::empty())?;
        let response = app().oneshot(request).await?;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1024).await?;
        let body = String::from_utf8_lossy(&body);
        println!("GET {path:19}  {status}  {body}");
    }
    Ok(())
}

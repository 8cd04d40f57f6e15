use std::time::Duration;

use axum::{Router, routing::get};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/", get(sign))
        .route("/espresso", get(brew));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4000").await?;
    axum::serve(listener, app).await
}

async fn sign() -> &'static str {
    "The shop is open"
}

async fn brew() -> &'static str {
    tokio::time::sleep(Duration::from_secs(5)).await;
    "One espresso"
}

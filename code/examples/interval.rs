//! A task that runs once a minute while the server runs.

use std::{io, time::Duration};

use axum::{Router, routing::get};
use tokio::{net::TcpListener, time};

async fn count_stock() {
    let mut every_minute = time::interval(Duration::from_secs(60));
    loop {
        every_minute.tick().await;
        println!("counting the stock");
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    tokio::spawn(count_stock());
    let app = Router::new().route("/", get(|| async { "Hello" }));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let stop = time::sleep(Duration::from_millis(200)); // stands for Ctrl-C
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await
}

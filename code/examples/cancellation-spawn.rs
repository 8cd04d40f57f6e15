//! A handler whose work continues in a task when the client disconnects.

use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::{sleep, timeout};

async fn take_payment() {
    sleep(Duration::from_secs(1)).await;
    println!("  the payment is taken");
}

async fn store_order() {
    sleep(Duration::from_secs(1)).await;
    println!("  the order is stored");
}

// ANCHOR: sell
/// If this handler is canceled, only `sale` is dropped. The task continues.
async fn sell() -> StatusCode {
    let sale = tokio::spawn(async {
        take_payment().await;
        store_order().await;
    });
    let result = sale.await; // an error if the task has panicked
    result.map_or(StatusCode::INTERNAL_SERVER_ERROR, |()| StatusCode::CREATED)
}
// ANCHOR_END: sell

// The clock is paused: it moves only while all tasks wait, so nobody waits for real.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    println!("The client waits:");
    println!("  the handler returns {}", sell().await);

    println!("The client disconnects:");
    if timeout(Duration::from_millis(500), sell()).await.is_err() {
        println!("  the handler is canceled");
    }
    sleep(Duration::from_secs(5)).await;
}

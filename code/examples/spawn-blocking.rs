//! The same blocking call, on one of Tokio's threads for blocking calls.

use std::{thread, time::Duration};

/// Blocks its thread, as a long computation would.
fn grind() {
    thread::sleep(Duration::from_millis(200));
    println!("the beans are ground");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), tokio::task::JoinError> {
    let bo = tokio::spawn(async { println!("Bo gets his tea") });
    tokio::task::spawn_blocking(grind).await?;
    bo.await
}

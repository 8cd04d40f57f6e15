//! Work that is unfinished when `main` ends.

use std::{future, thread, time::Duration};
use tokio::{task, time};

#[tokio::main]
async fn main() {
    tokio::spawn(future::pending::<()>()); // a task that never finishes
    task::spawn_blocking(|| {
        thread::sleep(Duration::from_millis(400));
        println!("the blocking call is done");
    });
    time::sleep(Duration::from_millis(100)).await; // lets both start
    println!("main is done");
}

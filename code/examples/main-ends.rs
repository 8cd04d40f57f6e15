//! Work that is unfinished when `main` ends.

use std::{thread, time::Duration};
use tokio::{task, time};

#[tokio::main]
async fn main() {
    tokio::spawn(async {
        time::sleep(Duration::from_secs(10)).await;
        println!("the task is done");
    });
    task::spawn_blocking(|| {
        thread::sleep(Duration::from_millis(400));
        println!("the blocking call is done");
    });
    time::sleep(Duration::from_millis(100)).await; // lets both of them start
    println!("main is done");
}

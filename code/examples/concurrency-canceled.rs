//! What has changed after a timeout: with two async calls, and with one closure on
//! a blocking thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{sleep, timeout};

const FAST: Duration = Duration::from_millis(10);
const SLOW: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_millis(100);

/// Stands for the database.
#[derive(Debug)]
struct Database {
    stock: u32,
    orders: u32,
}

fn lock(database: &Mutex<Database>) -> MutexGuard<'_, Database> {
    database.lock().unwrap_or_else(PoisonError::into_inner)
}

fn database() -> Arc<Mutex<Database>> {
    Arc::new(Mutex::new(Database {
        stock: 2,
        orders: 0,
    }))
}

// ANCHOR: two-calls
async fn place_order(database: &Mutex<Database>) {
    sleep(FAST).await; // stands in for a database call
    lock(database).stock -= 1;
    sleep(SLOW).await;
    lock(database).orders += 1;
}
// ANCHOR_END: two-calls

// ANCHOR: one-closure
async fn place_order_on_blocking_thread(
    database: Arc<Mutex<Database>>,
) -> Result<(), JoinError> {
    let work = move || {
        thread::sleep(FAST);
        lock(&database).stock -= 1;
        thread::sleep(SLOW);
        lock(&database).orders += 1;
    };
    spawn_blocking(work).await
}
// ANCHOR_END: one-closure

#[tokio::main]
async fn main() -> Result<(), JoinError> {
    // ANCHOR: timeouts
    let (first, second) = (database(), database());
    place_order(&first).await;
    place_order_on_blocking_thread(Arc::clone(&second)).await?;
    println!("no timeout, two calls: {:?}", *lock(&first));
    println!("no timeout, one closure: {:?}", *lock(&second));

    let result = timeout(TIMEOUT, place_order(&first)).await;
    println!("two calls: {result:?}");
    let order = place_order_on_blocking_thread(Arc::clone(&second));
    let result = timeout(TIMEOUT, order).await;
    println!("one closure: {result:?}");

    sleep(SLOW * 2).await;
    println!("later, two calls: {:?}", *lock(&first));
    println!("later, one closure: {:?}", *lock(&second));
    // ANCHOR_END: timeouts
    Ok(())
}

//! A handler that unlocks the mutex before it waits.

use axum::extract::State;
use std::sync::{Arc, Mutex};

type Croissants = Arc<Mutex<u32>>;

async fn charge_card() {}

async fn order_croissant(State(croissants): State<Croissants>) {
    {
        let mut left = croissants.lock().expect("no handler panics");
        *left -= 1;
    } // The guard is dropped here.
    charge_card().await;
}

#[tokio::main]
async fn main() {
    let croissants = Arc::new(Mutex::new(4));
    let order = order_croissant(State(Arc::clone(&croissants)));
    let task = tokio::spawn(order); // `spawn` takes only futures that are `Send`.
    assert!(task.await.is_ok());
    assert_eq!(*croissants.lock().expect("no handler panics"), 3);
}

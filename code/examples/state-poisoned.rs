//! A panic in a task that holds a lock poisons the mutex.

use std::sync::{Arc, Mutex, PoisonError};

#[tokio::main]
async fn main() {
    let stock = Arc::new(Mutex::new(30));

    let shared = Arc::clone(&stock);
    let order = tokio::spawn(async move {
        let mut stock = shared.lock().expect("not poisoned yet");
        *stock -= 1;
        panic!("the receipt can't be printed");
    });
    assert!(order.await.is_err());

    // From now on, `lock` returns an `Err`, so `lock().unwrap()` panics every time.
    assert!(stock.lock().is_err());

    // The `Err` contains the guard, so you can still read the value. The task
    // reduced the stock before it panicked.
    let stock = stock.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*stock, 29);
}

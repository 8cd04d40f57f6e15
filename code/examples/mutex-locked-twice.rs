//! Two orders for the last croissant, and a function that unlocks the stock too early.

use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;

fn lock(stock: &Mutex<u32>) -> MutexGuard<'_, u32> {
    stock.lock().unwrap_or_else(PoisonError::into_inner)
}

// ANCHOR: place-order
/// Wrong: the stock is unlocked between the check and the change.
fn place_order(stock: &Mutex<u32>, both_have_checked: &Barrier) -> bool {
    let left = *lock(stock); // locks, reads, and unlocks
    if left == 0 {
        return false;
    }
    both_have_checked.wait();
    *lock(stock) = left - 1;
    true
}
// ANCHOR_END: place-order

fn main() {
    let stock = Mutex::new(1);
    let both_have_checked = Barrier::new(2);
    let order = || place_order(&stock, &both_have_checked);
    let (ada, bo) = thread::scope(|scope| {
        let (ada, bo) = (scope.spawn(order), scope.spawn(order));
        (ada.join(), bo.join())
    });
    println!("Ada gets a croissant: {}", ada.is_ok_and(|sold| sold));
    println!("Bo gets a croissant: {}", bo.is_ok_and(|sold| sold));
    println!("Tom gets a croissant: {}", order());
    println!("Stock: {}", lock(&stock));
}

//! Ada pays by card while Bo asks how many muffins are left.

use tokio::{join, sync::Mutex, task::yield_now};

// ANCHOR: sell
async fn pay() {
    println!("  Ada holds out her card");
    yield_now().await; // a card terminal takes its time
    println!("  Ada has paid");
}

async fn sell_and_hold_the_lock(stock: &Mutex<u32>) {
    let mut guard = stock.lock().await;
    *guard -= 1;
    pay().await; // the mutex is still locked
}

async fn sell_and_unlock(stock: &Mutex<u32>) {
    *stock.lock().await -= 1; // the guard is dropped at the end of this line
    pay().await;
}

async fn show(stock: &Mutex<u32>) {
    println!("  Bo sees {} left", stock.lock().await);
}
// ANCHOR_END: sell

// ANCHOR: main
#[tokio::main]
async fn main() {
    println!("With the lock across the await:");
    let stock = Mutex::new(4);
    join!(sell_and_hold_the_lock(&stock), show(&stock));
    println!("With the lock released before the await:");
    let stock = Mutex::new(4);
    join!(sell_and_unlock(&stock), show(&stock));
}
// ANCHOR_END: main

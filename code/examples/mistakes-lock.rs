//! Ada pays by card while Bo asks what is left.

use tokio::{join, sync::Mutex, task::yield_now};

async fn sell(left: &Mutex<u32>, hold: bool) {
    let mut guard = left.lock().await;
    *guard -= 1;
    let _held = hold.then_some(guard); // otherwise the guard is dropped here
    println!("  Ada holds out her card");
    yield_now().await; // a card terminal takes its time
    println!("  Ada has paid");
}

async fn look(left: &Mutex<u32>) {
    println!("  Bo sees {} left", left.lock().await);
}

#[tokio::main]
async fn main() {
    for hold in [true, false] {
        println!("The lock is {}:", if hold { "held" } else { "let go" });
        let left = Mutex::new(4);
        join!(sell(&left, hold), look(&left));
    }
}

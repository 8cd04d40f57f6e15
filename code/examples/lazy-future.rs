//! Calling an async function makes a future, which runs when it is awaited.

async fn brew(drink: &str) {
    println!("brewing {drink}");
}

#[tokio::main]
async fn main() {
    let espresso = brew("espresso");
    let _tea = brew("tea");
    println!("ordered");
    espresso.await;
    println!("served");
}

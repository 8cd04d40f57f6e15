#![deny(unused_must_use)]

async fn brew(drink: &str) {
    println!("brewing {drink}");
}

#[tokio::main]
async fn main() {
    brew("tea");
}

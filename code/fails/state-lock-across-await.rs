use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, routing::post};

#[derive(Clone)]
struct Shop {
    croissants: Arc<Mutex<u32>>,
}

async fn charge_card() {}

// ANCHOR: lock
#[axum::debug_handler]
async fn order_croissant(State(shop): State<Shop>) {
    let mut left = shop.croissants.lock().unwrap();
    charge_card().await;
    *left -= 1;
}
// ANCHOR_END: lock

fn main() {
    let _app: Router = Router::new()
        .route("/croissants", post(order_croissant))
        .with_state(Shop { croissants: Arc::default() });
}

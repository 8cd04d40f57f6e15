use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, routing::post};

type Croissants = Arc<Mutex<u32>>;

async fn charge_card() {}

// ANCHOR: lock
#[axum::debug_handler]
async fn order_croissant(State(croissants): State<Croissants>) {
    let mut left = croissants.lock().unwrap();
    *left -= 1;
    charge_card().await;
}
// ANCHOR_END: lock

fn main() {
    let _app: Router = Router::new()
        .route("/croissants", post(order_croissant))
        .with_state(Croissants::default());
}

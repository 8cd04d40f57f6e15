use axum::{Json, Router, extract::State, routing::post};
use serde::Deserialize;

#[derive(Clone)]
struct Shop;

#[derive(Deserialize)]
struct NewOrder {
    item: String,
}

// ANCHOR: debug-handler
#[axum::debug_handler]
async fn place_order(Json(new): Json<NewOrder>, State(_): State<Shop>) -> String {
    format!("One {}, coming up", new.item)
}
// ANCHOR_END: debug-handler

fn main() {
    let _app: Router = Router::new()
        .route("/orders", post(place_order))
        .with_state(Shop);
}

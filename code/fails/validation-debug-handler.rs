use axum::{Json, extract::State};
use serde::Deserialize;

#[derive(Clone)]
struct Shop;

#[derive(Deserialize)]
struct OrderRequest {
    item: String,
}

// ANCHOR: debug-handler
#[axum::debug_handler]
async fn place_order(
    Json(request): Json<OrderRequest>,
    State(_shop): State<Shop>,
) -> String {
    format!("One {}, coming up", request.item)
}
// ANCHOR_END: debug-handler

fn main() {}

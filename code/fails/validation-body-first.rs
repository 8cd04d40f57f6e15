use axum::{Json, Router, extract::State, routing::post};
use serde::Deserialize;

#[derive(Clone)]
struct Shop;

#[derive(Deserialize)]
struct OrderRequest {
    item: String,
}

// ANCHOR: body-first
async fn place_order(
    Json(request): Json<OrderRequest>,
    State(_shop): State<Shop>,
) -> String {
    format!("One {}, coming up", request.item)
}

fn routes() -> Router<Shop> {
    Router::new().route("/orders", post(place_order))
}
// ANCHOR_END: body-first

fn main() {
    let _app: Router = routes().with_state(Shop);
}

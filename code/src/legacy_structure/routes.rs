//! Which endpoint is answered by which controller. Nothing is decided here.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use super::controllers::{list_menu, place_order, show_item, show_order};
use super::services::Shop;

/// Every endpoint of the shop.
pub fn routes(shop: Shop) -> Router {
    Router::new()
        .route("/menu", get(list_menu))
        .route("/menu/{id}", get(show_item))
        .route("/orders", post(place_order))
        .route("/orders/{id}", get(show_order))
        .layer(DefaultBodyLimit::max(16 * 1024)) // bytes
        .with_state(shop)
}

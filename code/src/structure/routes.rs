//! Connects paths and methods with handlers. Nothing else is decided here.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use super::handlers::{list_menu, place_order, put_item, show_item, show_order};
use super::state::AppState;

// ANCHOR: routes
/// Every endpoint of the shop.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/menu", get(list_menu))
        .route("/menu/{id}", get(show_item).put(put_item))
        .route("/orders", post(place_order))
        .route("/orders/{id}", get(show_order))
        .layer(DefaultBodyLimit::max(16 * 1024)) // bytes
}
// ANCHOR_END: routes

//! Connects paths and methods with handlers. Nothing else is decided here.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use crate::error::Error;
use crate::handlers::{
    change_order, delete_item, list_menu, list_orders, live, place_order, put_item,
    ready, show_item, show_order,
};
use crate::state::AppState;

// ANCHOR: routes
/// Every endpoint of the shop.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/menu", get(list_menu))
        .route(
            "/menu/{id}",
            get(show_item).put(put_item).delete(delete_item),
        )
        .route("/orders", post(place_order).get(list_orders))
        .route("/orders/{id}", get(show_order).patch(change_order))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        // ANCHOR: fallbacks
        .fallback(|| async { Error::NoSuchPath })
        .method_not_allowed_fallback(|| async { Error::WrongMethod })
        // ANCHOR_END: fallbacks
        .layer(DefaultBodyLimit::max(16 * 1024)) // bytes
}
// ANCHOR_END: routes

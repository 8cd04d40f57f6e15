//! Which endpoint is answered by which controller, and what answers where none does.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use tokio::sync::Semaphore;

use super::controllers::{
    list_menu, place_order, print_receipt, share_bill, show_item, show_order,
};
use super::error::Error;
use crate::data::services::Shop;

/// Every endpoint of the shop.
// ANCHOR: routes
pub fn routes(shop: Shop) -> Router {
    let paper = Arc::new(Semaphore::new(1)); // sheets
    let printer = (shop.clone(), paper);
    Router::new()
        .route("/menu", get(list_menu))
        .route("/menu/{id}", get(show_item))
        .route("/orders", post(place_order))
        .route("/orders/{id}", get(show_order))
        .route("/orders/{id}/share", get(share_bill))
        .route(
            "/orders/{id}/receipt",
            post(print_receipt).with_state(printer),
        )
        // ANCHOR: fallbacks
        .fallback(|| async { Error::NoSuchPath })
        .method_not_allowed_fallback(|| async { Error::WrongMethod })
        // ANCHOR_END: fallbacks
        .layer(DefaultBodyLimit::max(16 * 1024)) // bytes
        .with_state(shop)
}
// ANCHOR_END: routes

//! Orders: customers place them, and baristas make them.

use axum::{Router, routing::get};

use crate::AppState;

pub mod error;
pub mod extract;
pub mod handlers;
pub mod idempotency;
pub mod memory;
pub mod model;
#[cfg(feature = "server")]
pub mod openapi;
#[cfg(feature = "server")]
pub mod postgres;
pub mod repository;
pub mod services;

// ANCHOR: routes
/// The endpoints of the orders.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/orders",
            get(handlers::list_orders).post(handlers::place_order),
        )
        .route(
            "/orders/{id}",
            get(handlers::show_order).patch(handlers::change_order),
        )
}
// ANCHOR_END: routes

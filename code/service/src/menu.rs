//! The menu: what can be ordered, its prices and its stock.

use axum::{Router, routing::get};

use crate::AppState;

pub mod error;
pub mod handlers;
pub mod memory;
pub mod model;
#[cfg(feature = "server")]
pub mod openapi;
#[cfg(feature = "server")]
pub mod postgres;
pub mod repository;
pub mod services;

/// The endpoints of the menu.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/menu", get(handlers::list_menu))
        .route(
            "/menu/{id}",
            get(handlers::show_item).put(handlers::put_item),
        )
}

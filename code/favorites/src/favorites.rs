//! Favorites: items that customers have marked.

use axum::{
    Router,
    routing::{get, put},
};

use crate::AppState;

// ANCHOR: modules
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
// ANCHOR_END: modules

// ANCHOR: routes
/// The endpoints of the favorites.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/me/favorites", get(handlers::list_favorites))
        .route(
            "/me/favorites/{id}",
            put(handlers::add_favorite).delete(handlers::remove_favorite),
        )
}
// ANCHOR_END: routes

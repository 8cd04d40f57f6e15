//! The customers: accounts, passwords, sign-in, and who sends a request.

use axum::{
    Router,
    routing::{delete, get, post},
};

use crate::AppState;

pub mod error;
pub mod extract;
pub mod handlers;
mod hs256;
pub mod memory;
pub mod model;
#[cfg(feature = "server")]
pub mod openapi;
pub mod passwords;
#[cfg(feature = "server")]
pub mod postgres;
pub mod repository;
pub mod services;
pub mod tokens;

/// The endpoints of the customers.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/customers", post(handlers::sign_up))
        .route("/sessions", post(handlers::sign_in))
        .route("/sessions/refresh", post(handlers::refresh))
        .route("/sessions/current", delete(handlers::sign_out))
        .route("/me", get(handlers::show_me))
}

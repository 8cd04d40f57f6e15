//! The customers: accounts, passwords, sign-in, and who sends a request.

use axum::Router;

use crate::AppState;

pub mod error;
pub mod extract;
mod hs256;
pub mod memory;
pub mod model;
#[cfg(feature = "server")]
pub mod postgres;
pub mod repository;
pub mod services;
pub mod tokens;

/// The endpoints of the customers.
pub fn routes() -> Router<AppState> {
    Router::new()
}

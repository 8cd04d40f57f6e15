//! The chapter [Organizing the project](../../../src/structure.md). Names the other
//! three, and makes the app.

pub mod controllers;
pub mod routes;
pub mod services;

use axum::Router;
use jiff::Timestamp;

use crate::legacy::{OPENING, count_from_one};
use services::Shop;

/// The shop of [`app_with`], with a clock that stands still and ids that count from 1.
pub fn app() -> Router {
    app_with(|| OPENING, count_from_one())
}

/// The shop with a clock and a source of order ids.
pub fn app_with(
    now: impl Fn() -> Timestamp + Send + 'static,
    next_id: impl FnMut() -> u64 + Send + 'static,
) -> Router {
    routes::routes(Shop::new(now, next_id))
}

//! The chapter [Common mistakes](../../../src/mistakes.md): four mistakes, each before
//! and after it is mended. The shops have the routes that the mistakes are about: neither
//! lists its menu.

pub mod after;
pub mod before;

use axum::Router;

// ANCHOR: app
/// Two shops, each behind a door of its own.
pub fn app() -> Router {
    Router::new()
        .nest("/before", before::app())
        .nest("/after", after::app())
}
// ANCHOR_END: app

//! The chapter [Common mistakes](../../../src/mistakes.md): a shop that is wrong on
//! purpose, and beside it the shop of this guide.

pub mod before;
pub mod ticket;

use axum::Router;

use crate::shop;

// ANCHOR: app
/// Two shops: the one with the mistakes, and the finished one.
pub fn app() -> Router {
    Router::new()
        .nest("/before", before::app())
        .nest("/after", shop::app())
}
// ANCHOR_END: app

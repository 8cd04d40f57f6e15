//! Payments with Stripe: customers pay on a page of Stripe's, and Stripe reports what has
//! happened to a webhook.

use axum::{Router, extract::DefaultBodyLimit, routing::post};

use crate::AppState;

pub mod error;
pub mod handlers;
pub mod memory;
pub mod model;
#[cfg(feature = "server")]
pub mod openapi;
#[cfg(feature = "server")]
pub mod postgres;
pub mod provider;
pub mod repository;
pub mod services;
pub mod stand_in;
#[cfg(feature = "server")]
pub mod stripe;
pub mod webhook;

/// The endpoints of the payments.
pub fn routes() -> Router<AppState> {
    // An event contains a whole object of Stripe's, which may be larger than the requests
    // of our own clients.
    let webhook = post(handlers::webhook);
    let webhook = webhook.layer(DefaultBodyLimit::max(256 * 1024)); // bytes
    Router::new()
        .route("/orders/{id}/payment", post(handlers::start_payment))
        .route("/orders/{id}/refund", post(handlers::refund))
        .route("/webhooks/stripe", webhook)
}

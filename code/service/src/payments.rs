//! Payments with Stripe: customers pay on a page of Stripe's, and Stripe reports what has
//! happened to a webhook.

pub mod provider;
#[cfg(feature = "server")]
pub mod stripe;
pub mod webhook;

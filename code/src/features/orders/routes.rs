//! The paths of the orders.

use axum::Router;
use axum::routing::post;

use super::handlers::place_order;
use super::services::Orders;

/// The endpoints of the orders.
pub fn routes() -> Router<Orders> {
    Router::new().route("/orders", post(place_order))
}

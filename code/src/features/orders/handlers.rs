//! HTTP in, HTTP out, for the orders.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::model::Order;
use super::services::Orders;

/// Places an order.
pub async fn place_order(
    State(orders): State<Orders>,
    Json(order): Json<Order>,
) -> StatusCode {
    if orders.place(&order) {
        StatusCode::CREATED
    } else {
        StatusCode::CONFLICT
    }
}

//! The handlers of the orders.

use axum::{
    extract::State,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, LOCATION},
    },
    response::{IntoResponse, Response},
};
use tracing::{info, instrument};

use super::idempotency::{Answer, IdempotencyKey};
use super::model::{
    NewOrder, Order, OrderFilter, OrderId, OrderQuery, OrderRequest, Page,
    StatusRequest,
};
use super::services::Orders;
use crate::customers::extract::SignedIn;
use crate::error::Error;
use crate::extract::{Json, Number, Path, Query};

/// `POST /orders`
#[instrument(skip_all)]
pub async fn place_order(
    SignedIn(identity): SignedIn,
    State(orders): State<Orders>,
    key: IdempotencyKey,
    Json(request): Json<OrderRequest>,
) -> Result<Response, Error> {
    let new = NewOrder::try_from(request).map_err(Error::invalid_body)?;
    let answer = orders.place(identity, key, new).await?;
    respond(answer)
}

/// Sends an answer as it was stored.
fn respond(answer: Answer) -> Result<Response, Error> {
    let bug = |reason: String| Error::Bug(format!("a stored answer: {reason}"));
    let status = StatusCode::from_u16(answer.status);
    let status = status.map_err(|error| bug(error.to_string()))?;
    let location = HeaderValue::try_from(answer.location);
    let location = location.map_err(|error| bug(error.to_string()))?;
    let json = HeaderValue::from_static("application/json");
    let headers = [(LOCATION, location), (CONTENT_TYPE, json)];
    Ok((status, headers, answer.body).into_response())
}

/// `GET /orders`
#[instrument(skip_all)]
pub async fn list_orders(
    SignedIn(identity): SignedIn,
    State(orders): State<Orders>,
    Query(query): Query<OrderQuery>,
) -> Result<Json<Page>, Error> {
    let filter = OrderFilter::try_from(query).map_err(Error::invalid_parameter)?;
    let page = orders.orders(identity, filter).await?;
    Ok(Json(page))
}

/// `GET /orders/{id}`
#[instrument(skip_all)]
pub async fn show_order(
    SignedIn(identity): SignedIn,
    State(orders): State<Orders>,
    Path(Number(id)): Path<Number>,
) -> Result<Json<Order>, Error> {
    let order = orders.order(identity, OrderId::new(id)).await?;
    Ok(Json(order))
}

/// `PATCH /orders/{id}`
#[instrument(skip_all)]
pub async fn change_order(
    SignedIn(identity): SignedIn,
    State(orders): State<Orders>,
    Path(Number(id)): Path<Number>,
    Json(request): Json<StatusRequest>,
) -> Result<Json<Order>, Error> {
    let status = request.status.into();
    let order = orders
        .set_status(identity, OrderId::new(id), status)
        .await?;
    info!(order = id, %status, "the status of an order was set");
    Ok(Json(order))
}

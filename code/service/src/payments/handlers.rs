//! The handlers of the payments.

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::IntoResponse,
};
use tracing::{info, instrument};

use super::services::{Payments, Started};
use crate::customers::extract::{Barista, SignedIn};
use crate::error::Error;
use crate::extract::{Json, Number, Path};
use crate::orders::model::OrderId;

/// `POST /orders/{id}/payment`: 201 for a new page, 200 for one that the customer has asked
/// for before.
#[instrument(skip_all)]
pub async fn start_payment(
    SignedIn(identity): SignedIn,
    State(payments): State<Payments>,
    Path(Number(id)): Path<Number>,
) -> Result<impl IntoResponse, Error> {
    match payments.start(identity, OrderId::new(id)).await? {
        Started::Created(page) => Ok((StatusCode::CREATED, Json(page))),
        Started::Existing(page) => Ok((StatusCode::OK, Json(page))),
    }
}

/// `POST /orders/{id}/refund`: 202, since the order shows later that the money went back.
#[instrument(skip_all)]
pub async fn refund(
    Barista(_): Barista,
    State(payments): State<Payments>,
    Path(Number(id)): Path<Number>,
) -> Result<impl IntoResponse, Error> {
    payments.refund(OrderId::new(id)).await?;
    info!(order = id, "the money of an order is sent back");
    Ok((StatusCode::ACCEPTED, [(LOCATION, format!("/orders/{id}"))]))
}

// ANCHOR: webhook
/// `POST /webhooks/stripe`: answers 200 when the service has processed or ignored an
/// event. After a status that isn't 2xx, Stripe sends the event again.
#[instrument(skip_all)]
pub async fn webhook(
    State(payments): State<Payments>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Error> {
    payments.receive(&headers, &body?).await?;
    Ok(StatusCode::OK)
}
// ANCHOR_END: webhook

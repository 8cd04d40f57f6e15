//! The description of the payments' routes. utoipa reads the attributes here, and nothing
//! calls the functions.
#![allow(dead_code)]

use utoipa::OpenApi;

use super::model::PaymentPage;
use crate::openapi::{
    Conflict, Forbidden, InvalidParameter, NotFound, ProviderFailed,
};
use crate::orders::model::OrderId;

/// The payments' part of the document.
#[derive(OpenApi)]
#[openapi(paths(start_payment, refund, webhook))]
pub struct Document;

/// Get the page on which you can pay for an order
#[utoipa::path(
    post,
    path = "/orders/{id}/payment",
    tag = "payments",
    params(("id" = OrderId, Path, description = "The number of the order")),
    responses(
        (status = 200, description = "The page that you asked for before", body = PaymentPage),
        (status = 201, description = "A new page", body = PaymentPage),
        Forbidden,
        NotFound,
        Conflict,
        ProviderFailed,
    ),
    security(("bearerAuth" = [])),
)]
fn start_payment() {}

/// Send the money for an order back
#[utoipa::path(
    post,
    path = "/orders/{id}/refund",
    tag = "payments",
    params(("id" = OrderId, Path, description = "The number of the order")),
    responses(
        (
            status = 202,
            description = "Stripe was asked. The order is canceled once the money went back",
            headers(("location" = String, description = "The path of the order")),
        ),
        Forbidden,
        NotFound,
        Conflict,
        ProviderFailed,
    ),
    security(("bearerAuth" = [])),
)]
fn refund() {}

/// Report an event
///
/// Only Stripe can do this, because the event must be signed.
#[utoipa::path(
    post,
    path = "/webhooks/stripe",
    tag = "payments",
    params(
        ("stripe-signature" = String, Header, description = "The signature, as `t=…,v1=…`"),
    ),
    request_body(content = serde_json::Value, description = "An event, in the format of Stripe"),
    responses(
        (status = 200, description = "The event needn't be sent again"),
        InvalidParameter,
    ),
)]
fn webhook() {}

//! The description of the orders' routes. utoipa reads the attributes here, and nothing
//! calls the functions.
#![allow(dead_code)]

use utoipa::{OpenApi, ToSchema};

use super::model::{Order, OrderId, OrderQuery, OrderRequest, Page, StatusRequest};
use crate::openapi::{
    Conflict, Forbidden, InvalidParameter, NotFound, ProviderFailed,
};
use crate::problem::Problem;

// ANCHOR: document
/// The orders' part of the document.
#[derive(OpenApi)]
#[openapi(paths(place_order, list_orders, show_order, change_order))]
pub struct Document;
// ANCHOR_END: document

/// A name that you give to a request, such as a new UUID.
#[derive(ToSchema)]
#[schema(pattern = "^[!-~]{1,255}$")]
struct IdempotencyKey(String);

/// Place an order
///
/// If you got no response, send the request again with the same `idempotency-key`. The
/// order is placed only once.
#[utoipa::path(
    post,
    path = "/orders",
    tag = "orders",
    params(
        ("idempotency-key" = inline(IdempotencyKey), Header, description = "A new UUID for each order"),
    ),
    request_body = OrderRequest,
    responses(
        (
            status = 201,
            description = "The order was placed, now or by an earlier request with this key",
            body = Order,
            headers(("location" = String, description = "The path of the order")),
        ),
        // ANCHOR: place-order
        (
            status = 409,
            description = "An item is out of stock, or an earlier request with this key is running",
            body = Problem,
            content_type = "application/problem+json",
        ),
        (
            status = 422,
            description = "Some values are invalid, or this key was used for a different order",
            body = Problem,
            content_type = "application/problem+json",
        ),
        // ANCHOR_END: place-order
    ),
    security(("bearerAuth" = [])),
)]
fn place_order() {}

/// List orders
///
/// The newest comes first. Customers see their own orders, and baristas see all.
#[utoipa::path(
    get,
    path = "/orders",
    tag = "orders",
    params(OrderQuery),
    responses(
        (status = 200, description = "One page of the list", body = Page),
        InvalidParameter,
        Forbidden,
    ),
    security(("bearerAuth" = [])),
)]
fn list_orders() {}

// ANCHOR: show-order
/// Show an order
#[utoipa::path(
    get,
    path = "/orders/{id}",
    tag = "orders",
    params(("id" = OrderId, Path, description = "The number of the order")),
    responses(
        (status = 200, description = "The order", body = Order),
        NotFound,
    ),
    security(("bearerAuth" = [])),
)]
fn show_order() {}
// ANCHOR_END: show-order

// ANCHOR: change-order
/// Change the status of an order
#[utoipa::path(
    patch,
    path = "/orders/{id}",
    tag = "orders",
    params(("id" = OrderId, Path, description = "The number of the order")),
    request_body = StatusRequest,
    responses(
        (status = 200, description = "The order with its new status", body = Order),
        Forbidden,
        NotFound,
        Conflict,
        ProviderFailed,
    ),
    security(("bearerAuth" = [])),
)]
fn change_order() {}
// ANCHOR_END: change-order

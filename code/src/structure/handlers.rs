//! The handlers, which read requests and make responses. Express projects call them
//! controllers.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{StatusCode, header::LOCATION},
    response::IntoResponse,
};
use tracing::instrument;

use super::error::Error;
use super::extract::Staff;
use super::model::{Item, ItemRequest, MenuFilter, NewOrder, Order, OrderRequest};
use super::services::{Put, Shop};

/// `GET /menu`
#[instrument(skip_all)]
pub async fn list_menu(
    State(shop): State<Shop>,
    Query(filter): Query<MenuFilter>,
) -> Json<Vec<Item>> {
    Json(shop.menu(filter))
}

/// `GET /menu/{id}`
#[instrument(skip_all)]
pub async fn show_item(
    State(shop): State<Shop>,
    Path(id): Path<String>,
) -> Result<Json<Item>, Error> {
    let item = shop.item(&id)?;
    Ok(Json(item))
}

/// `PUT /menu/{id}`: 201 for a new item, 200 for one that was replaced.
#[instrument(skip_all)]
pub async fn put_item(
    _: Staff,
    State(shop): State<Shop>,
    Path(id): Path<String>,
    Json(request): Json<ItemRequest>,
) -> Result<impl IntoResponse, Error> {
    let item = request.into_item(id)?;
    let status = match shop.put_item(item.clone()) {
        Put::Created => StatusCode::CREATED,
        Put::Replaced => StatusCode::OK,
    };
    Ok((status, Json(item)))
}

/// `POST /orders`: 201, and the location of the new order.
// ANCHOR: place-order
#[instrument(skip_all)]
pub async fn place_order(
    State(shop): State<Shop>,
    Json(request): Json<OrderRequest>,
) -> Result<impl IntoResponse, Error> {
    let new_order = NewOrder::try_from(request)?;
    let order = shop.place_order(new_order)?;

    let location = format!("/orders/{}", order.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(order)))
}
// ANCHOR_END: place-order

/// `GET /orders/{id}`
#[instrument(skip_all)]
pub async fn show_order(
    State(shop): State<Shop>,
    Path(id): Path<u64>,
) -> Result<Json<Order>, Error> {
    let order = shop.order(id)?;
    Ok(Json(order))
}

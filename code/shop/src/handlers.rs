//! The handlers, which read requests and make responses. Express projects call them
//! controllers.

use axum::{
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::IntoResponse,
};
use serde_json::{Value, json};
use tracing::instrument;

use crate::error::Error;
use crate::extract::{Json, OrderId, Path, Query, Staff};
use crate::model::{
    Item, ItemId, ItemRequest, MenuFilter, NewOrder, Order, OrderChange,
    OrderFilter, OrderPatch, OrderQuery, OrderRequest, Page,
};
use crate::repository::Put;
use crate::services::Shop;

/// `GET /menu`
#[instrument(skip_all)]
pub async fn list_menu(
    State(shop): State<Shop>,
    Query(filter): Query<MenuFilter>,
) -> Result<Json<Vec<Item>>, Error> {
    let menu = shop.menu(filter).await?;
    Ok(Json(menu))
}

// ANCHOR: show-item
/// `GET /menu/{id}`
#[instrument(skip_all)]
pub async fn show_item(
    State(shop): State<Shop>,
    Path(id): Path<String>,
) -> Result<Json<Item>, Error> {
    let item = shop.item(&id).await?;
    Ok(Json(item))
}
// ANCHOR_END: show-item

/// `PUT /menu/{id}`: 201 for a new item, 200 for one that was replaced.
#[instrument(skip_all)]
// ANCHOR: put-item
pub async fn put_item(
    _: Staff,
    State(shop): State<Shop>,
    Path(id): Path<String>,
    Json(request): Json<ItemRequest>,
) -> Result<impl IntoResponse, Error> {
    let id = ItemId::try_from(id).map_err(Error::invalid_parameter)?;
    let item = request.into_item(id).map_err(Error::invalid_body)?;
    let status = match shop.put_item(item.clone()).await? {
        Put::Created => StatusCode::CREATED,
        Put::Replaced => StatusCode::OK,
    };
    Ok((status, Json(item)))
}
// ANCHOR_END: put-item

/// `DELETE /menu/{id}`
#[instrument(skip_all)]
// ANCHOR: delete-item
pub async fn delete_item(
    _: Staff,
    State(shop): State<Shop>,
    Path(id): Path<String>,
) -> Result<StatusCode, Error> {
    shop.delete_item(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}
// ANCHOR_END: delete-item

/// `POST /orders`
#[instrument(skip_all)]
// ANCHOR: place-order
pub async fn place_order(
    State(shop): State<Shop>,
    Json(request): Json<OrderRequest>,
) -> Result<impl IntoResponse, Error> {
    let new_order = NewOrder::try_from(request).map_err(Error::invalid_body)?;
    let order = shop.place_order(new_order).await?;

    let location = format!("/orders/{}", order.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(order)))
}
// ANCHOR_END: place-order

/// `GET /orders`
#[instrument(skip_all)]
// ANCHOR: list-orders
pub async fn list_orders(
    _: Staff,
    State(shop): State<Shop>,
    Query(query): Query<OrderQuery>,
) -> Result<Json<Page<Order>>, Error> {
    let filter = OrderFilter::try_from(query).map_err(Error::invalid_parameter)?;
    let page = shop.orders(filter).await?;
    Ok(Json(page))
}
// ANCHOR_END: list-orders

/// `GET /orders/{id}`
#[instrument(skip_all)]
pub async fn show_order(
    State(shop): State<Shop>,
    Path(OrderId(id)): Path<OrderId>,
) -> Result<Json<Order>, Error> {
    let order = shop.order(id).await?;
    Ok(Json(order))
}

// ANCHOR: change-order
/// `PATCH /orders/{id}`
#[instrument(skip_all)]
pub async fn change_order(
    State(shop): State<Shop>,
    Path(OrderId(id)): Path<OrderId>,
    Json(patch): Json<OrderPatch>,
) -> Result<Json<Order>, Error> {
    let change = OrderChange::try_from(patch).map_err(Error::invalid_body)?;
    let order = shop.change_order(id, change).await?;
    Ok(Json(order))
}
// ANCHOR_END: change-order

/// `GET /health/live`: the process answers. If it doesn't, restart it.
#[instrument(skip_all)]
pub async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// `GET /health/ready`: the database can be read, or is only busy. If neither is true, send
/// no requests. (This doesn't write, so it doesn't notice a full disk. And it doesn't
/// notice that reads hang, only that they fail: watch the number of 503s, too.)
#[instrument(skip_all)]
pub async fn ready(State(shop): State<Shop>) -> Result<Json<Value>, Error> {
    shop.ready().await?;
    Ok(Json(json!({ "status": "ready" })))
}

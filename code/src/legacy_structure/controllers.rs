//! Speaks HTTP: reads the request, asks a service, answers.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::IntoResponse,
};
use tracing::instrument;

use super::services::{Shop, ShopError};
use crate::legacy::{Item, MenuFilter, NewOrder, Order, Refusal, table_number};

#[instrument(skip_all)]
pub(super) async fn list_menu(
    State(shop): State<Shop>,
    Query(filter): Query<MenuFilter>,
) -> Json<Vec<Item>> {
    Json(shop.menu(filter.max_price))
}

#[instrument(skip_all)]
pub(super) async fn show_item(
    State(shop): State<Shop>,
    Path(id): Path<String>,
) -> Result<Json<Item>, Refusal> {
    let item = shop.item(&id).map_err(refused)?;
    Ok(Json(item))
}

#[instrument(skip_all)]
pub(super) async fn place_order(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Json(new): Json<NewOrder>,
) -> Result<impl IntoResponse, Refusal> {
    let table = table_number(&headers)?;
    let order = shop.place_order(new, table).map_err(refused)?;

    let location = format!("/orders/{}", order.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(order)))
}

#[instrument(skip_all)]
pub(super) async fn show_order(
    State(shop): State<Shop>,
    Path(id): Path<u64>,
) -> Result<Json<Order>, Refusal> {
    let order = shop.order(id).map_err(refused)?;
    Ok(Json(order))
}

/// What the shop's no means in HTTP: said here and nowhere else.
pub fn refused(error: ShopError) -> Refusal {
    let status = match error {
        ShopError::UnknownItem(_) | ShopError::UnknownOrder(_) => {
            StatusCode::NOT_FOUND
        }
        ShopError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ShopError::NotEnough(_) => StatusCode::CONFLICT,
    };
    (status, error.to_string())
}

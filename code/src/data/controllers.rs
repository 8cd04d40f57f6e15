//! What speaks HTTP. It waits now, since a repository may take its time.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::IntoResponse,
};
use tracing::{error, instrument};

use super::services::{Failure, Shop};
use crate::legacy::{Item, MenuFilter, NewOrder, Order, Refusal, table_number};
use crate::legacy_structure;

#[instrument(skip_all)]
pub(super) async fn list_menu(
    State(shop): State<Shop>,
    Query(filter): Query<MenuFilter>,
) -> Result<Json<Vec<Item>>, Refusal> {
    let menu = shop.menu(filter.max_price).await.map_err(refused)?;
    Ok(Json(menu))
}

#[instrument(skip_all)]
pub(super) async fn show_item(
    State(shop): State<Shop>,
    Path(id): Path<String>,
) -> Result<Json<Item>, Refusal> {
    let item = shop.item(&id).await.map_err(refused)?;
    Ok(Json(item))
}

// ANCHOR: place-order
#[instrument(skip_all)]
pub(super) async fn place_order(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Json(new): Json<NewOrder>,
) -> Result<impl IntoResponse, Refusal> {
    let table = table_number(&headers)?;
    let order = shop.place_order(new, table).await.map_err(refused)?;

    let location = format!("/orders/{}", order.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(order)))
}
// ANCHOR_END: place-order

#[instrument(skip_all)]
pub(super) async fn show_order(
    State(shop): State<Shop>,
    Path(id): Path<u64>,
) -> Result<Json<Order>, Refusal> {
    let order = shop.order(id).await.map_err(refused)?;
    Ok(Json(order))
}

// ANCHOR: refused
/// What a failure is in HTTP. Tables and files are of no use to a customer, and they
/// are to an attacker: the cause goes to the log.
fn refused(failure: Failure) -> Refusal {
    match failure {
        Failure::Shop(error) => legacy_structure::controllers::refused(error),
        Failure::Storage(error) => {
            error!(%error, "no answer");
            // Not "try again": whoever sends an order twice may have ordered twice.
            let reason = "The shop cannot look into its books";
            (StatusCode::INTERNAL_SERVER_ERROR, reason.into())
        }
    }
}
// ANCHOR_END: refused

//! What speaks HTTP. It says what is wrong, and not what that looks like.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{AcquireError, Semaphore};
use tracing::instrument;

use super::error::Error;
use super::extract::{Json, Path, Query};
use super::problem::{Mistake, Place};
use crate::data::services::{Failure, Shop};
use crate::legacy::{Item, MenuFilter, NewOrder, Order, Refusal, table_number};
use crate::legacy_structure::services::{
    NOT_ON_MENU, ShopError, check_customer, check_quantity,
};

#[instrument(skip_all)]
pub(crate) async fn list_menu(
    State(shop): State<Shop>,
    Query(filter): Query<MenuFilter>,
) -> Result<Json<Vec<Item>>, Error> {
    let menu = shop.menu(filter.max_price).await?;
    Ok(Json(menu))
}

// ANCHOR: show-item
#[instrument(skip_all)]
pub(crate) async fn show_item(
    State(shop): State<Shop>,
    Path(id): Path<String>,
) -> Result<Json<Item>, Error> {
    let item = shop.item(&id).await?;
    Ok(Json(item))
}
// ANCHOR_END: show-item

// ANCHOR: place-order
#[instrument(skip_all)]
pub(super) async fn place_order(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Json(new): Json<NewOrder>,
) -> Result<impl IntoResponse, Error> {
    let table = check(&shop, &new, table_number(&headers)).await?;
    let order = shop.place_order(new, table).await?;

    let location = format!("/orders/{}", order.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(order)))
}
// ANCHOR_END: place-order

#[instrument(skip_all)]
pub(crate) async fn show_order(
    State(shop): State<Shop>,
    Path(id): Path<u64>,
) -> Result<Json<Order>, Error> {
    let order = shop.order(id).await?;
    Ok(Json(order))
}

// ANCHOR: check
/// Where an order goes, or all that is wrong with it. The shop refuses a wrong one without
/// this, with the first mistake that it finds.
pub(crate) async fn check(
    shop: &Shop,
    new: &NewOrder,
    table: Result<Option<u8>, Refusal>,
) -> Result<Option<u8>, Error> {
    let customer = check_customer(&new.customer).map_err(Mistake::from);
    let item = match shop.item(&new.item).await {
        Err(Failure::Shop(ShopError::UnknownItem(_))) => Err(NOT_ON_MENU.into()),
        found => Ok(found?),
    };
    let quantity = check_quantity(new.quantity).map_err(Mistake::from);
    let table = table.map_err(in_its_header);
    match (customer, item, quantity, table) {
        (Ok(()), Ok(_), Ok(()), Ok(table)) => Ok(table),
        (customer, item, quantity, table) => {
            let all = [customer.err(), item.err(), quantity.err(), table.err()];
            let mistakes = all.into_iter().flatten().collect();
            Err(Error::Invalid(StatusCode::UNPROCESSABLE_ENTITY, mistakes))
        }
    }
}
// ANCHOR_END: check

fn in_its_header((_, detail): Refusal) -> Mistake {
    let place = Some(Place::Header("table-number"));
    Mistake { detail, place }
}

// ANCHOR: share
/// Guests who share a bill.
#[derive(Deserialize)]
pub(super) struct Guests {
    guests: u32,
}

/// What each of them pays.
#[derive(Serialize)]
pub(super) struct Share {
    each_cents: u32,
}

#[instrument(skip_all)]
pub(super) async fn share_bill(
    State(shop): State<Shop>,
    Path(id): Path<u64>,
    Query(Guests { guests }): Query<Guests>,
) -> Result<Json<Share>, Error> {
    let order = shop.order(id).await?;
    let each_cents = order.total_cents.div_ceil(guests);
    Ok(Json(Share { each_cents }))
}
// ANCHOR_END: share

// ANCHOR: receipt
/// Prints a receipt. A printer without paper waits for some.
#[instrument(skip_all)]
pub(super) async fn print_receipt(
    State((shop, paper)): State<(Shop, Arc<Semaphore>)>,
    Path(id): Path<u64>,
) -> Result<StatusCode, Error> {
    shop.order(id).await?;
    let sheet = paper.acquire().await.map_err(printer_is_off)?;
    sheet.forget(); // used, not given back
    Ok(StatusCode::NO_CONTENT)
}
// ANCHOR_END: receipt

fn printer_is_off(error: AcquireError) -> Error {
    Error::Bug(error.to_string())
}

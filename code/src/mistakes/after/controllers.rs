//! What speaks HTTP, and nothing else.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header::LOCATION},
    response::IntoResponse,
};
use serde::Deserialize;
use tracing::instrument;

use super::ticket::ticket;
use super::{Till, Url};
use crate::data::services::Shop;
use crate::errors::controllers::check;
use crate::errors::error::Error;
use crate::errors::extract::{Json, Path};
use crate::legacy::{NewOrder, Order, table_number};

// ANCHOR: doors
// ANCHOR: place-order
#[instrument(skip_all)]
pub(super) async fn place_order(
    State(Till { shop, url }): State<Till>,
    headers: HeaderMap,
    Json(new): Json<NewOrder>,
) -> Result<impl IntoResponse, Error> {
    let table = check(&shop, &new, table_number(&headers)).await?;
    let order = shop.place_order(new, table).await?;
    Ok(created(&url, order))
}
// ANCHOR_END: place-order

#[instrument(skip_all)]
pub(super) async fn place_order_at_table(
    State(Till { shop, url }): State<Till>,
    Path(Table(table)): Path<Table>,
    Json(new): Json<NewOrder>,
) -> Result<impl IntoResponse, Error> {
    let table = check(&shop, &new, Ok(Some(table))).await?;
    let order = shop.place_order(new, table).await?;
    Ok(created(&url, order))
}
// ANCHOR_END: doors

// ANCHOR: created
fn created(Url(url): &Url, order: Order) -> Created {
    let location = format!("{url}/orders/{}", order.id);
    (StatusCode::CREATED, [(LOCATION, location)], Json(order))
}
// ANCHOR_END: created

type Created = (StatusCode, [(HeaderName, String); 1], Json<Order>);

/// A table that the shop has: nothing else becomes one.
#[derive(Deserialize)]
#[serde(try_from = "u8")]
pub(super) struct Table(u8);

impl TryFrom<u8> for Table {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        let known = (1..=12).contains(&number);
        known.then_some(Self(number)).ok_or("no table of the shop")
    }
}

#[instrument(skip_all)]
pub(super) async fn print_ticket(
    State(shop): State<Shop>,
    Path(id): Path<u64>,
) -> Result<String, Error> {
    let order = shop.order(id).await?;
    Ok(ticket(&order))
}

//! The same shop, with each thing in its place.

mod controllers;
pub mod settings;
pub mod ticket;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    routing::{get, post},
};

use crate::data::memory::Memory;
use crate::data::services::Shop;
use crate::errors::controllers::{show_item, show_order};
use crate::errors::error::Error;
use crate::errors::{count_from_one, layers::named};
use crate::legacy::{OPENING, opening_menu};
use controllers::{place_order, place_order_at_table, print_ticket};

/// A shop that has just opened, with its books in memory.
pub fn app() -> Router {
    let books = Arc::new(Memory::new(opening_menu()));
    let shop = Shop::new(|| OPENING, books);
    app_with("https://shop.example", shop)
}

// ANCHOR: app-with
/// The shop at the URL where its customers reach it.
pub fn app_with(url: &str, shop: Shop) -> Router {
    // ANCHOR: url
    let till = Till {
        shop,
        url: Url(url.into()),
    };
    // ANCHOR_END: url
    let app = Router::new()
        .route("/menu/{id}", get(show_item))
        .route("/orders", post(place_order))
        .route("/tables/{table}/orders", post(place_order_at_table))
        .route("/orders/{id}", get(show_order))
        .route("/orders/{id}/ticket", get(print_ticket))
        .fallback(|| async { Error::NoSuchPath })
        .method_not_allowed_fallback(|| async { Error::WrongMethod })
        .layer(DefaultBodyLimit::max(16 * 1024)) // bytes
        .with_state(till);
    named(app, count_from_one())
}
// ANCHOR_END: app-with

// ANCHOR: till
/// What the controllers share. Each asks for the part that it needs.
#[derive(Clone, FromRef)]
struct Till {
    url: Url,
    shop: Shop,
}
// ANCHOR_END: till

/// Where customers reach the shop, without a slash at the end.
#[derive(Clone)]
struct Url(Arc<str>);

//! A shop as it grows when nobody divides it, bad on purpose. Every line of it was
//! written by somebody in a hurry, and every line works on the day it is written.
#![allow(clippy::unwrap_used)] // the second mistake

mod tickets;

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderName, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;

use crate::legacy::{Item, opening_menu};
use tickets::TicketManager;

/// A shop that has just opened.
pub fn app() -> Router {
    let shop = Arc::new(Mutex::new(Books {
        menu: opening_menu(),
        orders: Vec::new(),
    }));
    Router::new()
        .route("/menu/{id}", get(show_item))
        .route("/orders", post(place_order))
        .route("/tables/{table}/orders", post(place_order_at_table))
        .route("/orders/{id}", get(show_order))
        .route("/orders/{id}/ticket", get(print_ticket))
        .with_state(shop)
}

type Shop = Arc<Mutex<Books>>;

struct Books {
    menu: Vec<Item>,
    orders: Vec<Value>,
}

// ANCHOR: location
const SHOP_URL: &str = "http://localhost:3000";

fn location(id: usize) -> [(HeaderName, String); 1] {
    [(LOCATION, format!("{SHOP_URL}/orders/{id}"))]
}
// ANCHOR_END: location

// ANCHOR: show-item
async fn show_item(State(shop): State<Shop>, Path(id): Path<String>) -> Json<Item> {
    let books = shop.lock().unwrap();
    let mut menu = books.menu.iter();
    let item = menu.find(|item| item.id == id).unwrap();
    Json(item.clone())
}
// ANCHOR_END: show-item

// ANCHOR: place-order
async fn place_order(
    State(shop): State<Shop>,
    Json(mut order): Json<Value>,
) -> Response {
    let Books { menu, orders } = &mut *shop.lock().unwrap();
    let mut menu = menu.iter_mut();
    let item = menu.find(|item| order["item"] == *item.id).unwrap();
    let quantity = order["quantity"].as_u64().unwrap() as u32;
    if item.stock < quantity {
        return (StatusCode::CONFLICT, "sold out").into_response();
    }
    item.stock -= quantity;
    let id = orders.len() + 1;
    order["id"] = id.into();
    order["total_cents"] = (item.price_cents * quantity).into();
    orders.push(order.clone());
    (StatusCode::CREATED, location(id), Json(order)).into_response()
}
// ANCHOR_END: place-order

// ANCHOR: place-order-at-table
async fn place_order_at_table(
    State(shop): State<Shop>,
    Path(table): Path<u8>,
    Json(mut order): Json<Value>,
) -> Response {
    let Books { menu, orders } = &mut *shop.lock().unwrap();
    let mut menu = menu.iter_mut();
    let item = menu.find(|item| order["item"] == *item.id).unwrap();
    let quantity = order["quantity"].as_u64().unwrap() as u32;
    // `-=` panicked here on a Friday.
    item.stock = item.stock.saturating_sub(quantity);
    let id = orders.len() + 1;
    order["id"] = id.into();
    order["table"] = table.into();
    order["total_cents"] = (item.price_cents * quantity).into();
    orders.push(order.clone());
    (StatusCode::CREATED, location(id), Json(order)).into_response()
}
// ANCHOR_END: place-order-at-table

async fn show_order(
    State(shop): State<Shop>,
    Path(id): Path<usize>,
) -> Json<Value> {
    Json(shop.lock().unwrap().orders[id - 1].clone())
}

async fn print_ticket(State(shop): State<Shop>, Path(id): Path<usize>) -> String {
    let order = shop.lock().unwrap().orders[id - 1].clone();
    TicketManager::default().print(&order)
}

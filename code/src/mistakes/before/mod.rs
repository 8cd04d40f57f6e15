//! A shop that is wrong on purpose, with the four mistakes of the chapter.
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
use serde::Serialize;
use serde_json::Value;

use tickets::TicketManager;

/// A shop with the opening menu and without orders.
pub fn app() -> Router {
    let shop = Arc::new(Mutex::new(Inventory {
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

type Shop = Arc<Mutex<Inventory>>;

struct Inventory {
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
    let inventory = shop.lock().unwrap();
    let mut menu = inventory.menu.iter();
    let item = menu.find(|item| item.id == id).unwrap();
    Json(item.clone())
}
// ANCHOR_END: show-item

// ANCHOR: place-order
async fn place_order(
    State(shop): State<Shop>,
    Json(mut order): Json<Value>,
) -> Response {
    let Inventory { menu, orders } = &mut *shop.lock().unwrap();
    let mut menu = menu.iter_mut();
    let item = menu.find(|item| order["item"] == item.id).unwrap();
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
    let Inventory { menu, orders } = &mut *shop.lock().unwrap();
    let mut menu = menu.iter_mut();
    let item = menu.find(|item| order["item"] == item.id).unwrap();
    let quantity = order["quantity"].as_u64().unwrap() as u32;
    // `-=` panicked here once.
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

#[derive(Clone, Serialize)]
struct Item {
    id: &'static str,
    name: &'static str,
    price_cents: u32,
    stock: u32,
}

fn opening_menu() -> Vec<Item> {
    let item = |id, name, price_cents, stock| Item {
        id,
        name,
        price_cents,
        stock,
    };
    vec![
        item("espresso", "Espresso", 250, 40),
        item("flat-white", "Flat white", 380, 30),
        item("tea", "Tea", 220, 20),
        item("croissant", "Croissant", 290, 1),
        item("muffin", "Muffin", 310, 4),
    ]
}

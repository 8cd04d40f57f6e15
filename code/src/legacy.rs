//! What older samples share until they are replaced.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::IntoResponse,
    routing::{get, post},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::instrument;

/// When the shop opens in every sample: 2026-03-02, 08:15 UTC.
pub const OPENING: Timestamp = Timestamp::constant(1_772_439_300, 0);

/// The shop with a clock that stands still and ids that count from 1, so that its
/// answers are the same on every run.
pub fn app() -> Router {
    app_with(|| OPENING, count_from_one())
}

/// Ids that start at 1 with every shop.
pub fn count_from_one() -> impl FnMut() -> u64 + Send + 'static {
    let mut last = 0;
    move || {
        last += 1;
        last
    }
}

/// The shop with a clock and a source of order ids. A real service passes
/// `Timestamp::now` and ids that survive a restart.
pub fn app_with(
    now: impl Fn() -> Timestamp + Send + 'static,
    next_id: impl FnMut() -> u64 + Send + 'static,
) -> Router {
    let shop = Shop::new(now, next_id);
    Router::new()
        .route("/menu", get(list_menu))
        .route("/menu/{id}", get(show_item))
        .route("/orders", post(place_order))
        .route("/orders/{id}", get(show_order))
        .layer(DefaultBodyLimit::max(16 * 1024)) // bytes
        .with_state(shop)
}

/// Something on the menu.
#[derive(Clone, Serialize)]
pub struct Item {
    /// The name in a path: `flat-white`.
    pub id: String,
    /// The name on the board: `Flat white`.
    pub name: String,
    /// The price of one, in cents.
    pub price_cents: u32,
    /// How many are left.
    pub stock: u32,
}

/// What a customer sends to order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// Who picks it up.
    pub customer: String,
    /// The id of an [`Item`].
    pub item: String,
    /// How many, from 1 to 10.
    pub quantity: u32,
    /// A wish, such as "oat milk".
    pub note: Option<String>,
}

/// An order that the shop has taken.
#[derive(Clone, Serialize)]
pub struct Order {
    /// Unique in this shop. Whoever has an order can guess the next: a service with
    /// customers that must not see each other's orders asks who they are first.
    pub id: u64,
    /// Who picks it up.
    pub customer: String,
    /// The id of the [`Item`].
    pub item: String,
    /// How many, from 1 to 10.
    pub quantity: u32,
    /// A wish, such as "oat milk".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The table to bring it to; none means to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<u8>,
    /// Price times quantity, in cents, computed here and nowhere else.
    pub total_cents: u32,
    /// When the shop took it.
    pub placed_at: Timestamp,
}

/// Why the shop says no: a status and a sentence for the customer.
pub type Refusal = (StatusCode, String);

/// How to narrow the menu down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MenuFilter {
    /// The most that one may cost, in cents.
    pub max_price: Option<u32>,
}

#[instrument(skip_all)]
async fn list_menu(
    State(shop): State<Shop>,
    Query(filter): Query<MenuFilter>,
) -> Json<Vec<Item>> {
    Json(shop.books().menu(filter.max_price))
}

#[instrument(skip_all)]
async fn show_item(
    State(shop): State<Shop>,
    Path(id): Path<String>,
) -> Result<Json<Item>, Refusal> {
    let item = shop.books().item(&id)?.clone();
    Ok(Json(item))
}

#[instrument(skip_all)]
async fn place_order(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Json(new): Json<NewOrder>,
) -> Result<impl IntoResponse, Refusal> {
    let table = table_number(&headers)?;
    validate(&new)?;
    let order = shop.books().sell(new, table)?;

    let location = format!("/orders/{}", order.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(order)))
}

#[instrument(skip_all)]
async fn show_order(
    State(shop): State<Shop>,
    Path(id): Path<u64>,
) -> Result<Json<Order>, Refusal> {
    let order = shop.books().order(id)?.clone();
    Ok(Json(order))
}

/// The table that the order goes to, from 1 to 12. A tablet on the table sends it.
pub fn table_number(headers: &HeaderMap) -> Result<Option<u8>, Refusal> {
    let mut values = headers.get_all("table-number").iter();
    let number = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        // The value is bytes: it may be no text, and the text no number.
        (Some(value), None) => {
            value.to_str().ok().and_then(|text| text.parse().ok())
        }
        // The header is there twice. Taking one of them would be a guess.
        (Some(_), Some(_)) => None,
    };
    match number {
        // `@` names the value that the range has matched.
        Some(table @ 1..=12) => Ok(Some(table)),
        _ => Err((
            StatusCode::BAD_REQUEST,
            "The header table-number must be a number from 1 to 12".into(),
        )),
    }
}

/// Checks what the types cannot say.
fn validate(new: &NewOrder) -> Result<(), Refusal> {
    if new.customer.trim().is_empty() {
        return Err(unprocessable("customer must not be empty"));
    }
    if !(1..=10).contains(&new.quantity) {
        return Err(unprocessable("quantity must be from 1 to 10"));
    }
    Ok(())
}

fn unprocessable(reason: &str) -> Refusal {
    (StatusCode::UNPROCESSABLE_ENTITY, reason.into())
}

/// What every handler shares. Each request gets a clone of it, and an `Arc` makes
/// all the clones point at the same books.
#[derive(Clone)]
struct Shop {
    books: Arc<Mutex<Books>>,
}

/// The menu with its stock, and the orders. Simpler than a real shop needs: they are
/// in memory, so a restart forgets them, and nothing bounds how many there are.
struct Books {
    menu: Vec<Item>,
    orders: Vec<Order>,
    // Boxed, since every closure that a caller may pass is a type of its own.
    now: Box<dyn Fn() -> Timestamp + Send>,
    next_id: Box<dyn FnMut() -> u64 + Send>,
}

impl Shop {
    fn new(
        now: impl Fn() -> Timestamp + Send + 'static,
        next_id: impl FnMut() -> u64 + Send + 'static,
    ) -> Self {
        let books = Books {
            menu: opening_menu(),
            orders: Vec::new(),
            now: Box::new(now),
            next_id: Box::new(next_id),
        };
        Self {
            books: Arc::new(Mutex::new(books)),
        }
    }

    /// The books, locked until the guard goes out of scope.
    fn books(&self) -> MutexGuard<'_, Books> {
        // A lock is poisoned when a thread panicked while it held it. A sale changes the
        // books only at its end, where nothing can panic, so they are sound even then.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    #[instrument(skip_all)]
    fn menu(&self, max_price: Option<u32>) -> Vec<Item> {
        let max_price = max_price.unwrap_or(u32::MAX);
        self.menu
            .iter()
            .filter(|item| item.price_cents <= max_price)
            .cloned()
            .collect()
    }

    #[instrument(skip_all)]
    fn item(&self, id: &str) -> Result<&Item, Refusal> {
        let item = self.menu.iter().find(|item| item.id == id);
        item.ok_or_else(|| {
            (
                StatusCode::NOT_FOUND,
                format!("There is no {id} on the menu"),
            )
        })
    }

    #[instrument(skip_all)]
    fn order(&self, id: u64) -> Result<&Order, Refusal> {
        let order = self.orders.iter().find(|order| order.id == id);
        order.ok_or_else(|| {
            (StatusCode::NOT_FOUND, format!("There is no order {id}"))
        })
    }

    /// Takes the items off the shelf and writes the order down.
    #[instrument(skip_all)]
    fn sell(&mut self, new: NewOrder, table: Option<u8>) -> Result<Order, Refusal> {
        let mut menu = self.menu.iter_mut();
        let Some(item) = menu.find(|item| item.id == new.item) else {
            return Err(unprocessable("item must be an id from the menu"));
        };
        let Some(left) = item.stock.checked_sub(new.quantity) else {
            let reason = format!("Not enough left: {}", item.name);
            return Err((StatusCode::CONFLICT, reason));
        };
        let order = Order {
            id: (self.next_id)(),
            customer: new.customer,
            item: item.id.clone(),
            quantity: new.quantity,
            note: new.note,
            table,
            total_cents: item.price_cents * new.quantity, // ten at most: no overflow
            placed_at: (self.now)(),
        };
        item.stock = left;
        self.orders.push(order.clone());
        Ok(order)
    }
}

/// What the shop has when it opens.
pub fn opening_menu() -> Vec<Item> {
    let item = |id: &str, name: &str, price_cents, stock| Item {
        id: id.into(),
        name: name.into(),
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

//! The whole shop in one file, for the chapters [Handling requests](../../src/requests.md),
//! [Responses](../../src/responses.md), [Shared state](../../src/state.md),
//! [Validating requests](../../src/validation.md),
//! [Parse, don't validate: newtypes](../../src/newtypes.md) and
//! [Write your own extractor](../../src/extractors.md).

// ANCHOR: imports
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, FromRef, FromRequestParts, Path, Query, State},
    http::{
        HeaderName, StatusCode,
        header::{AUTHORIZATION, LOCATION, WWW_AUTHENTICATE},
        request::Parts,
    },
    response::IntoResponse,
    routing::{get, post},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tracing::instrument;
// ANCHOR_END: imports

/// The time that the clock of [`app`] always shows: 2026-03-02, 08:15 UTC.
pub const OPENING: Timestamp = Timestamp::constant(1_772_439_300, 0);

/// The staff token of [`app`]. It's published here, so it protects nothing. A real
/// service reads a secret one from its settings.
pub const STAFF_TOKEN: &str = "flat-white-and-a-croissant";

// ANCHOR: app
/// Makes the shop's router with a fixed clock and with ids that start at 1, so that
/// the same requests always get the same responses.
pub fn app() -> Router {
    app_with(|| OPENING, count_from_one(), STAFF_TOKEN)
}
// ANCHOR_END: app

// ANCHOR: count-from-one
/// Returns 1, then 2, then 3, and so on.
pub fn count_from_one() -> impl Fn() -> u64 + Send + Sync + 'static {
    let last = AtomicU64::new(0);
    move || last.fetch_add(1, Ordering::Relaxed) + 1
}
// ANCHOR_END: count-from-one

// ANCHOR: app-with
/// Builds the shop's router from a clock, a source of order ids, and the token that
/// staff must send. A real service passes `Timestamp::now`, and a source of ids that
/// doesn't start over at 1 after a restart.
pub fn app_with(
    clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    next_id: impl Fn() -> u64 + Send + Sync + 'static,
    staff_token: &str,
) -> Router {
    let state = AppState {
        shop: Shop::new(clock, next_id),
        staff_token: StaffToken(staff_token.into()),
    };
    // ANCHOR: routes
    Router::new()
        .route("/menu", get(list_menu))
        .route("/menu/{id}", get(show_item).put(put_item))
        .route("/orders", post(place_order))
        .route("/orders/{id}", get(show_order))
        // ANCHOR_END: routes
        // ANCHOR: body-limit
        .layer(DefaultBodyLimit::max(16 * 1024)) // bytes
        // ANCHOR_END: body-limit
        .with_state(state)
}
// ANCHOR_END: app-with

// ANCHOR: app-state
/// The data that belongs to the whole program and not to one request.
#[derive(Clone, FromRef)]
struct AppState {
    shop: Shop,
    staff_token: StaffToken,
}
// ANCHOR_END: app-state

// ANCHOR: error
/// An error response: a status code, and a message that says what is wrong.
type Error = (StatusCode, String);
// ANCHOR_END: error

// The types that travel as JSON.

// ANCHOR: item
/// Something that customers can order.
#[derive(Debug, Clone, Serialize)]
struct Item {
    /// The id in a path, such as `flat-white`.
    id: String,
    /// The name that customers read, such as `Flat white`.
    name: String,
    /// The price of one, in cents.
    price_cents: Cents,
    /// How many can still be sold.
    stock: u32,
}
// ANCHOR_END: item

/// The body of `PUT /menu/{id}`, as the client sends it: not validated yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemRequest {
    name: String,
    /// The price of one, in cents.
    price_cents: u32,
    stock: u32,
}

// ANCHOR: order-request
/// The body of `POST /orders`, as the client sends it: not validated yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderRequest {
    /// The name of the customer.
    customer: String,
    /// The id of an [`Item`].
    item: String,
    quantity: u32,
    /// A special request, such as "oat milk".
    note: Option<String>,
    /// The number of the table to bring the order to, or `None` for takeout.
    table: Option<u32>,
}
// ANCHOR_END: order-request

// ANCHOR: order
/// An order that was placed.
#[derive(Debug, Clone, Serialize)]
struct Order {
    /// Unique in this shop. Clients can guess ids. So if customers must not see each
    /// other's orders, check that an order belongs to the customer who asks for it.
    id: u64,
    /// The name of the customer.
    customer: CustomerName,
    /// The id of the [`Item`].
    item: String,
    /// How many of the item.
    quantity: Quantity,
    /// A special request, such as "oat milk".
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// The table to bring the order to, or `None` for a takeout order.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<TableNumber>,
    /// Price times quantity, in cents. Only the server computes it.
    total_cents: Cents,
    /// When the order was placed.
    placed_at: Timestamp,
}
// ANCHOR_END: order

// ANCHOR: menu-filter
/// The query string of `GET /menu`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MenuFilter {
    /// The highest price, in cents, that an item may have.
    max_price: Option<u32>,
}
// ANCHOR_END: menu-filter

// The handlers: each turns a request into a response.

// ANCHOR: list-menu
#[instrument(skip_all)]
async fn list_menu(
    State(shop): State<Shop>,
    Query(filter): Query<MenuFilter>,
) -> Json<Vec<Item>> {
    Json(shop.menu(filter.max_price))
}
// ANCHOR_END: list-menu

// ANCHOR: show-item
#[instrument(skip_all)]
async fn show_item(
    State(shop): State<Shop>,
    Path(id): Path<String>,
) -> Result<Json<Item>, Error> {
    let item = shop.item(&id)?;
    Ok(Json(item))
}
// ANCHOR_END: show-item

// ANCHOR: put-item
#[instrument(skip_all)]
async fn put_item(
    _: Staff,
    State(shop): State<Shop>,
    Path(id): Path<String>,
    Json(request): Json<ItemRequest>,
) -> Result<(StatusCode, Json<Item>), Error> {
    let item = request.validate(id).map_err(invalid)?;
    let status = match shop.put_item(item.clone()) {
        Put::Created => StatusCode::CREATED,
        Put::Replaced => StatusCode::OK,
    };
    Ok((status, Json(item)))
}
// ANCHOR_END: put-item

// ANCHOR: place-order
#[instrument(skip_all)]
async fn place_order(
    State(shop): State<Shop>,
    Json(request): Json<OrderRequest>,
) -> Result<impl IntoResponse, Error> {
    // ANCHOR: validate
    let new_order = NewOrder::try_from(request).map_err(invalid)?;
    // ANCHOR_END: validate
    let order = shop.place_order(new_order)?;

    let location = format!("/orders/{}", order.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(order)))
}
// ANCHOR_END: place-order

// ANCHOR: show-order
#[instrument(skip_all)]
async fn show_order(
    State(shop): State<Shop>,
    Path(id): Path<u64>,
) -> Result<Json<Order>, Error> {
    let order = shop.order(id)?;
    Ok(Json(order))
}
// ANCHOR_END: show-order

/// A 422 response that lists every mistake in a request, one per line.
fn invalid(mistakes: Vec<FieldError>) -> Error {
    let lines: Vec<String> = mistakes
        .into_iter()
        .map(|FieldError { field, reason }| format!("{field} {reason}"))
        .collect();
    (StatusCode::UNPROCESSABLE_ENTITY, lines.join("\n"))
}

fn not_found(message: String) -> Error {
    (StatusCode::NOT_FOUND, message)
}

fn not_enough_left(item: &Item) -> Error {
    (
        StatusCode::CONFLICT,
        format!("Not enough left: {}", item.name),
    )
}

// The valid types: a value of one of them has passed its checks.

/// A mistake in one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FieldError {
    /// The name of the field, as JSON has it.
    field: &'static str,
    /// What the field must be, such as "must not be empty".
    reason: &'static str,
}

// ANCHOR: new-order
/// An order with a valid customer, quantity and table. The shop still has to look up
/// the item.
#[derive(Debug)]
struct NewOrder {
    customer: CustomerName,
    item: String,
    quantity: Quantity,
    note: Option<String>,
    table: Option<TableNumber>,
}
// ANCHOR_END: new-order

// ANCHOR: try-from
impl TryFrom<OrderRequest> for NewOrder {
    /// All mistakes in the customer's name, the quantity and the table number, so that
    /// the client can correct them all at once.
    type Error = Vec<FieldError>;

    fn try_from(request: OrderRequest) -> Result<Self, Self::Error> {
        let customer = CustomerName::try_from(request.customer);
        let quantity = Quantity::try_from(request.quantity);
        let table = request.table.map(TableNumber::try_from).transpose();
        match (customer, quantity, table) {
            (Ok(customer), Ok(quantity), Ok(table)) => Ok(Self {
                customer,
                item: request.item,
                quantity,
                note: request.note,
                table,
            }),
            (customer, quantity, table) => {
                let mistakes = [customer.err(), quantity.err(), table.err()];
                Err(mistakes.into_iter().flatten().collect())
            }
        }
    }
}
// ANCHOR_END: try-from

impl ItemRequest {
    /// Validates the body and the id from the path. Returns the item, or all mistakes.
    fn validate(self, id: String) -> Result<Item, Vec<FieldError>> {
        let mut mistakes = Vec::new();
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=50).contains(&id.len()) || !id.bytes().all(allowed) {
            mistakes.push(FieldError {
                field: "id",
                reason: "must be 1 to 50 lowercase letters, digits and hyphens",
            });
        }
        let name = self.name.trim();
        if !(1..=100).contains(&name.chars().count()) {
            mistakes.push(FieldError {
                field: "name",
                reason: "must have 1 to 100 characters",
            });
        }
        if self.price_cents > 1_000_000 {
            mistakes.push(FieldError {
                field: "price_cents",
                reason: "must be at most 1000000",
            });
        }
        if self.stock > 1_000_000 {
            mistakes.push(FieldError {
                field: "stock",
                reason: "must be at most 1000000",
            });
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Item {
            id,
            name: name.to_owned(),
            price_cents: Cents(self.price_cents),
            stock: self.stock,
        })
    }
}

/// An amount of money, in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Serialize)]
#[serde(transparent)]
struct Cents(u32);

impl Cents {
    /// The price of several, or `None` when a `u32` cannot hold it.
    fn checked_mul(self, quantity: Quantity) -> Option<Self> {
        self.0.checked_mul(quantity.get()).map(Self)
    }
}

// ANCHOR: quantity
/// The quantity of one item in an order: 1 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
struct Quantity(u32);

impl Quantity {
    fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Quantity {
    type Error = FieldError;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if (1..=10).contains(&number) {
            return Ok(Self(number));
        }
        Err(FieldError {
            field: "quantity",
            reason: "must be from 1 to 10",
        })
    }
}
// ANCHOR_END: quantity

// ANCHOR: customer-name
/// The name of a customer: 1 to 100 characters, with no whitespace at either end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
struct CustomerName(String);

impl TryFrom<String> for CustomerName {
    type Error = FieldError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let name = name.trim();
        let reason = match name.chars().count() {
            1..=100 => return Ok(Self(name.to_owned())),
            0 => "must not be empty",
            _ => "must have at most 100 characters",
        };
        let field = "customer";
        Err(FieldError { field, reason })
    }
}
// ANCHOR_END: customer-name

/// The number of a table in the shop: 1 to 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
struct TableNumber(u32);

impl TryFrom<u32> for TableNumber {
    type Error = FieldError;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if (1..=12).contains(&number) {
            return Ok(Self(number));
        }
        Err(FieldError {
            field: "table",
            reason: "must be from 1 to 12",
        })
    }
}

// An extractor of our own: who may change the menu.

// ANCHOR: staff-token
/// The secret that the staff send as `Authorization: Bearer …`.
#[derive(Clone)]
struct StaffToken(Arc<str>);

impl StaffToken {
    /// Compares in constant time, so that the response time doesn't reveal how many
    /// bytes at the beginning of a guess are right.
    fn matches(&self, guess: &str) -> bool {
        self.0.as_bytes().ct_eq(guess.as_bytes()).into()
    }
}
// ANCHOR_END: staff-token

// ANCHOR: staff
/// A handler with this argument runs only for requests with the staff token.
struct Staff;

impl<S> FromRequestParts<S> for Staff
where
    StaffToken: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Unauthorized;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        let expected = StaffToken::from_ref(state);
        match bearer_token(parts) {
            Some(token) if expected.matches(token) => Ok(Self),
            _ => Err(UNAUTHORIZED),
        }
    }
}
// ANCHOR_END: staff

// ANCHOR: bearer-token
/// The token in the `authorization` header. The name of the authentication scheme,
/// here `Bearer`, is case-insensitive, and one or more spaces follow it (RFC 9110,
/// sections 11.1 and 11.4).
fn bearer_token(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// A 401 response has the `www-authenticate` header, which names the kind of
/// credentials (such as a token) that the server wants (RFC 9110, section 15.5.2). In
/// this header, `Bearer` must be followed by at least one parameter (RFC 6750, section
/// 3). Here, the parameter is `realm`, which names what the token gives access to.
type Unauthorized = (StatusCode, [(HeaderName, &'static str); 1], &'static str);

const UNAUTHORIZED: Unauthorized = (
    StatusCode::UNAUTHORIZED,
    [(WWW_AUTHENTICATE, "Bearer realm=\"shop\"")],
    "Send the staff token: Authorization: Bearer …",
);
// ANCHOR_END: bearer-token

// The state: the menu and the orders.

// ANCHOR: shop
/// What the handlers share. axum clones it for each request, and all clones share one
/// inventory.
#[derive(Clone)]
struct Shop {
    inventory: Arc<Mutex<Inventory>>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    next_id: Arc<dyn Fn() -> u64 + Send + Sync>,
}
// ANCHOR_END: shop

// ANCHOR: inventory
/// The menu with its stock, and the orders. Both are in memory, so a restart loses
/// them. Nothing limits the number of items and orders, and a lookup searches the
/// whole list, so this is for a small shop only. The chapter on SQLite moves the
/// shop's data to a database.
struct Inventory {
    menu: Vec<Item>,
    orders: Vec<Order>,
}
// ANCHOR_END: inventory

/// What [`Shop::put_item`] did.
enum Put {
    Created,
    Replaced,
}

impl Shop {
    // ANCHOR: new
    fn new(
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        next_id: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        let inventory = Inventory {
            menu: opening_menu(),
            orders: Vec::new(),
        };
        Self {
            inventory: Arc::new(Mutex::new(inventory)),
            clock: Arc::new(clock),
            next_id: Arc::new(next_id),
        }
    }
    // ANCHOR_END: new

    // ANCHOR: lock
    /// The inventory, locked until the guard is dropped.
    fn lock(&self) -> MutexGuard<'_, Inventory> {
        // A panic while the guard is held poisons the mutex. The methods of `Shop`
        // change the inventory last, after everything that could panic, so the
        // inventory is consistent even after a panic.
        self.inventory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
    // ANCHOR_END: lock

    #[instrument(skip_all)]
    fn menu(&self, max_price: Option<u32>) -> Vec<Item> {
        let max_price = Cents(max_price.unwrap_or(u32::MAX));
        let inventory = self.lock();
        let items = inventory.menu.iter();
        items
            .filter(|item| item.price_cents <= max_price)
            .cloned()
            .collect()
    }

    // ANCHOR: find-item
    #[instrument(skip_all)]
    fn item(&self, id: &str) -> Result<Item, Error> {
        let inventory = self.lock();
        let item = inventory.menu.iter().find(|item| item.id == id);
        item.cloned()
            .ok_or_else(|| not_found(format!("There is no {id} on the menu")))
    }
    // ANCHOR_END: find-item

    #[instrument(skip_all)]
    fn put_item(&self, item: Item) -> Put {
        let mut inventory = self.lock();
        match inventory.menu.iter_mut().find(|old| old.id == item.id) {
            Some(old) => {
                *old = item;
                Put::Replaced
            }
            None => {
                inventory.menu.push(item);
                Put::Created
            }
        }
    }

    #[instrument(skip_all)]
    fn order(&self, id: u64) -> Result<Order, Error> {
        let inventory = self.lock();
        let order = inventory.orders.iter().find(|order| order.id == id);
        order
            .cloned()
            .ok_or_else(|| not_found(format!("There is no order {id}")))
    }

    #[instrument(skip_all)]
    // ANCHOR: place-order-under-lock
    /// Checks the stock, reduces it and stores the order, all under one lock: two
    /// requests can't both get the last croissant.
    fn place_order(&self, new: NewOrder) -> Result<Order, Error> {
        let mut inventory = self.lock();
        let Inventory { menu, orders } = &mut *inventory;
        let item = menu.iter_mut().find(|item| item.id == new.item);
        let item = item.ok_or_else(|| invalid(vec![NOT_ON_MENU]))?;
        let left = item.stock.checked_sub(new.quantity.get());
        let left = left.ok_or_else(|| not_enough_left(item))?;
        let total = item.price_cents.checked_mul(new.quantity);
        let total = total.ok_or_else(|| invalid(vec![TOTAL_TOO_LARGE]))?;
        let order = Order {
            id: (self.next_id)(),
            customer: new.customer,
            item: new.item,
            quantity: new.quantity,
            note: new.note,
            table: new.table,
            total_cents: total,
            placed_at: (self.clock)(),
        };
        orders.push(order.clone());
        item.stock = left;
        Ok(order)
    }
    // ANCHOR_END: place-order-under-lock
}

const NOT_ON_MENU: FieldError = FieldError {
    field: "item",
    reason: "must be the id of an item on the menu",
};

const TOTAL_TOO_LARGE: FieldError = FieldError {
    field: "quantity",
    reason: "makes the total too large",
};

/// The menu when the shop opens.
fn opening_menu() -> Vec<Item> {
    let item = |id: &str, name: &str, price_cents, stock| Item {
        id: id.into(),
        name: name.into(),
        price_cents: Cents(price_cents),
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

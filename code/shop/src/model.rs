//! The shop's data and its rules. Nothing here knows of HTTP or
//! SQL, so it can be tested without either.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// Something that customers can order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The id in a path, such as `flat-white`.
    pub id: ItemId,
    /// The name that customers read, such as `Flat white`.
    pub name: String,
    /// The price of one, in cents.
    pub price_cents: Cents,
    /// How many can still be sold.
    pub stock: u32,
}

impl Item {
    // ANCHOR: sell
    /// Reduces the stock and returns the total price.
    ///
    /// # Errors
    ///
    /// Returns [`ShopError::NotEnoughLeft`] or [`ShopError::TotalTooLarge`]. In both
    /// cases, the stock is unchanged.
    pub fn sell(&mut self, quantity: Quantity) -> Result<Cents, ShopError> {
        let left = self.stock.checked_sub(quantity.get());
        let left =
            left.ok_or_else(|| ShopError::NotEnoughLeft(self.name.clone()))?;
        let total = self.price_cents.checked_mul(quantity);
        let total = total.ok_or(ShopError::TotalTooLarge)?;
        self.stock = left;
        Ok(total)
    }
    // ANCHOR_END: sell

    /// Increases the stock again, after an order was canceled.
    pub fn put_back(&mut self, quantity: Quantity) {
        self.stock = self.stock.saturating_add(quantity.get());
    }
}

/// An order that was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Order {
    /// Unique in this shop, and never used again. A client can guess the ids. If customers
    /// must not see each other's orders, the shop has to know who sends a request, and return
    /// an order only to the customer who placed it.
    pub id: u64,
    /// The customer who picks it up.
    pub customer: CustomerName,
    /// The id of the item.
    pub item: ItemId,
    /// The name of the item when the order was placed.
    pub item_name: String,
    /// The price of one when the order was placed, in cents.
    pub unit_price_cents: Cents,
    /// How many of the item.
    pub quantity: Quantity,
    /// A special request, such as "oat milk".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// The table to bring it to. Without one, it's a takeout order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<TableNumber>,
    /// Price times quantity, in cents. Only the server computes it.
    pub total_cents: Cents,
    /// Whether it is still to be made.
    pub status: OrderStatus,
    /// When the order was placed, to the millisecond.
    pub placed_at: Timestamp,
}

impl Order {
    /// Makes an order of a valid request. [`Item::sell`] gave the total.
    pub fn new(
        id: u64,
        new: NewOrder,
        item: &Item,
        total_cents: Cents,
        placed_at: Timestamp,
    ) -> Self {
        Self {
            id,
            customer: new.customer,
            item: item.id.clone(),
            item_name: item.name.clone(),
            unit_price_cents: item.price_cents,
            quantity: new.quantity,
            note: new.note,
            table: new.table,
            total_cents,
            status: OrderStatus::Placed,
            placed_at,
        }
    }

    /// Changes the note, the table or the status.
    ///
    /// # Errors
    ///
    /// [`ShopError::OrderCanceled`]: a canceled order never changes again. So its
    /// stock is put back only once.
    pub fn change(&mut self, change: OrderChange) -> Result<(), ShopError> {
        if self.status == OrderStatus::Canceled {
            return Err(ShopError::OrderCanceled(self.id));
        }
        change.note.apply_to(&mut self.note);
        change.table.apply_to(&mut self.table);
        if change.cancel {
            self.status = OrderStatus::Canceled;
        }
        Ok(())
    }
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    /// It will be made.
    Placed,
    /// It will not be made, and its items are back in stock.
    Canceled,
}

/// The shop's rules say no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShopError {
    /// No item on the menu has the id that was asked for.
    #[error("There is no {0} on the menu")]
    UnknownItem(String),
    /// No order has the id that was asked for.
    #[error("There is no order {0}")]
    UnknownOrder(u64),
    /// The item of a new order is not on the menu.
    #[error("must be the id of an item on the menu")]
    NotOnMenu,
    /// The stock of the item with this name is smaller than the quantity of a new order.
    #[error("Not enough left: {0}")]
    NotEnoughLeft(String),
    /// The total of a new order does not fit into [`Cents`].
    #[error("makes the total too large")]
    TotalTooLarge,
    /// The order was canceled, so it can't change.
    #[error("Order {0} is canceled and can't be changed")]
    OrderCanceled(u64),
}

// What clients send. These types say only what the JSON looks like: a value of one of
// them has not been validated. (serde also reads a struct from a JSON array that has its
// values in the order of the fields. To accept only objects, look at the first character
// of the body in `extract::Json`.)

/// The body of `POST /orders`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderRequest {
    /// The name of the customer who picks it up.
    pub customer: String,
    /// The id of an [`Item`].
    pub item: String,
    /// How many, from 1 to 10.
    pub quantity: u32,
    /// A special request, such as "oat milk".
    pub note: Option<String>,
    /// The number of the table to bring it to. Without one, it's a takeout order.
    pub table: Option<u32>,
}

/// The body of `PUT /menu/{id}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemRequest {
    /// The name that customers read.
    pub name: String,
    /// The price of one, in cents.
    pub price_cents: u32,
    /// How many can be sold.
    pub stock: u32,
}

// ANCHOR: order-patch
/// The body of `PATCH /orders/{id}`. A field that is missing stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderPatch {
    /// A new note, or `null` to remove it.
    #[serde(default)]
    pub note: Patch<String>,
    /// A new table number, or `null` for a takeout order.
    #[serde(default)]
    pub table: Patch<u32>,
    /// `canceled` to cancel the order. A client can't set any other status, and
    /// can't send `null`.
    #[serde(default, deserialize_with = "not_null")]
    pub status: Option<String>,
}
// ANCHOR_END: order-patch

// ANCHOR: patch
/// A field of a `PATCH` body. A missing field and `null` mean different things here
/// (RFC 7396, section 1), but with an `Option`, serde would read both as `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// The field is missing, so the value stays as it is.
    #[default]
    Keep,
    /// The field is `null`, so the value is removed.
    Clear,
    /// The field has this new value.
    Set(T),
}
// ANCHOR_END: patch

impl<T> Patch<T> {
    /// Converts the value, if there is one.
    fn try_map<U, E>(
        self,
        convert: impl FnOnce(T) -> Result<U, E>,
    ) -> Result<Patch<U>, E> {
        Ok(match self {
            Self::Keep => Patch::Keep,
            Self::Clear => Patch::Clear,
            Self::Set(value) => Patch::Set(convert(value)?),
        })
    }

    /// Changes a value as the client asked.
    fn apply_to(self, value: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *value = None,
            Self::Set(new) => *value = Some(new),
        }
    }
}

// ANCHOR: deserialize-patch
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    /// serde calls this function only if the field is there. If it isn't,
    /// `#[serde(default)]` gives [`Patch::Keep`].
    fn deserialize<D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        let value = Option::deserialize(deserializer)?;
        Ok(value.map_or(Self::Clear, Self::Set))
    }
}
// ANCHOR_END: deserialize-patch

/// Reads an optional field that must not be `null`.
fn not_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

// The valid types. A newtype, such as `Quantity`, has a private field, and `try_from`
// checks the value that goes into it. (`from_stored` doesn't check again what was checked
// before it was stored.) So a function that takes a `Quantity` need not check it. A struct
// of such types, such as `NewOrder`, may have public fields: each of them is valid.

/// A mistake in one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The name of the field, as the client writes it.
    pub field: &'static str,
    /// What the field must be, such as "must not be empty".
    pub reason: &'static str,
}

/// An order that may be placed, if its item is on the menu and enough is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// The customer who picks it up.
    pub customer: CustomerName,
    /// What should be the id of an item. Only the repository can tell, at the moment
    /// when it places the order.
    pub item: String,
    /// How many of the item.
    pub quantity: Quantity,
    /// A special request.
    pub note: Option<Note>,
    /// The table to bring it to.
    pub table: Option<TableNumber>,
}

impl TryFrom<OrderRequest> for NewOrder {
    /// All mistakes in the request, so that the client can correct them all at
    /// once.
    type Error = Vec<FieldError>;

    fn try_from(request: OrderRequest) -> Result<Self, Self::Error> {
        let customer = CustomerName::try_from(request.customer);
        let quantity = Quantity::try_from(request.quantity);
        let note = request.note.map(Note::try_from).transpose();
        let table = request.table.map(TableNumber::try_from).transpose();
        match (customer, quantity, note, table) {
            (Ok(customer), Ok(quantity), Ok(note), Ok(table)) => Ok(Self {
                customer,
                item: request.item,
                quantity,
                note,
                table,
            }),
            (customer, quantity, note, table) => {
                let mistakes =
                    [customer.err(), quantity.err(), note.err(), table.err()];
                Err(mistakes.into_iter().flatten().collect())
            }
        }
    }
}

/// A change of an order that may be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderChange {
    /// The note.
    pub note: Patch<Note>,
    /// The table.
    pub table: Patch<TableNumber>,
    /// Whether to cancel the order.
    pub cancel: bool,
}

impl TryFrom<OrderPatch> for OrderChange {
    type Error = Vec<FieldError>;

    fn try_from(patch: OrderPatch) -> Result<Self, Self::Error> {
        let note = patch.note.try_map(Note::try_from);
        let table = patch.table.try_map(TableNumber::try_from);
        let cancel = match patch.status.as_deref() {
            None => Ok(false),
            Some("canceled") => Ok(true),
            Some(_) => Err(FieldError {
                field: "status",
                reason: "must be canceled",
            }),
        };
        match (note, table, cancel) {
            (Ok(note), Ok(table), Ok(cancel)) => Ok(Self {
                note,
                table,
                cancel,
            }),
            (note, table, cancel) => {
                let mistakes = [note.err(), table.err(), cancel.err()];
                Err(mistakes.into_iter().flatten().collect())
            }
        }
    }
}

/// Why a text is rejected that has control characters. A terminal or a printer that shows
/// them would obey them: the character U+001B can clear a screen, for example.
const NO_CONTROL: &str = "must not contain control characters";

impl ItemRequest {
    /// Makes an item with this id.
    ///
    /// # Errors
    ///
    /// All mistakes of the request.
    pub fn into_item(self, id: ItemId) -> Result<Item, Vec<FieldError>> {
        let mut mistakes = Vec::new();
        let name = self.name.trim();
        if !(1..=100).contains(&name.chars().count()) {
            let reason = "must have 1 to 100 characters";
            mistakes.push(FieldError {
                field: "name",
                reason,
            });
        } else if name.contains(char::is_control) {
            mistakes.push(FieldError {
                field: "name",
                reason: NO_CONTROL,
            });
        }
        if self.price_cents > 1_000_000 {
            let reason = "must be at most 1000000";
            mistakes.push(FieldError {
                field: "price_cents",
                reason,
            });
        }
        if self.stock > 1_000_000 {
            let reason = "must be at most 1000000";
            mistakes.push(FieldError {
                field: "stock",
                reason,
            });
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Item {
            id,
            name: name.to_owned(),
            price_cents: Cents::new(self.price_cents),
            stock: self.stock,
        })
    }
}

/// The id of an item: 1 to 50 lowercase letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ItemId(String);

impl ItemId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An id that a repository has stored: it was valid when it was stored.
    #[cfg(feature = "sqlite")]
    pub(crate) fn from_stored(id: String) -> Self {
        Self(id)
    }
}

impl TryFrom<String> for ItemId {
    type Error = FieldError;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        let allowed =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=50).contains(&id.len()) && id.bytes().all(allowed) {
            return Ok(Self(id));
        }
        let reason = "must be 1 to 50 lowercase letters, digits and hyphens";
        Err(FieldError {
            field: "id",
            reason,
        })
    }
}

/// An amount of money, in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Cents(u32);

impl Cents {
    /// An amount in cents.
    pub const fn new(cents: u32) -> Self {
        Self(cents)
    }

    /// The amount in cents.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The price of several, or `None` when a `u32` can't hold it.
    pub fn checked_mul(self, quantity: Quantity) -> Option<Self> {
        self.0.checked_mul(quantity.get()).map(Self)
    }
}

/// How many of an item a customer orders: 1 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(u32);

impl Quantity {
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Quantity {
    type Error = FieldError;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if (1..=10).contains(&number) {
            return Ok(Self(number));
        }
        let reason = "must be from 1 to 10";
        Err(FieldError {
            field: "quantity",
            reason,
        })
    }
}

/// The name of a customer: 1 to 100 characters, with no whitespace at either end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CustomerName(String);

impl CustomerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that a repository has stored: it was valid when it was stored.
    #[cfg(feature = "sqlite")]
    pub(crate) fn from_stored(name: String) -> Self {
        Self(name)
    }
}

impl TryFrom<String> for CustomerName {
    type Error = FieldError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let name = name.trim();
        let reason = match name.chars().count() {
            1..=100 if name.contains(char::is_control) => NO_CONTROL,
            1..=100 => return Ok(Self(name.to_owned())),
            0 => "must not be empty",
            _ => "must have at most 100 characters",
        };
        Err(FieldError {
            field: "customer",
            reason,
        })
    }
}

/// A special request for an order: 1 to 200 characters, none of them a control character,
/// without spaces around it. Without a limit, the notes of a few orders could fill the
/// memory of a client that lists them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Note(String);

impl Note {
    /// The note as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A note that a repository has stored: it was valid when it was stored.
    #[cfg(feature = "sqlite")]
    pub(crate) fn from_stored(note: String) -> Self {
        Self(note)
    }
}

impl TryFrom<String> for Note {
    type Error = FieldError;

    fn try_from(note: String) -> Result<Self, Self::Error> {
        let note = note.trim();
        let reason = match note.chars().count() {
            1..=200 if note.contains(char::is_control) => NO_CONTROL,
            1..=200 => return Ok(Self(note.to_owned())),
            _ => "must have 1 to 200 characters",
        };
        Err(FieldError {
            field: "note",
            reason,
        })
    }
}

/// The number of a table in the shop: 1 to 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TableNumber(u32);

impl TableNumber {
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for TableNumber {
    type Error = FieldError;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if (1..=12).contains(&number) {
            return Ok(Self(number));
        }
        let reason = "must be from 1 to 12";
        Err(FieldError {
            field: "table",
            reason,
        })
    }
}

/// The query string of `GET /menu`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MenuFilter {
    /// The highest price, in cents, that an item may have.
    pub max_price: Option<u32>,
}

// ANCHOR: order-query
/// The query string of `GET /orders`, as the client sends it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderQuery {
    /// Only the orders of this customer.
    #[serde(default, deserialize_with = "even_if_empty")]
    pub customer: Option<String>,
    /// Only the orders for these items. The key may be repeated.
    #[serde(default)]
    pub item: Vec<String>,
    /// Only the orders with this status.
    #[serde(default, deserialize_with = "even_if_empty")]
    pub status: Option<OrderStatus>,
    /// Only the orders whose id is larger than this one. A client copies this id
    /// from the `next` field of the previous page.
    pub after: Option<u64>,
    /// The maximum number of orders on a page.
    pub limit: Option<u32>,
}
// ANCHOR_END: order-query

// ANCHOR: even-if-empty
/// Reads the value of a filter even if it's empty. Without this function,
/// axum-extra's `Query` would read `customer=` as `None`, as if there were no
/// filter, so the shop would list the orders of all customers.
fn even_if_empty<'de, T, D>(value: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(value).map(Some)
}
// ANCHOR_END: even-if-empty

/// Which orders to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only the orders of this customer. If no customer has this name, there are none.
    pub customer: Option<String>,
    /// Only the orders of these items; all items if empty. [`OrderFilter::try_from`]
    /// takes at most 50, so that one request can't make the database compare thousands.
    pub items: Vec<String>,
    /// Only the orders with this status.
    pub status: Option<OrderStatus>,
    /// Only the orders after this id. 0 is before the first.
    pub after: u64,
    /// How many orders the page may have.
    pub limit: PageLimit,
}

// ANCHOR: order-filter
impl TryFrom<OrderQuery> for OrderFilter {
    type Error = FieldError;

    fn try_from(query: OrderQuery) -> Result<Self, Self::Error> {
        let limit = query.limit.map(PageLimit::try_from).transpose()?;
        if query.item.len() > 50 {
            let reason = "must not appear more than 50 times";
            return Err(FieldError {
                field: "item",
                reason,
            });
        }
        Ok(Self {
            customer: query.customer,
            items: query.item,
            status: query.status,
            after: query.after.unwrap_or(0),
            limit: limit.unwrap_or_default(),
        })
    }
}
// ANCHOR_END: order-filter

// ANCHOR: limit
/// How many entries a page may have: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(u32);

impl Default for PageLimit {
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<u32> for PageLimit {
    type Error = FieldError;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if (1..=100).contains(&number) {
            return Ok(Self(number));
        }
        let reason = "must be from 1 to 100";
        Err(FieldError {
            field: "limit",
            reason,
        })
    }
}
// ANCHOR_END: limit

impl PageLimit {
    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

// ANCHOR: page
/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// The cursor: send it as `after` to get the next page. Left out on the last
    /// page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}
// ANCHOR_END: page

impl Page<Order> {
    // ANCHOR: page-new
    /// Makes a page from the orders that were found. If there is one more order
    /// than the limit allows, there is a next page.
    pub fn new(mut found: Vec<Order>, limit: PageLimit) -> Self {
        let limit = limit.get() as usize;
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().map(|order| order.id);
        Self {
            items: found,
            next: last.filter(|_| more),
        }
    }
    // ANCHOR_END: page-new
}

/// The menu that a new shop starts with.
pub fn opening_menu() -> Vec<Item> {
    let item = |id: &str, name: &str, price_cents, stock| Item {
        id: ItemId(id.into()),
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

// ANCHOR: tests-module
#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> OrderRequest {
        OrderRequest {
            customer: "Ada".into(),
            item: "tea".into(),
            quantity: 2,
            note: None,
            table: None,
        }
    }

    fn tea(stock: u32) -> Item {
        Item {
            stock,
            ..opening_menu()[2].clone()
        }
    }

    fn quantity(number: u32) -> Quantity {
        Quantity::try_from(number).unwrap()
    }
    // ANCHOR_END: tests-module

    #[test]
    fn a_request_without_mistakes_becomes_an_order() {
        let request = OrderRequest {
            customer: " Ada\n".into(),
            ..request()
        };
        let new = NewOrder::try_from(request).unwrap();
        assert_eq!(new.customer.as_str(), "Ada");
        assert_eq!(new.quantity.get(), 2);
    }

    // ANCHOR: every-mistake
    #[test]
    fn every_mistake_of_a_request_is_reported() {
        let request = OrderRequest {
            customer: " ".into(),
            quantity: 11,
            note: Some("x".repeat(201)),
            table: Some(13),
            ..request()
        };
        let mistakes = NewOrder::try_from(request).unwrap_err();
        let fields: Vec<_> = mistakes.iter().map(|mistake| mistake.field).collect();
        assert_eq!(fields, ["customer", "quantity", "note", "table"]);
    }
    // ANCHOR_END: every-mistake

    // ANCHOR: sell-tests
    #[test]
    fn selling_reduces_the_stock_and_returns_the_total() {
        let mut tea = tea(3);
        assert_eq!(tea.sell(quantity(3)), Ok(Cents::new(660)));
        assert_eq!(tea.stock, 0);
    }

    #[test]
    fn an_item_that_cannot_be_sold_stays_as_it_is() {
        let mut item = tea(2);
        let error = item.sell(quantity(3));
        assert_eq!(error, Err(ShopError::NotEnoughLeft("Tea".into())));
        item.price_cents = Cents::new(u32::MAX);
        assert_eq!(item.sell(quantity(2)), Err(ShopError::TotalTooLarge));
        assert_eq!(item.stock, 2);
    }
    // ANCHOR_END: sell-tests

    #[test]
    fn putting_back_stops_at_the_largest_number() {
        let mut tea = tea(u32::MAX - 1);
        tea.put_back(quantity(2));
        assert_eq!(tea.stock, u32::MAX);
    }

    #[test]
    fn a_patch_tells_missing_null_and_a_value_apart() {
        let note = |json| serde_json::from_str::<OrderPatch>(json).unwrap().note;
        assert_eq!(note("{}"), Patch::Keep);
        assert_eq!(note(r#"{"note": null}"#), Patch::Clear);
        assert_eq!(note(r#"{"note": "hot"}"#), Patch::Set("hot".into()));
    }
}

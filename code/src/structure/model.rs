//! The shop's data and its rules. Nothing here knows of HTTP or
//! SQL, so it can be tested without either.

use std::error::Error;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    pub item: String,
    /// How many of the item.
    pub quantity: Quantity,
    /// A special request, such as "oat milk".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The table to bring it to. Without one, it's a takeout order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<TableNumber>,
    /// Price times quantity, in cents. Only the server computes it.
    pub total_cents: Cents,
    /// When the order was placed.
    pub placed_at: Timestamp,
}

impl Order {
    /// Makes an order of a valid request. [`Item::sell`] gave the total.
    pub fn new(
        id: u64,
        new: NewOrder,
        total_cents: Cents,
        placed_at: Timestamp,
    ) -> Self {
        Self {
            id,
            customer: new.customer,
            item: new.item,
            quantity: new.quantity,
            note: new.note,
            table: new.table,
            total_cents,
            placed_at,
        }
    }
}

// ANCHOR: shop-error
/// Why the shop can't do what it was asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShopError {
    /// Somebody asked for an item, but no item on the menu has this id.
    UnknownItem(String),
    /// No order has this id.
    UnknownOrder(u64),
    /// Somebody ordered an item that is not on the menu.
    NotOnMenu,
    /// A new order asks for more of an item than is left. The text is the
    /// item's name.
    NotEnoughLeft(String),
    /// The total of a new order is more than [`Cents`] can hold.
    TotalTooLarge,
}
// ANCHOR_END: shop-error

// ANCHOR: display
impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownItem(id) => write!(f, "There is no {id} on the menu"),
            Self::UnknownOrder(id) => write!(f, "There is no order {id}"),
            Self::NotOnMenu => {
                f.write_str("item must be the id of an item on the menu")
            }
            Self::NotEnoughLeft(name) => write!(f, "Not enough left: {name}"),
            Self::TotalTooLarge => {
                f.write_str("quantity makes the total too large")
            }
        }
    }
}
// ANCHOR_END: display

impl Error for ShopError {}

// What clients send. These types say only what the JSON looks like: a value of one of
// them has not been validated.

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

// The valid types. The only way to make a value of one of them is to pass its checks,
// so a function that takes one need not check it again.

/// A mistake in one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The name of the field, as the client writes it.
    pub field: &'static str,
    /// What the field must be, such as "must not be empty".
    pub reason: &'static str,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.reason)
    }
}

/// An order with a valid customer, quantity and table. The shop still has to look up
/// the item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// The customer who picks it up.
    pub customer: CustomerName,
    /// The id of an item. The shop looks it up when it places the order.
    pub item: String,
    /// How many of the item.
    pub quantity: Quantity,
    /// A special request.
    pub note: Option<String>,
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

impl ItemRequest {
    /// Makes an item of the body and the id in the path.
    ///
    /// # Errors
    ///
    /// All mistakes of both.
    pub fn into_item(self, id: String) -> Result<Item, Vec<FieldError>> {
        let mut mistakes = Vec::new();
        let mut mistake =
            |field, reason| mistakes.push(FieldError { field, reason });
        let id = ItemId::try_from(id)
            .map_err(|error| mistake(error.field, error.reason));
        let name = self.name.trim();
        if !(1..=100).contains(&name.chars().count()) {
            mistake("name", "must have 1 to 100 characters");
        }
        if self.price_cents > 1_000_000 {
            mistake("price_cents", "must be at most 1000000");
        }
        if self.stock > 1_000_000 {
            mistake("stock", "must be at most 1000000");
        }
        match id {
            Ok(id) if mistakes.is_empty() => Ok(Item {
                id,
                name: name.to_owned(),
                price_cents: Cents::new(self.price_cents),
                stock: self.stock,
            }),
            _ => Err(mistakes),
        }
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

// ANCHOR: quantity
/// How many of an item a customer orders: 1 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(u32);
// ANCHOR_END: quantity

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

impl TryFrom<String> for CustomerName {
    type Error = FieldError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let name = name.trim();
        let reason = match name.chars().count() {
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

/// The number of a table in the shop: 1 to 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TableNumber(u32);

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

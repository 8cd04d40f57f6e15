//! What the shop asks of whatever keeps its books.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::legacy::{Item, Order};

/// Keeps the menu and the orders.
// ANCHOR: repository
#[async_trait]
pub trait Repository: Send + Sync {
    /// What costs at most so much, in cents, in the order of the menu.
    async fn menu(&self, max_price: Option<u32>)
    -> Result<Vec<Item>, StorageError>;

    /// The item with that id, if there is one.
    async fn item(&self, id: &str) -> Result<Option<Item>, StorageError>;

    /// The order with that id, if there is one.
    async fn order(&self, id: u64) -> Result<Option<Order>, StorageError>;

    /// Takes what is sold from the stock and writes the order down, under a new
    /// number. `None` when less is left than was sold; then nothing has changed.
    async fn place_order(&self, sale: Sale) -> Result<Option<Order>, StorageError>;
}
// ANCHOR_END: repository

/// An order that has its price and no number yet.
#[derive(Debug, Clone)]
pub struct Sale {
    /// Who picks it up.
    pub customer: String,
    /// The id of an [`Item`].
    pub item: String,
    /// How many.
    pub quantity: u32,
    /// A wish, such as "oat milk".
    pub note: Option<String>,
    /// The table to bring it to; none means to go.
    pub table: Option<u8>,
    /// Price times quantity, in cents.
    pub total_cents: u32,
    /// When the shop took it.
    pub placed_at: Timestamp,
}

impl Sale {
    /// The order that this sale becomes under a number.
    pub fn numbered(self, id: u64) -> Order {
        Order {
            id,
            customer: self.customer,
            item: self.item,
            quantity: self.quantity,
            note: self.note,
            table: self.table,
            total_cents: self.total_cents,
            placed_at: self.placed_at,
        }
    }
}

/// The books cannot be read or written. It is nothing that a customer could mend, and
/// what it says is for the log.
#[derive(Debug)]
pub struct StorageError(Box<dyn Error + Send + Sync>);

impl StorageError {
    /// Whatever a driver reports.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the books cannot be read or written: {}", self.0)
    }
}

// It says its cause itself, so it has no `source`: a log would say it twice.
impl Error for StorageError {}

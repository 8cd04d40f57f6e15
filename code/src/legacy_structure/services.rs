//! The rules of the shop. Nothing here knows how its orders arrive.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tracing::instrument;

use crate::legacy::{Item, NewOrder, Order, opening_menu};

/// Why the shop says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShopError {
    /// No item on the menu has this id.
    UnknownItem(String),
    /// No order has this id.
    UnknownOrder(u64),
    /// An order makes no sense.
    Invalid(Invalid),
    /// There is less left than was asked for of the item of this name.
    NotEnough(String),
}

/// What is wrong with one field of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The field's name.
    pub field: &'static str,
    /// What it must be, as the rest of a sentence.
    pub reason: &'static str,
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownItem(id) => write!(f, "There is no {id} on the menu"),
            Self::UnknownOrder(id) => write!(f, "There is no order {id}"),
            Self::Invalid(Invalid { field, reason }) => {
                write!(f, "{field} {reason}")
            }
            Self::NotEnough(name) => write!(f, "Not enough left: {name}"),
        }
    }
}

impl Error for ShopError {}

impl From<Invalid> for ShopError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

/// The shop, for whoever has business with it: a controller, a test, a program.
/// Clones are the same shop.
#[derive(Clone)]
pub struct Shop {
    books: Arc<Mutex<Books>>,
}

/// The menu with its stock, and the orders. Private: whoever wants something of the
/// books asks the shop.
struct Books {
    menu: Vec<Item>,
    orders: Vec<Order>,
    now: Box<dyn Fn() -> Timestamp + Send>,
    next_id: Box<dyn FnMut() -> u64 + Send>,
}

impl Shop {
    /// A shop that has just opened, with a clock and a source of order ids.
    pub fn new(
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

    /// What is on the menu and costs at most so much, in cents.
    #[instrument(skip_all)]
    pub fn menu(&self, max_price: Option<u32>) -> Vec<Item> {
        let max_price = max_price.unwrap_or(u32::MAX);
        let books = self.books();
        let affordable = books
            .menu
            .iter()
            .filter(|item| item.price_cents <= max_price);
        affordable.cloned().collect()
    }

    /// The item with that id.
    ///
    /// # Errors
    ///
    /// [`ShopError::UnknownItem`].
    #[instrument(skip_all)]
    pub fn item(&self, id: &str) -> Result<Item, ShopError> {
        let books = self.books();
        let item = books.menu.iter().find(|item| item.id == id);
        item.cloned()
            .ok_or_else(|| ShopError::UnknownItem(id.into()))
    }

    /// The order with that id.
    ///
    /// # Errors
    ///
    /// [`ShopError::UnknownOrder`].
    #[instrument(skip_all)]
    pub fn order(&self, id: u64) -> Result<Order, ShopError> {
        let books = self.books();
        let order = books.orders.iter().find(|order| order.id == id);
        order.cloned().ok_or(ShopError::UnknownOrder(id))
    }

    /// Takes an order, for a table or to go.
    ///
    /// # Errors
    ///
    /// [`ShopError::Invalid`] for an order that makes no sense, and
    /// [`ShopError::NotEnough`]. Then nothing has changed.
    #[instrument(skip_all)]
    pub fn place_order(
        &self,
        new: NewOrder,
        table: Option<u8>,
    ) -> Result<Order, ShopError> {
        check_customer(&new.customer)?;
        check_quantity(new.quantity)?;
        self.books().sell(new, table)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Sound even when a thread panicked with the lock: a sale changes the books at
        // its end, where nothing can panic.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    /// Takes the items off the shelf and writes the order down.
    #[instrument(skip_all)]
    fn sell(
        &mut self,
        new: NewOrder,
        table: Option<u8>,
    ) -> Result<Order, ShopError> {
        let mut menu = self.menu.iter_mut();
        let Some(item) = menu.find(|item| item.id == new.item) else {
            return Err(NOT_ON_MENU.into());
        };
        let Some(left) = item.stock.checked_sub(new.quantity) else {
            return Err(ShopError::NotEnough(item.name.clone()));
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

/// An order for what the shop does not have.
pub const NOT_ON_MENU: Invalid = Invalid {
    field: "item",
    reason: "must be an id from the menu",
};

/// Whoever orders has a name.
///
/// # Errors
///
/// When it is empty or blank.
pub fn check_customer(customer: &str) -> Result<(), Invalid> {
    if customer.trim().is_empty() {
        return Err(Invalid {
            field: "customer",
            reason: "must not be empty",
        });
    }
    Ok(())
}

/// One order is for 1 to 10.
///
/// # Errors
///
/// When it is for fewer or more.
pub fn check_quantity(quantity: u32) -> Result<(), Invalid> {
    if !(1..=10).contains(&quantity) {
        return Err(Invalid {
            field: "quantity",
            reason: "must be from 1 to 10",
        });
    }
    Ok(())
}

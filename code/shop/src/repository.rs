//! The trait for storing data. Each implementation has a module of its own.

pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::error::Error as StdError;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;

use crate::model::{
    Item, MenuFilter, NewOrder, Order, OrderChange, OrderFilter, Page, ShopError,
};

/// The time, as an argument: a test or the guide passes a fixed one.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

// ANCHOR: repository
/// Stores the menu and the orders.
///
/// Each method makes all of its changes or none of them, and no other request sees
/// only some of them. After an error, nothing has changed. There is one exception:
/// after [`RepositoryError::Storage`], the change may have been stored anyway.
#[async_trait]
pub trait Repository: Send + Sync {
    /// The items that match the filter, in the order in which they were added.
    async fn menu(&self, filter: MenuFilter) -> Result<Vec<Item>, RepositoryError>;

    /// The item with this id.
    async fn item(&self, id: &str) -> Result<Option<Item>, RepositoryError>;

    /// Adds an item to the menu, or replaces the item that has the same id.
    async fn put_item(&self, item: Item) -> Result<Put, RepositoryError>;

    /// Removes an item from the menu. Orders stay as they are. Returns `false` if no
    /// item has this id.
    async fn delete_item(&self, id: &str) -> Result<bool, RepositoryError>;
    // ANCHOR_END: repository

    // ANCHOR: repository-place-order
    /// Checks the stock, reduces it and stores the order.
    ///
    /// The repository reads the clock at the moment when it stores the order. So an order
    /// with a higher id never has an earlier time, unless the clock is set back.
    ///
    /// # Errors
    ///
    /// [`ShopError::NotOnMenu`], [`ShopError::NotEnoughLeft`] and
    /// [`ShopError::TotalTooLarge`].
    async fn place_order(
        &self,
        new: NewOrder,
        clock: Clock,
    ) -> Result<Order, RepositoryError>;
    // ANCHOR_END: repository-place-order

    /// The order with this id.
    async fn order(&self, id: u64) -> Result<Option<Order>, RepositoryError>;

    /// One page of the orders that pass the filter, sorted by id.
    async fn orders(
        &self,
        filter: OrderFilter,
    ) -> Result<Page<Order>, RepositoryError>;

    /// Changes an order. Canceling it puts its quantity back in stock, if the
    /// item is still on the menu.
    ///
    /// # Errors
    ///
    /// [`ShopError::UnknownOrder`] and [`ShopError::OrderCanceled`].
    async fn change_order(
        &self,
        id: u64,
        change: OrderChange,
    ) -> Result<Order, RepositoryError>;

    /// Checks that the data can be read. A repository that is only busy passes.
    async fn ping(&self) -> Result<(), RepositoryError>;
}

/// What [`Repository::put_item`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There was no item with this id.
    Created,
    /// There was one.
    Replaced,
}

// ANCHOR: repository-error
/// Why a method of a repository failed. If the error is `Shop`, `Busy` or `Aborted`, the
/// data is unchanged. If it is `Storage`, the change may or may not have been stored.
#[derive(Debug, Error)]
pub enum RepositoryError {
    /// A rule of the shop doesn't allow the change.
    #[error(transparent)]
    Shop(#[from] ShopError),
    /// Other requests or programs kept the database busy for too long. The same request may
    /// succeed later.
    #[error("the database is busy")]
    Busy(#[source] Source),
    /// The database can't be read or written.
    #[error("the database failed")]
    Storage(#[source] Source),
    /// The work on the database panicked, and its changes were rolled back. The message
    /// of the panic is on stderr.
    #[error("the work on the database panicked, see the message on stderr")]
    Aborted,
}
// ANCHOR_END: repository-error

/// The cause of an error. Each database library has a type of its own for it.
pub type Source = Box<dyn StdError + Send + Sync>;

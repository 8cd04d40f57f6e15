//! The operations of the shop. Handlers, tests and command-line programs call them,
//! and nothing here depends on HTTP.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::instrument;

use crate::model::{
    Item, MenuFilter, NewOrder, Order, OrderChange, OrderFilter, Page, ShopError,
};
use crate::repository::{Clock, Put, Repository, RepositoryError};

// ANCHOR: shop
/// The shop. Clones are cheap, and all of them share one repository.
#[derive(Clone)]
pub struct Shop {
    repository: Arc<dyn Repository>,
    clock: Clock,
}

impl Shop {
    /// A shop that keeps its data in this repository. A server passes
    /// `Timestamp::now` as the clock.
    pub fn new(
        repository: Arc<dyn Repository>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        let clock: Clock = Arc::new(move || to_the_millisecond(clock()));
        Self { repository, clock }
    }
    // ANCHOR_END: shop

    /// The items on the menu that pass the filter.
    #[instrument(skip_all)]
    pub async fn menu(
        &self,
        filter: MenuFilter,
    ) -> Result<Vec<Item>, RepositoryError> {
        self.repository.menu(filter).await
    }

    /// The item with this id.
    ///
    /// # Errors
    ///
    /// [`ShopError::UnknownItem`].
    #[instrument(skip_all)]
    // ANCHOR: item
    pub async fn item(&self, id: &str) -> Result<Item, RepositoryError> {
        let item = self.repository.item(id).await?;
        Ok(item.ok_or_else(|| ShopError::UnknownItem(id.into()))?)
    }
    // ANCHOR_END: item

    /// Adds an item to the menu, or replaces the item that has the same id.
    #[instrument(skip_all)]
    pub async fn put_item(&self, item: Item) -> Result<Put, RepositoryError> {
        self.repository.put_item(item).await
    }

    /// Removes an item from the menu. Orders keep the name and the price that they
    /// were placed with.
    ///
    /// # Errors
    ///
    /// [`ShopError::UnknownItem`].
    #[instrument(skip_all)]
    // ANCHOR: delete-item
    pub async fn delete_item(&self, id: &str) -> Result<(), RepositoryError> {
        if self.repository.delete_item(id).await? {
            return Ok(());
        }
        Err(ShopError::UnknownItem(id.into()).into())
    }
    // ANCHOR_END: delete-item

    /// Places an order, if enough of the item is left.
    ///
    /// # Errors
    ///
    /// [`ShopError::NotOnMenu`], [`ShopError::NotEnoughLeft`] and
    /// [`ShopError::TotalTooLarge`]. In each case, nothing has changed.
    #[instrument(skip_all)]
    pub async fn place_order(
        &self,
        new: NewOrder,
    ) -> Result<Order, RepositoryError> {
        self.repository.place_order(new, self.clock.clone()).await
    }

    /// The order with this id.
    ///
    /// # Errors
    ///
    /// [`ShopError::UnknownOrder`].
    #[instrument(skip_all)]
    pub async fn order(&self, id: u64) -> Result<Order, RepositoryError> {
        let order = self.repository.order(id).await?;
        Ok(order.ok_or(ShopError::UnknownOrder(id))?)
    }

    /// One page of the orders that pass the filter.
    #[instrument(skip_all)]
    pub async fn orders(
        &self,
        filter: OrderFilter,
    ) -> Result<Page<Order>, RepositoryError> {
        self.repository.orders(filter).await
    }

    /// Changes the note or the table of an order, or cancels it. Canceling puts its
    /// quantity back in stock.
    ///
    /// # Errors
    ///
    /// [`ShopError::UnknownOrder`] and [`ShopError::OrderCanceled`].
    #[instrument(skip_all)]
    pub async fn change_order(
        &self,
        id: u64,
        change: OrderChange,
    ) -> Result<Order, RepositoryError> {
        self.repository.change_order(id, change).await
    }

    /// Whether the data can be read.
    #[instrument(skip_all)]
    pub async fn ready(&self) -> Result<(), RepositoryError> {
        self.repository.ping().await
    }
}

/// A database stores times to the millisecond. Cutting them here makes an order that
/// was read equal to the one that was placed.
fn to_the_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

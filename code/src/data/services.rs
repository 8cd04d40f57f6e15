//! The rules of the shop, for any repository.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tracing::instrument;

use super::repository::{Repository, Sale, StorageError};
use crate::legacy::{Item, NewOrder, Order};
use crate::legacy_structure::services::{
    NOT_ON_MENU, ShopError, check_customer, check_quantity,
};

// ANCHOR: failure
/// Why there is no answer: the shop says no, or its books are out of reach.
#[derive(Debug)]
pub enum Failure {
    /// The customer can do something about it.
    Shop(ShopError),
    /// The customer cannot.
    Storage(StorageError),
}
// ANCHOR_END: failure

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shop(error) => error.fmt(f),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl<E: Into<ShopError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Shop(error.into())
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

// ANCHOR: shop
/// The shop. Clones are the same shop.
#[derive(Clone)]
pub struct Shop {
    repository: Arc<dyn Repository>,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}
// ANCHOR_END: shop

impl Shop {
    /// A shop with a clock, and a repository that keeps its books.
    pub fn new(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        repository: Arc<dyn Repository>,
    ) -> Self {
        Self {
            repository,
            now: Arc::new(now),
        }
    }

    /// What is on the menu and costs at most so much, in cents.
    ///
    /// # Errors
    ///
    /// [`Failure::Storage`].
    #[instrument(skip_all)]
    pub async fn menu(&self, max_price: Option<u32>) -> Result<Vec<Item>, Failure> {
        Ok(self.repository.menu(max_price).await?)
    }

    /// The item with that id.
    ///
    /// # Errors
    ///
    /// [`ShopError::UnknownItem`] and [`Failure::Storage`].
    #[instrument(skip_all)]
    pub async fn item(&self, id: &str) -> Result<Item, Failure> {
        let item = self.repository.item(id).await?;
        Ok(item.ok_or_else(|| ShopError::UnknownItem(id.into()))?)
    }

    /// The order with that id.
    ///
    /// # Errors
    ///
    /// [`ShopError::UnknownOrder`] and [`Failure::Storage`].
    #[instrument(skip_all)]
    pub async fn order(&self, id: u64) -> Result<Order, Failure> {
        let order = self.repository.order(id).await?;
        Ok(order.ok_or(ShopError::UnknownOrder(id))?)
    }

    // ANCHOR: place-order
    /// Takes an order, for a table or to go.
    ///
    /// # Errors
    ///
    /// [`ShopError::Invalid`], [`ShopError::NotEnough`] and [`Failure::Storage`].
    #[instrument(skip_all)]
    pub async fn place_order(
        &self,
        new: NewOrder,
        table: Option<u8>,
    ) -> Result<Order, Failure> {
        check_customer(&new.customer)?;
        check_quantity(new.quantity)?;
        let item = self.repository.item(&new.item).await?.ok_or(NOT_ON_MENU)?;
        self.sell(item, new, table).await
    }
    // ANCHOR_END: place-order

    /// Sells an item under an order that has been checked: only [`Shop::place_order`] may.
    #[instrument(skip_all)]
    async fn sell(
        &self,
        item: Item,
        new: NewOrder,
        table: Option<u8>,
    ) -> Result<Order, Failure> {
        let sale = Sale {
            // Ten at most, for a million cents each at most: no overflow.
            total_cents: item.price_cents * new.quantity,
            placed_at: (self.now)(),
            customer: new.customer,
            item: item.id,
            quantity: new.quantity,
            note: new.note,
            table,
        };
        let order = self.repository.place_order(sale).await?;
        Ok(order.ok_or(ShopError::NotEnough(item.name))?)
    }
}

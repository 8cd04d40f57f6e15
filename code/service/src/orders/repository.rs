//! What the orders need from their storage.

use async_trait::async_trait;
use jiff::Timestamp;

use super::error::OrderError;
use super::idempotency::{Answer, IdempotencyKey};
use super::model::{NewOrder, Order, OrderFilter, OrderId, Page, Status};
use crate::customers::model::{CustomerId, Identity};
use crate::storage::StorageError;

/// Stores the orders. Each method is one transaction.
#[async_trait]
pub trait Repository: Send + Sync {
    /// Takes the items out of the stock and stores the order, with the response to it. If
    /// the customer has sent the same order with the same key before, the response from then
    /// is repeated. If a request with the same key is running, this one waits for it.
    ///
    /// # Errors
    ///
    /// [`OrderError::Stock`], [`OrderError::TotalTooLarge`], [`OrderError::KeyReused`] and
    /// [`OrderError::KeyInUse`]. After an error nothing has changed, and the key can be used
    /// again.
    async fn place(
        &self,
        customer: CustomerId,
        key: IdempotencyKey,
        new: NewOrder,
        now: Timestamp,
    ) -> Result<Answer, OrderError>;

    /// The order with this number.
    async fn order(&self, id: OrderId) -> Result<Option<Order>, StorageError>;

    /// One page of the orders that pass the filter. The newest comes first.
    async fn orders(&self, filter: OrderFilter) -> Result<Page, StorageError>;

    /// Sets the status of an order, if this person may do that now. Canceling an order puts
    /// its items back in stock.
    ///
    /// # Errors
    ///
    /// [`OrderError::UnknownOrder`], [`OrderError::WrongRole`] and [`OrderError::NotNow`].
    async fn set_status(
        &self,
        identity: Identity,
        id: OrderId,
        status: Status,
    ) -> Result<Order, OrderError>;

    /// Removes the idempotency keys that are too old by now, and returns their number.
    async fn clean_up(&self, now: Timestamp) -> Result<u64, StorageError>;
}

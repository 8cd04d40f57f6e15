//! The operations of the orders.

use std::sync::Arc;

use async_trait::async_trait;
use tracing::{instrument, warn};

use super::error::OrderError;
use super::idempotency::{Answer, IdempotencyKey};
use super::model::{NewOrder, Order, OrderFilter, OrderId, Page, Status};
use super::repository::Repository;
use crate::clock::Clock;
use crate::customers::model::{Identity, Role};
use crate::error::Error;
use crate::storage::StorageError;

// ANCHOR: before-cancel
/// Something that another feature has to do before an order is canceled. `orders` must
/// not import that feature, because the imports would be circular: `payments`, for
/// example, already imports `orders`.
#[async_trait]
pub trait BeforeCancel: Send + Sync {
    /// Does what is needed so that an order can be canceled, such as closing its
    /// payment page. `Orders` calls this method before the transaction that cancels the
    /// order, and a second time after that transaction, because the customer may have
    /// opened another payment page since the first call.
    ///
    /// Returns `true` if it has closed a payment page. If `Orders` then finds the order
    /// already canceled, that isn't an error.
    ///
    /// # Errors
    ///
    /// Returns an error if the order must not be canceled now.
    async fn before_cancel(&self, order: OrderId) -> Result<bool, Error>;
}
// ANCHOR_END: before-cancel

/// The orders. Clones are cheap, and all of them share one repository.
#[derive(Clone)]
pub struct Orders {
    repository: Arc<dyn Repository>,
    before_cancel: Arc<dyn BeforeCancel>,
    clock: Clock,
}

impl Orders {
    /// Orders that are stored in this repository.
    pub fn new(
        repository: Arc<dyn Repository>,
        before_cancel: Arc<dyn BeforeCancel>,
        clock: Clock,
    ) -> Self {
        Self {
            repository,
            before_cancel,
            clock,
        }
    }

    /// Places an order, or repeats the response to an order that was placed with this key.
    ///
    /// # Errors
    ///
    /// [`OrderError::Stock`], [`OrderError::TotalTooLarge`], [`OrderError::KeyReused`] and
    /// [`OrderError::KeyInUse`]. In each case, nothing has changed.
    #[instrument(skip_all)]
    pub async fn place(
        &self,
        identity: Identity,
        key: IdempotencyKey,
        new: NewOrder,
    ) -> Result<Answer, OrderError> {
        let now = self.clock.now();
        self.repository
            .place(identity.customer, key, new, now)
            .await
    }

    /// The order with this number, if this person may see it.
    ///
    /// # Errors
    ///
    /// [`OrderError::UnknownOrder`].
    #[instrument(skip_all)]
    pub async fn order(
        &self,
        identity: Identity,
        id: OrderId,
    ) -> Result<Order, OrderError> {
        // ANCHOR: own-order
        let order = self.repository.order(id).await?;
        let order = order.filter(|order| order.is_visible_to(&identity));
        order.ok_or(OrderError::UnknownOrder(id))
        // ANCHOR_END: own-order
    }

    /// One page of the orders that pass the filter: of this customer, or of all customers if
    /// a barista asks.
    ///
    /// # Errors
    ///
    /// [`OrderError::OthersOrders`].
    #[instrument(skip_all)]
    pub async fn orders(
        &self,
        identity: Identity,
        mut filter: OrderFilter,
    ) -> Result<Page, OrderError> {
        // ANCHOR: own-orders
        if identity.role != Role::Barista {
            let own = identity.customer;
            if filter
                .customer
                .replace(own)
                .is_some_and(|other| other != own)
            {
                return Err(OrderError::OthersOrders);
            }
        }
        // ANCHOR_END: own-orders
        Ok(self.repository.orders(filter).await?)
    }

    /// Sets the status of an order. Canceling it puts its items back in stock.
    ///
    /// # Errors
    ///
    /// [`OrderError::UnknownOrder`], [`OrderError::WrongRole`] and [`OrderError::NotNow`]. If
    /// the order is to be canceled, also those of [`BeforeCancel`].
    #[instrument(skip_all)]
    pub async fn set_status(
        &self,
        identity: Identity,
        id: OrderId,
        status: Status,
    ) -> Result<Order, Error> {
        // ANCHOR: set-status
        let mut page_closed = false;
        if status == Status::Canceled {
            let order = self.order(identity, id).await?;
            order.check_step(&identity, status)?;
            page_closed = self.before_cancel.before_cancel(id).await?;
        }
        // The order may have changed in the meantime, so this checks the step again.
        let order = match self.repository.set_status(identity, id, status).await {
            // The event about the closed page came first, and has canceled the order. So the
            // order is as the client wants it.
            Err(OrderError::NotNow {
                from: Status::Canceled,
                ..
            }) if page_closed => self.order(identity, id).await?,
            result => result?,
        };
        // ANCHOR_END: set-status
        if status == Status::Canceled {
            // Another request may have opened a payment page after the first call. The
            // order is canceled by now, so an error here is only for the log.
            if let Err(error) = self.before_cancel.before_cancel(id).await {
                let error: &dyn std::error::Error = &error;
                warn!(error, order = id.get(), "a canceled order may have a page");
            }
        }
        Ok(order)
    }

    /// Removes the idempotency keys that are too old, and returns their number.
    #[instrument(skip_all)]
    pub async fn clean_up(&self) -> Result<u64, StorageError> {
        self.repository.clean_up(self.clock.now()).await
    }
}

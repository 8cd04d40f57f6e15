//! What the payments need of their storage.

use async_trait::async_trait;
use jiff::Timestamp;

use super::error::PaymentError;
use super::model::{Payment, PaymentState};
use super::provider::{OpenSession, Refund};
use super::webhook::Event;
use crate::customers::model::Identity;
use crate::orders::model::{OrderId, Status};
use crate::storage::StorageError;

/// Stores the payments. Each method is one transaction, and none of them waits for Stripe.
#[async_trait]
pub trait Repository: Send + Sync {
    /// The payment with which this person can pay for the order now. If there is none, it is
    /// stored, with this reference: it has to be known before Stripe is asked for a page,
    /// since the response may get lost.
    ///
    /// # Errors
    ///
    /// [`PaymentError::Order`] if there is no such order for this person,
    /// [`PaymentError::NotOwner`], [`PaymentError::NotPlaced`], [`PaymentError::TooLittle`],
    /// [`PaymentError::TooOld`], [`PaymentError::Processing`] and
    /// [`PaymentError::Mismatched`].
    async fn begin(
        &self,
        identity: Identity,
        order: OrderId,
        reference: String,
        now: Timestamp,
    ) -> Result<Payment, PaymentError>;

    /// Stores the page that Stripe has created for a payment, and returns the payment.
    ///
    /// # Errors
    ///
    /// [`PaymentError::NotPlaced`] if the order was canceled or paid in the meantime, and
    /// [`PaymentError::Ended`] if the payment has ended. Then nobody may get the page.
    async fn open(
        &self,
        reference: &str,
        session: OpenSession,
    ) -> Result<Payment, PaymentError>;

    /// Says that nobody can pay with this payment any more.
    async fn expire(&self, reference: &str) -> Result<(), StorageError>;

    /// All payments of an order. The oldest comes first.
    async fn payments(&self, order: OrderId) -> Result<Vec<Payment>, StorageError>;

    /// The money of an order that can go back.
    ///
    /// # Errors
    ///
    /// [`PaymentError::Order`] if there is no such order, and
    /// [`PaymentError::NotRefundable`] if there is no money, or the order was made already.
    async fn refunds(&self, order: OrderId) -> Result<Vec<Refund>, PaymentError>;

    /// Records an event and, in the same transaction, makes the changes that it causes. If
    /// the event was recorded before, nothing changes.
    async fn record(
        &self,
        event: &Event,
        now: Timestamp,
    ) -> Result<Recorded, StorageError>;

    /// Cancels each order that nobody will pay for any more at this time, puts its items back
    /// into the stock, and returns the number of these orders. Each of them is a transaction
    /// of its own, so that no request waits for all of them.
    async fn cancel_abandoned(&self, now: Timestamp) -> Result<u64, StorageError>;

    /// Forgets the events that were recorded before this time, and returns their number.
    async fn forget_events(&self, before: Timestamp) -> Result<u64, StorageError>;
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It isn't about a payment of ours.
    Unknown,
    /// It's about this payment, which is now as it says.
    Known {
        /// The payment, after the event.
        payment: Payment,
        /// The state of the payment before the event. It's the same if the event came before,
        /// or later than another one that says more.
        before: PaymentState,
        /// The status of the order, after the event.
        order: Status,
    },
}

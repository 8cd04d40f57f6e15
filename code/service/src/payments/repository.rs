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

    /// The orders that were placed before this time and aren't paid. The oldest comes first.
    async fn unpaid(
        &self,
        placed_before: Timestamp,
    ) -> Result<Vec<OrderId>, StorageError>;

    /// Cancels an order if nobody will pay for it any more at this time, as far as the events
    /// say, and puts its items back in stock. Returns whether it did.
    async fn cancel_abandoned(
        &self,
        order: OrderId,
        now: Timestamp,
    ) -> Result<bool, StorageError>;

    /// The payments whose money has to go back. The oldest comes first.
    async fn refunds_due(&self) -> Result<Vec<Payment>, StorageError>;

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

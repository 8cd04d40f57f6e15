//! What the payments need of a payment provider. There are two: Stripe, and
//! [`StandIn`](super::stand_in::StandIn), which takes no money.

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;

use crate::menu::model::Cents;
use crate::storage::Source;

/// The currency of all prices, as the provider writes it.
pub const CURRENCY: &str = "eur";

// ANCHOR: provider
/// A payment provider, such as Stripe. Don't call its methods inside a transaction:
/// while a transaction waits for the provider's response, it keeps its locks and its
/// connection.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Creates a page on which a customer can pay. A call with the same
    /// [`reference`](NewSession::reference) returns the same page.
    async fn create_session(
        &self,
        new: &NewSession,
    ) -> Result<OpenSession, ProviderError>;

    /// Closes a page, so that nobody can pay on it anymore.
    async fn expire_session(&self, id: &str) -> Result<Ended, ProviderError>;

    /// Refunds a payment. Another call with the same [`reference`](Refund::reference)
    /// doesn't refund the payment again.
    async fn refund(&self, refund: &Refund) -> Result<(), ProviderError>;
}
// ANCHOR_END: provider

/// A page to create: a Checkout Session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Our name for this payment, which nobody else uses. We find it in the events again.
    pub reference: String,
    /// The number of the order.
    pub order: u64,
    /// What the customer pays, in cents of a euro.
    pub amount: Cents,
    /// Until when the customer can pay.
    pub expires_at: Timestamp,
}

/// A page that was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// The provider's id of the page.
    pub id: String,
    /// The address of the page. Everyone who has it can pay.
    pub url: String,
}

/// What has become of a page that was to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Nobody can pay on it any more, and nobody has.
    Expired,
    /// The customer had finished before. Either they have paid, or Stripe is still waiting
    /// for the bank (as with SEPA Direct Debit), and the payment may fail.
    Complete,
}

/// Money to send back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Our name for the payment, as in [`NewSession`].
    pub reference: String,
    /// The provider's id of the payment.
    pub payment_intent: String,
}

// ANCHOR: error
/// What went wrong with a call to the provider.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// The provider refused, so nothing was done. It would probably refuse the same
    /// request again.
    #[error("the payment provider refused")]
    Refused(#[source] Source),
    /// The provider couldn't be reached, or it was too busy. Nothing was done.
    #[error("the payment provider can't be reached or is busy")]
    Unavailable(#[source] Source),
    /// The provider may or may not have done what we asked for. It's safe to ask again with
    /// the same reference, because then it's done only once.
    #[error("it is unknown whether the payment provider carried out the request")]
    OutcomeUnknown(#[source] Source),
}
// ANCHOR_END: error

//! The operations of the payments.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use tracing::{error, info, instrument, warn};

use super::error::PaymentError;
use super::model::{Payment, PaymentPage, PaymentState, UNPAID_LIFETIME};
use super::provider::{Ended, PaymentProvider, ProviderError};
use super::repository::{Recorded, Repository};
use super::webhook::{Event, EventKind, SignatureError, WebhookSecrets, verify};
use crate::clock::{Clock, Random, earlier};
use crate::customers::model::Identity;
use crate::error::Error;
use crate::orders::model::{OrderId, Status};
use crate::orders::services::BeforeCancel;
use crate::storage::StorageError;

/// How long events are remembered. Stripe sends an event again for three days, and a
/// developer can send it again by hand for 30 days.
const REMEMBER_EVENTS: SignedDuration = SignedDuration::from_hours(31 * 24);

/// The payments. Clones are cheap, and all of them share one repository.
#[derive(Clone)]
pub struct Payments {
    repository: Arc<dyn Repository>,
    gateway: Option<Gateway>,
    clock: Clock,
    random: Random,
}

/// The payment provider, and how we know its events.
#[derive(Clone)]
pub struct Gateway {
    /// The payment provider.
    pub provider: Arc<dyn PaymentProvider>,
    /// The secrets that its events are signed with.
    pub secrets: WebhookSecrets,
}

/// A page on which a customer can pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// It was created just now.
    Created(PaymentPage),
    /// The customer has asked for it before.
    Existing(PaymentPage),
}

impl Payments {
    /// Payments that are stored in this repository. Without a gateway, they are turned off.
    pub fn new(
        repository: Arc<dyn Repository>,
        gateway: Option<Gateway>,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self {
            repository,
            gateway,
            clock,
            random,
        }
    }

    fn gateway(&self) -> Result<&Gateway, PaymentError> {
        self.gateway.as_ref().ok_or(PaymentError::Off)
    }

    /// Gives a customer the page on which they can pay for their order.
    ///
    /// # Errors
    ///
    /// Those of [`Repository::begin`] and [`Repository::open`], and
    /// [`PaymentError::Provider`]. In each case the customer can ask again, and no order is
    /// paid twice.
    #[instrument(skip_all)]
    pub async fn start(
        &self,
        identity: Identity,
        order: OrderId,
    ) -> Result<Started, PaymentError> {
        let provider = &self.gateway()?.provider;
        let now = self.clock.now();
        // ANCHOR: begin
        let begun = self
            .repository
            .begin(identity, order, self.new_reference(), now)
            .await?;
        if let Some(page) = begun.page() {
            return Ok(Started::Existing(page));
        }
        // ANCHOR_END: begin
        // The customer may have paid on an earlier page, although no event has said so yet.
        // A second page could be paid, too.
        let payments = self.repository.payments(order).await?;
        if self.may_be_paid(&payments).await? {
            self.repository.expire(&begun.reference).await?;
            return Err(PaymentError::Processing(order));
        }

        // ANCHOR: create
        // This isn't inside a transaction, so the service holds no lock and no connection to
        // the database while it waits. If the process crashes here, the reference is already
        // stored, so the customer can ask again within 20 seconds and get the same page.
        let session = match provider.create_session(&begun.to_new_session()).await {
            Ok(session) => session,
            Err(error) => {
                if let ProviderError::Refused(_) = error {
                    // Stripe would probably refuse this request again, so mark this
                    // payment as expired. When the customer tries again, there's a new
                    // payment, with a new reference and a new idempotency key.
                    self.repository.expire(&begun.reference).await?;
                }
                return Err(error.into());
            }
        };
        // ANCHOR_END: create
        // ANCHOR: open
        match self
            .repository
            .open(&begun.reference, session.clone())
            .await
        {
            Ok(payment) => {
                let page = payment.page().ok_or(PaymentError::Ended(order))?;
                Ok(Started::Created(page))
            }
            Err(error @ (PaymentError::NotPlaced(..) | PaymentError::Ended(_))) => {
                // The order can't be paid on this page anymore, so close the page at
                // Stripe. If that fails, log it and go on, because the response to this
                // request doesn't contain the page's address.
                if let Err(e) = provider.expire_session(&session.id).await {
                    let e: &dyn std::error::Error = &e;
                    warn!(error = e, session = session.id, "a page stays open");
                }
                Err(error)
            }
            // The database was busy or failed. The page must stay open: when the customer
            // asks again, Stripe finds the same idempotency key and returns the same page.
            Err(error) => Err(error),
        }
        // ANCHOR_END: open
    }

    /// A name for a payment that nobody else uses, not even another service with the same
    /// account at Stripe, or this one with another database.
    fn new_reference(&self) -> String {
        let bytes = &self.random.bytes()[..16];
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Asks Stripe to refund an order. The order is canceled once Stripe reports the refund.
    ///
    /// # Errors
    ///
    /// Those of [`Repository::refunds`], and [`PaymentError::Provider`].
    // ANCHOR: refund
    #[instrument(skip_all)]
    pub async fn refund(&self, order: OrderId) -> Result<(), PaymentError> {
        let provider = &self.gateway()?.provider;
        for refund in self.repository.refunds(order).await? {
            provider.refund(&refund).await?;
        }
        Ok(())
    }
    // ANCHOR_END: refund

    /// Takes what Stripe has sent to the webhook.
    ///
    /// # Errors
    ///
    /// [`PaymentError::Signature`], [`PaymentError::Event`], [`PaymentError::RefundDue`] and
    /// [`PaymentError::NoMoneyId`]. After an error, Stripe sends the event again.
    #[instrument(skip_all)]
    pub async fn receive(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), PaymentError> {
        let secrets = &self.gateway()?.secrets;
        let now = self.clock.now();
        // ANCHOR: receive
        verify(headers, body, secrets, now).inspect_err(log_refusal)?;
        let event = Event::parse(body).map_err(unreadable)?;
        if event.kind == EventKind::Other {
            return Ok(());
        }
        let recorded = self.repository.record(&event, now).await?;
        log(&event, &recorded);
        // ANCHOR_END: receive

        // ANCHOR: refund-due
        // The change has been committed. If the call below fails, Stripe gets a 500 and
        // sends the event again. Then `record` changes nothing, but it returns this
        // payment, so the service requests the refund again.
        if let Recorded::Known { payment, .. } = recorded
            && payment.state == PaymentState::RefundDue
        {
            self.request_refund(&payment).await?;
        }
        Ok(())
        // ANCHOR_END: refund-due
    }

    /// Cancels the orders that nobody has paid for, requests the refunds that Stripe hasn't
    /// accepted yet, and forgets old events. If one of these fails, it's logged, the others are
    /// done, and the next call tries again.
    ///
    /// # Errors
    ///
    /// If the database fails.
    #[instrument(skip_all)]
    pub async fn clean_up(&self) -> Result<(), StorageError> {
        let now = self.clock.now();
        self.repository
            .forget_events(earlier(now, REMEMBER_EVENTS))
            .await?;
        for payment in self.repository.refunds_due().await? {
            if let Err(error) = self.request_refund(&payment).await {
                let error: &dyn std::error::Error = &error;
                let order = payment.order.get();
                error!(error, order, "money still has to go back");
            }
        }
        let placed_before = earlier(now, UNPAID_LIFETIME);
        for order in self.repository.unpaid(placed_before).await? {
            match self.cancel_if_abandoned(order, now).await {
                Ok(true) => {
                    info!(order = order.get(), "nobody has paid for an order")
                }
                Ok(false) => {}
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    warn!(
                        error,
                        order = order.get(),
                        "can't cancel an unpaid order"
                    );
                }
            }
        }
        Ok(())
    }

    /// Cancels an order that nobody will pay for any more, and returns whether it did.
    async fn cancel_if_abandoned(
        &self,
        order: OrderId,
        now: Timestamp,
    ) -> Result<bool, PaymentError> {
        let payments = self.repository.payments(order).await?;
        if !payments.iter().all(|payment| payment.is_over(now)) {
            return Ok(false);
        }
        if self.may_be_paid(&payments).await? {
            // A developer has to look: the webhook may be turned off at Stripe, or have
            // another secret.
            error!(
                order = order.get(),
                "the customer has finished on the payment page, but no event has come"
            );
            return Ok(false);
        }
        Ok(self.repository.cancel_abandoned(order, now).await?)
    }

    // ANCHOR: may-be-paid
    /// Asks Stripe whether the customer has completed the payment form on a page about
    /// which no event has arrived. If not, this closes the page. An event may be late, or
    /// it may get lost. So without this question, "no event" wouldn't mean "not paid".
    async fn may_be_paid(
        &self,
        payments: &[Payment],
    ) -> Result<bool, PaymentError> {
        for page in payments.iter().filter_map(Payment::unsettled_page) {
            let provider = &self.gateway()?.provider;
            if provider.expire_session(&page.id).await? == Ended::Complete {
                return Ok(true);
            }
        }
        Ok(false)
    }
    // ANCHOR_END: may-be-paid

    // ANCHOR: request-refund
    async fn request_refund(&self, payment: &Payment) -> Result<(), PaymentError> {
        let provider = &self.gateway()?.provider;
        let refund = payment.to_refund().ok_or(PaymentError::NoMoneyId)?;
        let refunded = provider.refund(&refund).await;
        refunded.map_err(PaymentError::RefundDue)
    }
    // ANCHOR_END: request-refund
}

/// Somebody has to know: perhaps `STRIPE_WEBHOOK_SECRET` or the clock is wrong, and then no
/// event gets in. Or somebody tries to forge events.
fn log_refusal(reason: &SignatureError) {
    let reason: &dyn std::error::Error = reason;
    warn!(reason, "a request to the webhook was refused");
}

/// The signature was right, so this is an event of Stripe's. If it can't be read, a developer
/// has to know: the orders stay as they are until this program can read it.
fn unreadable(error: serde_json::Error) -> PaymentError {
    let cause: &dyn std::error::Error = &error;
    error!(error = cause, "an event of Stripe's can't be read");
    PaymentError::Event(error)
}

/// Logs what became of an event, if somebody should know.
fn log(event: &Event, recorded: &Recorded) {
    let id = &event.id;
    match recorded {
        Recorded::Unknown => {
            warn!(event = id, "an event about a payment that isn't ours")
        }
        Recorded::Known {
            payment, before, ..
        } if payment.state == *before => {}
        Recorded::Known { payment, order, .. } => {
            let number = payment.order.get();
            let state = payment.state.as_str();
            match payment.state {
                PaymentState::Mismatched => error!(
                    event = id,
                    order = number,
                    "the paid amount or currency differs from the order's"
                ),
                PaymentState::RefundDue => warn!(
                    event = id,
                    order = number,
                    "money came for an order that isn't waiting for it"
                ),
                PaymentState::Refunded
                    if matches!(order, Status::Made | Status::Collected) =>
                {
                    warn!(
                        event = id,
                        order = number,
                        "the money of an order went back that was made already"
                    )
                }
                _ => info!(
                    event = id,
                    order = number,
                    state,
                    "a payment has changed"
                ),
            }
        }
    }
}

// ANCHOR: before-cancel
#[async_trait]
impl BeforeCancel for Payments {
    /// Closes the page on which the customer can pay, so that they don't pay for an order
    /// that they have canceled.
    #[instrument(skip_all)]
    async fn before_cancel(&self, order: OrderId) -> Result<bool, Error> {
        let mut page_closed = false;
        for payment in self.repository.payments(order).await? {
            self.close(&payment).await?;
            page_closed |= payment.state == PaymentState::Open;
        }
        Ok(page_closed)
    }
}
// ANCHOR_END: before-cancel

impl Payments {
    // ANCHOR: close
    async fn close(&self, payment: &Payment) -> Result<(), PaymentError> {
        match (payment.state, &payment.session) {
            (PaymentState::Processing, _) => {
                Err(PaymentError::Processing(payment.order))
            }
            (PaymentState::Mismatched, _) => {
                Err(PaymentError::Mismatched(payment.order))
            }
            (PaymentState::Open, Some(session)) => {
                let provider = &self.gateway()?.provider;
                match provider.expire_session(&session.id).await? {
                    Ended::Expired => {
                        Ok(self.repository.expire(&payment.reference).await?)
                    }
                    // Stripe's event will say whether the customer has paid.
                    Ended::Complete => Err(PaymentError::Processing(payment.order)),
                }
            }
            // Otherwise, there's no page to close. But a payment that is `Creating`
            // may get a page soon. `Orders::set_status` closes it with a second
            // call to `before_cancel`. If the order is canceled before the page is
            // stored, the request that asked for the page closes it.
            _ => Ok(()),
        }
    }
    // ANCHOR_END: close
}

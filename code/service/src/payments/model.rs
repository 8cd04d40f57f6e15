//! Payments, and the rules for what Stripe reports about them. Nothing here knows of HTTP or
//! SQL.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::error::PaymentError;
use super::provider::{CURRENCY, NewSession, OpenSession, Refund};
use super::webhook::{EventKind, PaymentStatus};
use crate::clock::{earlier, later};
use crate::customers::model::Identity;
use crate::menu::model::Cents;
use crate::orders::error::OrderError;
use crate::orders::model::{Order, OrderId, Status};

/// How long a customer has for paying. Stripe wants at least 30 minutes, counted from when
/// it creates the page. One more leaves room for clocks that differ, and for [`REPEAT_FOR`].
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(31);

/// How long the creation of a page is repeated with the same reference if its outcome is
/// unknown. After that, a page is created with another reference. The first one may exist,
/// but nobody has its address, so nobody can pay on it.
pub const REPEAT_FOR: SignedDuration = SignedDuration::from_secs(20);

/// How long an order waits for somebody to pay. Then it is canceled, so that its items can be
/// sold to others. The last page that the customer gets expires before that.
pub const UNPAID_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The smallest amount that Stripe takes in euros.
pub const MINIMUM: Cents = Cents::new(50);

/// One attempt to pay for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Our name for it: random, so that it is unique even if several databases are used with
    /// one account at Stripe. Stripe knows it from the idempotency keys and the metadata.
    pub reference: String,
    /// The order.
    pub order: OrderId,
    /// The amount, in cents of a euro.
    pub amount: Cents,
    /// How far it has come.
    pub state: PaymentState,
    /// Stripe's page, once we know of it.
    pub session: Option<OpenSession>,
    /// Stripe's id of the money, once there is some.
    pub payment_intent: Option<String>,
    /// When it began, to the millisecond.
    pub created_at: Timestamp,
    /// Until when the customer can pay, to the millisecond.
    pub expires_at: Timestamp,
}

/// How far a payment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentState {
    /// We have asked Stripe for a page, and don't have the response.
    Creating,
    /// The customer can pay.
    Open,
    /// The customer has done their part, and the money is on its way.
    Processing,
    /// The customer can't pay any more, or their payment has failed.
    Expired,
    /// The money is there, and it pays for the order.
    Paid,
    /// Money is there, but not what the order costs. Somebody has to look into it.
    Mismatched,
    /// The money came too late, or twice. It has to go back.
    RefundDue,
    /// The money went back.
    Refunded,
}

impl PaymentState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Creating,
        Self::Open,
        Self::Processing,
        Self::Expired,
        Self::Paid,
        Self::Mismatched,
        Self::RefundDue,
        Self::Refunded,
    ];

    /// The state as databases write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Open => "open",
            Self::Processing => "processing",
            Self::Expired => "expired",
            Self::Paid => "paid",
            Self::Mismatched => "mismatched",
            Self::RefundDue => "refund_due",
            Self::Refunded => "refunded",
        }
    }

    /// Whether money may still come, as far as we know. An order has at most one payment of
    /// which this is true.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Creating | Self::Open | Self::Processing)
    }

    /// Whether this payment keeps its order from being canceled when another payment of the
    /// order ends. Money may still come, or another amount was paid and somebody has to look
    /// into it.
    pub const fn blocks(self) -> bool {
        self.is_live() || matches!(self, Self::Mismatched)
    }

    /// Whether Stripe hasn't reported any money yet. It may do so even if the payment has
    /// expired for us: the customer may have paid in the last second.
    pub const fn is_without_money(self) -> bool {
        self.is_live() || matches!(self, Self::Expired)
    }
}

impl Payment {
    /// A new payment for this order.
    pub fn new(reference: String, order: &Order, now: Timestamp) -> Self {
        Self {
            reference,
            order: order.id,
            amount: order.total_cents,
            state: PaymentState::Creating,
            session: None,
            payment_intent: None,
            created_at: now,
            expires_at: later(now, LIFETIME),
        }
    }

    /// What to ask Stripe for. It is the same each time, as it has to be: with the same
    /// idempotency key, Stripe refuses other parameters.
    pub fn to_new_session(&self) -> NewSession {
        NewSession {
            reference: self.reference.clone(),
            order: self.order.get(),
            amount: self.amount,
            expires_at: self.expires_at,
        }
    }

    /// Where the customer can pay, if they can.
    pub fn page(&self) -> Option<PaymentPage> {
        let url = self.session.as_ref()?.url.clone();
        (self.state == PaymentState::Open).then_some(PaymentPage {
            url,
            expires_at: self.expires_at,
        })
    }

    /// The refund of this money, if there is some that can be named.
    pub fn to_refund(&self) -> Option<Refund> {
        Some(Refund {
            reference: self.reference.clone(),
            payment_intent: self.payment_intent.clone()?,
        })
    }

    /// The page of this payment, if no event has said yet whether the customer has paid on it.
    /// Stripe knows: an event may be late, or it may get lost.
    pub fn unsettled_page(&self) -> Option<&OpenSession> {
        match self.state {
            PaymentState::Open | PaymentState::Expired
                if self.payment_intent.is_none() =>
            {
                self.session.as_ref()
            }
            _ => None,
        }
    }

    /// Whether, as far as we know, no money will come with this payment any more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        match self.state {
            PaymentState::Creating | PaymentState::Open => self.expires_at < now,
            PaymentState::Processing | PaymentState::Mismatched => false,
            _ => true,
        }
    }

    /// Whether the customer can still get, or repeat, this payment when they ask to pay.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        match self.state {
            PaymentState::Creating => now < later(self.created_at, REPEAT_FOR),
            PaymentState::Open => now < self.expires_at,
            _ => false,
        }
    }
}

/// Finds the payment with which somebody can pay for an order now, or begins one.
///
/// # Errors
///
/// Those of [`Repository::begin`](super::repository::Repository::begin).
pub fn begin(
    identity: &Identity,
    order: &Order,
    payments: &[Payment],
    reference: String,
    now: Timestamp,
) -> Result<Begun, PaymentError> {
    if !order.is_visible_to(identity) {
        return Err(OrderError::UnknownOrder(order.id).into());
    }
    if order.customer != identity.customer {
        return Err(PaymentError::NotOwner);
    }
    if order.status != Status::Placed {
        return Err(PaymentError::NotPlaced(order.id, order.status));
    }
    if order.total_cents < MINIMUM {
        return Err(PaymentError::TooLittle(order.id));
    }
    for payment in payments {
        match payment.state {
            // A second page could be paid, too, and the money would have to go back.
            PaymentState::Processing => {
                return Err(PaymentError::Processing(order.id));
            }
            PaymentState::Mismatched => {
                return Err(PaymentError::Mismatched(order.id));
            }
            _ if payment.is_usable(now) => {
                return Ok(Begun::Existing(payment.clone()));
            }
            _ => {}
        }
    }
    // Otherwise, a customer who asks for one page after the other would keep the items for
    // ever.
    let payment = Payment::new(reference, order, now);
    if payment.expires_at >= later(order.placed_at, UNPAID_LIFETIME) {
        return Err(PaymentError::TooOld(order.id));
    }
    Ok(Begun::New(payment))
}

/// A payment for an order that waits for its money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It was begun before.
    Existing(Payment),
    /// It has to be stored. Payments of the order that are still [live](PaymentState::is_live)
    /// are too old, and expire.
    New(Payment),
}

/// Checks that the page of a payment, which Stripe has just created, may be used.
///
/// # Errors
///
/// Those of [`Repository::open`](super::repository::Repository::open).
pub fn check_open(order: &Order, payment: &Payment) -> Result<(), PaymentError> {
    if order.status != Status::Placed {
        return Err(PaymentError::NotPlaced(order.id, order.status));
    }
    match payment.state {
        // Two requests at once may both have asked Stripe, which gave them the same page.
        PaymentState::Creating | PaymentState::Open => Ok(()),
        _ => Err(PaymentError::Ended(order.id)),
    }
}

/// Whether nobody will pay for an order any more: it is older than [`UNPAID_LIFETIME`], and no
/// money is on its way. Stripe's event about an expired page cancels most of these orders
/// earlier. But some customers never ask for a page, and some events never arrive.
pub fn is_abandoned(order: &Order, payments: &[Payment], now: Timestamp) -> bool {
    order.status == Status::Placed
        && order.placed_at < earlier(now, UNPAID_LIFETIME)
        && payments.iter().all(|payment| payment.is_over(now))
}

/// Finds the money of an order that can go back.
///
/// # Errors
///
/// [`PaymentError::NotRefundable`].
pub fn refunds(
    order: &Order,
    payments: &[Payment],
) -> Result<Vec<Refund>, PaymentError> {
    let refundable = |payment: &&Payment| match payment.state {
        PaymentState::Paid => order.status == Status::Paid,
        PaymentState::RefundDue => true,
        _ => false,
    };
    let refunds = payments.iter().filter(refundable);
    let refunds: Vec<_> = refunds.filter_map(Payment::to_refund).collect();
    if refunds.is_empty() {
        return Err(PaymentError::NotRefundable(order.id, order.status));
    }
    Ok(refunds)
}

/// The body of the response to `POST /orders/{id}/payment`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct PaymentPage {
    /// The address of Stripe's page. A client sends the customer's browser there.
    #[cfg_attr(feature = "server", schema(format = "uri"))]
    pub url: String,
    /// Until when the customer can pay, to the millisecond.
    #[cfg_attr(feature = "server", schema(value_type = String, format = DateTime))]
    pub expires_at: Timestamp,
}

/// What an event says about a payment of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// The customer has done their part, and the money comes later.
    Processing,
    /// The money is there: as much as the order costs.
    Paid,
    /// Money is there, but another amount or another currency.
    Mismatched,
    /// No money will come: the customer didn't pay in time, or their bank refused.
    Ended,
    /// All of the money went back.
    Refunded,
}

impl Report {
    /// What an event says about this payment, if that concerns us.
    pub fn new(kind: &EventKind, payment: &Payment) -> Option<Self> {
        match kind {
            // ANCHOR: report
            EventKind::Completed(session)
            | EventKind::AsyncPaymentSucceeded(session) => {
                let amount = i64::from(payment.amount.get());
                Some(match session.payment_status {
                    PaymentStatus::Unpaid | PaymentStatus::Unknown => {
                        Self::Processing
                    }
                    PaymentStatus::Paid
                        if session.amount_total == Some(amount)
                            && session.currency.as_deref() == Some(CURRENCY) =>
                    {
                        Self::Paid
                    }
                    _ => Self::Mismatched,
                })
            }
            // ANCHOR_END: report
            EventKind::AsyncPaymentFailed(_) | EventKind::Expired(_) => {
                Some(Self::Ended)
            }
            EventKind::Refunded(charge) if charge.refunded => Some(Self::Refunded),
            EventKind::Refunded(_) | EventKind::Other => None,
        }
    }
}

/// What a [`Report`] changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The new state of the payment. It may be the old one.
    pub payment: PaymentState,
    /// The new status of the order, if it changes: paid or canceled. If it's canceled, its
    /// items go back in stock.
    pub order: Option<Status>,
}

/// Decides what a report changes.
///
/// Stripe sends an event several times if it doesn't get our response, it sends events late,
/// and not in the sequence in which things have happened. So what an event changes depends
/// only on how far the payment and the order have come:
///
/// | the payment is | `Processing` | `Paid` | `Mismatched` | `Ended` | `Refunded` |
/// | --- | --- | --- | --- | --- | --- |
/// | creating, open | → processing | → paid (1) | → mismatched | → expired (2) | → refunded (3) |
/// | processing | | → paid (1) | → mismatched | → expired (2) | → refunded (3) |
/// | expired | | → paid (1) | → mismatched | (2) | → refunded (3) |
/// | paid | | | | | → refunded (3) |
/// | mismatched | | | | | → refunded (3) |
/// | refund due | | (4) | | | → refunded (3) |
/// | refunded | | | | | |
///
/// 1. If the order is placed, it's now paid. If it isn't, because it was canceled, or because
///    another payment was faster, then the money has to go back: → refund due.
/// 2. If the order is placed, it's canceled, unless another payment may still come, or is
///    mismatched.
/// 3. If the order is placed or paid, and no other payment has paid for it, it's canceled. An
///    order that was made stays as it is.
/// 4. As after every event about a payment whose refund is due, the service asks Stripe for
///    the refund again. Stripe ignores that if it has the first request.
pub fn decide(
    report: Report,
    payment: &Payment,
    all: &[Payment],
    order: Status,
) -> Decision {
    use PaymentState as State;

    let any_other = |wanted: fn(State) -> bool| {
        let mut others = all.iter().filter(|p| p.reference != payment.reference);
        others.any(|other| wanted(other.state))
    };
    // ANCHOR: decide
    let (state, status) = match (report, payment.state) {
        (Report::Processing, State::Creating | State::Open) => {
            (State::Processing, None)
        }
        (Report::Paid, old) if old.is_without_money() => match order {
            Status::Placed => (State::Paid, Some(Status::Paid)),
            _ => (State::RefundDue, None),
        },
        (Report::Mismatched, old) if old.is_without_money() => {
            (State::Mismatched, None)
        }
        (Report::Ended, old) if old.is_without_money() => {
            let cancel = order == Status::Placed && !any_other(State::blocks);
            (State::Expired, cancel.then_some(Status::Canceled))
        }
        (Report::Refunded, old) if old != State::Refunded => {
            let cancel = matches!(order, Status::Placed | Status::Paid)
                && !any_other(|state| state == State::Paid);
            (State::Refunded, cancel.then_some(Status::Canceled))
        }
        (_, old) => (old, None),
    };
    // ANCHOR_END: decide
    Decision {
        payment: state,
        order: status,
    }
}

/// Decides what an event changes: see [`decide`]. `payment` is the one that the event is about,
/// and `all` are those of its order.
pub fn apply(
    kind: &EventKind,
    payment: &Payment,
    all: &[Payment],
    order: Status,
) -> (Payment, Option<Status>) {
    let mut changed = payment.clone();
    if changed.payment_intent.is_none() {
        let subject = Subject::of(kind);
        changed.payment_intent =
            subject.and_then(|s| s.payment_intent).map(Into::into);
    }
    let Some(report) = Report::new(kind, payment) else {
        return (changed, None);
    };
    let decision = decide(report, payment, all, order);
    changed.state = decision.payment;
    (changed, decision.order)
}

/// The name under which we tell Stripe our reference.
pub const METADATA: &str = "payment";

/// How an event names its payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Our reference, if we have created the session.
    pub reference: Option<&'a str>,
    /// Stripe's id of the money.
    pub payment_intent: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// What this event is about, if that concerns us.
    pub fn of(kind: &'a EventKind) -> Option<Self> {
        let reference = |metadata: &'a Option<HashMap<String, String>>| {
            let reference = metadata.as_ref()?.get(METADATA).map(String::as_str);
            // Others may use the account, too. PostgreSQL takes no text with NUL.
            reference.filter(|text| !text.contains('\0'))
        };
        match kind {
            EventKind::Completed(session)
            | EventKind::AsyncPaymentSucceeded(session)
            | EventKind::AsyncPaymentFailed(session)
            | EventKind::Expired(session) => Some(Self {
                reference: reference(&session.metadata),
                payment_intent: session.payment_intent.as_deref(),
            }),
            EventKind::Refunded(charge) => Some(Self {
                reference: reference(&charge.metadata),
                payment_intent: charge.payment_intent.as_deref(),
            }),
            EventKind::Other => None,
        }
    }

    /// Whether this is the payment that the event is about.
    pub fn is(&self, payment: &Payment) -> bool {
        self.reference == Some(&payment.reference)
            || (self.payment_intent.is_some()
                && self.payment_intent == payment.payment_intent.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The money is there, so the items must not be sold again before somebody has looked into it.
    #[test]
    fn the_end_of_an_older_page_does_not_cancel_an_order_with_a_mismatched_payment()
    {
        let payment = |reference: &str, state| Payment {
            reference: reference.to_owned(),
            order: OrderId::new(1),
            amount: Cents::new(650),
            state,
            session: None,
            payment_intent: None,
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH,
        };
        let older = payment("older", PaymentState::Expired);
        for (newer, order) in [
            (PaymentState::Expired, Some(Status::Canceled)),
            (PaymentState::Open, None),
            (PaymentState::Mismatched, None),
        ] {
            let all = [older.clone(), payment("newer", newer)];
            let decision = decide(Report::Ended, &older, &all, Status::Placed);
            assert_eq!(decision.order, order, "{newer:?}");
        }
    }
}

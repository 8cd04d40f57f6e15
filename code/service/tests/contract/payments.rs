//! The contract of the payments. The tests in `payments.rs` beside this folder send the same
//! events to the webhook.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use service::clock::earlier;
use service::customers::model::{CustomerId, Identity, Role, SessionId};
use service::orders::error::OrderError;
use service::orders::idempotency::IdempotencyKey;
use service::orders::model::{
    LineRequest, NewOrder, OrderId, OrderRequest, Status,
};
use service::payments::error::PaymentError;
use service::payments::model::{
    LIFETIME, METADATA, Payment, PaymentState, REPEAT_FOR, UNPAID_LIFETIME,
};
use service::payments::provider::{OpenSession, Refund};
use service::payments::repository::{Recorded, Repository};
use service::payments::webhook::{Event, EventKind};
use service::storage::StorageError;
use tokio::task::JoinSet;

use crate::broken_rules;
use crate::support::{NOW, Repositories};

contract! {
    a_payment_comes_back_exactly_as_it_was_begun_and_opened,
    a_payment_is_begun_again_only_after_its_time,
    who_begins_at_the_same_time_gets_the_same_payment,
    only_the_customer_of_a_placed_order_can_begin,
    a_page_is_not_opened_for_an_order_that_has_changed,
    no_page_stays_open_longer_than_its_order_waits,
    an_event_pays_for_an_order_once_however_often_it_comes,
    an_event_without_money_puts_the_stock_back_once,
    another_amount_pays_for_nothing,
    only_money_that_is_there_can_go_back,
    an_order_that_nobody_pays_for_is_canceled,
    events_are_forgotten_when_they_are_old,
}

async fn a_payment_comes_back_exactly_as_it_was_begun_and_opened(
    all: Repositories,
) {
    let order = place(&all, "1").await;
    let other = place(&all, "2").await;
    let begun = begin(&all, order, "ref", NOW).await.unwrap();
    let mut expected = Payment {
        reference: "ref".into(),
        order,
        amount: all.orders.order(order).await.unwrap().unwrap().total_cents,
        state: PaymentState::Creating,
        session: None,
        payment_intent: None,
        created_at: NOW,
        expires_at: NOW + LIFETIME,
    };
    assert_eq!(begun, expected);
    assert_eq!(payments(&all, order).await, [expected.clone()]);

    let opened = all.payments.open("ref", page("ref")).await.unwrap();
    expected.state = PaymentState::Open;
    expected.session = Some(page("ref"));
    assert_eq!(opened, expected);
    assert_eq!(payments(&all, order).await, [expected.clone()]);

    record(&all, "evt_1", "completed", &opened, "paid").await;
    expected.state = PaymentState::Paid;
    expected.payment_intent = Some("pi_ref".into());
    assert_eq!(payments(&all, order).await, [expected]);
    assert_eq!(payments(&all, other).await, []);
    assert_eq!(payments(&all, OrderId::new(u64::MAX)).await, []);
}

async fn a_payment_is_begun_again_only_after_its_time(all: Repositories) {
    let order = place(&all, "1").await;
    let millisecond = SignedDuration::from_millis(1);
    // The response of the payment provider doesn't come.
    let later = NOW + REPEAT_FOR;
    for (now, reference, found) in [
        (NOW, "a", "a"),
        (later - millisecond, "b", "a"),
        (later, "c", "c"),
    ] {
        let begun = begin(&all, order, reference, now).await.unwrap();
        assert_eq!(begun.reference, found);
    }
    // It comes.
    all.payments.open("c", page("c")).await.unwrap();
    let late = later + LIFETIME;
    for (now, reference, found) in
        [(late - millisecond, "d", "c"), (late, "e", "e")]
    {
        let begun = begin(&all, order, reference, now).await.unwrap();
        assert_eq!(begun.reference, found);
    }
    // The provider refuses to create the page.
    all.payments.expire("e").await.unwrap();
    let begun = begin(&all, order, "f", late).await.unwrap();
    assert_eq!(begun.reference, "f");
    let states = payments(&all, order).await;
    let states = states.iter().map(|payment| payment.state);
    let [expired, creating] = [PaymentState::Expired, PaymentState::Creating];
    let expected = [expired, expired, expired, creating];
    assert_eq!(states.collect::<Vec<_>>(), expected);
}

async fn who_begins_at_the_same_time_gets_the_same_payment(all: Repositories) {
    let order = place(&all, "1").await;
    let mut clients = JoinSet::new();
    for n in 0..20 {
        let all = all.clone();
        clients.spawn(async move {
            begin(&all, order, &n.to_string(), NOW).await.unwrap()
        });
    }
    let begun = clients.join_all().await;
    assert!(begun.iter().all(|payment| *payment == begun[0]));
    assert_eq!(payments(&all, order).await, begun[..1]);
}

async fn only_the_customer_of_a_placed_order_can_begin(all: Repositories) {
    let order = place(&all, "1").await;
    let begin =
        |identity, order| all.payments.begin(identity, order, "a".into(), NOW);
    for (identity, id) in [
        (customer(BO), order),
        (customer(ADA), OrderId::new(u64::MAX)),
    ] {
        let begun = begin(identity, id).await;
        assert!(
            matches!(
                begun,
                Err(PaymentError::Order(OrderError::UnknownOrder(unknown)))
                    if unknown == id
            ),
            "{begun:?}"
        );
    }
    let begun = begin(barista(), order).await;
    assert!(matches!(begun, Err(PaymentError::NotOwner)), "{begun:?}");
    cancel(&all, order).await;
    let begun = begin(customer(ADA), order).await;
    assert!(
        matches!(begun, Err(PaymentError::NotPlaced(_, Status::Canceled))),
        "{begun:?}"
    );
    assert_eq!(payments(&all, order).await, []);
}

async fn a_page_is_not_opened_for_an_order_that_has_changed(all: Repositories) {
    let order = place(&all, "1").await;
    begin(&all, order, "a", NOW).await.unwrap();
    all.payments.expire("a").await.unwrap();
    let opened = all.payments.open("a", page("a")).await;
    assert!(matches!(opened, Err(PaymentError::Ended(_))), "{opened:?}");
    begin(&all, order, "b", NOW).await.unwrap();
    cancel(&all, order).await;
    let opened = all.payments.open("b", page("b")).await;
    assert!(
        matches!(opened, Err(PaymentError::NotPlaced(_, Status::Canceled))),
        "{opened:?}"
    );
    let payments = payments(&all, order).await;
    assert!(payments.iter().all(|payment| payment.session.is_none()));
}

async fn no_page_stays_open_longer_than_its_order_waits(all: Repositories) {
    let order = place(&all, "1").await;
    let end = NOW + UNPAID_LIFETIME;
    let millisecond = SignedDuration::from_millis(1);
    for (now, begins) in [
        (end - LIFETIME - millisecond, true),
        (end - millisecond - millisecond, true),
        // The page has expired, and there is no time for another one.
        (end - millisecond, false),
        (end + LIFETIME, false),
    ] {
        match begin(&all, order, "last", now).await {
            Ok(payment) => assert!(begins && payment.expires_at < end),
            Err(error) => {
                assert!(!begins && matches!(error, PaymentError::TooOld(_)))
            }
        }
        if begins {
            all.payments.open("last", page("last")).await.unwrap();
        }
    }
    let too_late = place(&all, "2").await;
    let begun = begin(&all, too_late, "a", end - LIFETIME).await;
    assert!(matches!(begun, Err(PaymentError::TooOld(_))), "{begun:?}");
}

async fn an_event_pays_for_an_order_once_however_often_it_comes(all: Repositories) {
    let (order, payment) = open(&all, "1").await;
    let mut clients = JoinSet::new();
    for n in 0..20 {
        let (all, payment) = (all.clone(), payment.clone());
        clients.spawn(async move {
            // Stripe sends two events, and each of them ten times.
            let id = format!("evt_{}", n % 2);
            record(&all, &id, "completed", &payment, "paid").await
        });
    }
    let mut changes = 0;
    for recorded in clients.join_all().await {
        let Recorded::Known {
            payment,
            before,
            order,
        } = recorded
        else {
            panic!("{recorded:?}");
        };
        assert_eq!(payment.state, PaymentState::Paid);
        assert_eq!(order, Status::Paid);
        changes += usize::from(before != PaymentState::Paid);
    }
    assert_eq!(changes, 1);
    assert_eq!(status(&all, order).await, Status::Paid);
    // It's too late for these.
    for (id, kind) in [("evt_3", "expired"), ("evt_4", "async_payment_failed")] {
        record(&all, id, kind, &payment, "unpaid").await;
    }
    assert_eq!(status(&all, order).await, Status::Paid);
    assert_eq!(stock(&all).await, 19);
}

async fn an_event_without_money_puts_the_stock_back_once(all: Repositories) {
    let (order, payment) = open(&all, "1").await;
    let kept = place(&all, "2").await;
    let mut clients = JoinSet::new();
    for n in 0..20 {
        let (all, payment) = (all.clone(), payment.clone());
        clients.spawn(async move {
            let id = format!("evt_{}", n % 2);
            record(&all, &id, "expired", &payment, "unpaid").await
        });
    }
    clients.join_all().await;
    assert_eq!(status(&all, order).await, Status::Canceled);
    assert_eq!(status(&all, kept).await, Status::Placed);
    assert_eq!(stock(&all).await, 19);
    // Money that comes too late has to go back.
    record(&all, "evt_3", "completed", &payment, "paid").await;
    assert_eq!(
        payments(&all, order).await[0].state,
        PaymentState::RefundDue
    );
    assert_eq!(status(&all, order).await, Status::Canceled);
}

async fn another_amount_pays_for_nothing(all: Repositories) {
    let (order, payment) = open(&all, "1").await;
    let event = event("evt_1", "completed", &payment, "paid", 219);
    all.payments.record(&event, NOW).await.unwrap();
    assert_eq!(
        payments(&all, order).await[0].state,
        PaymentState::Mismatched
    );
    assert_eq!(status(&all, order).await, Status::Placed);
}

async fn only_money_that_is_there_can_go_back(all: Repositories) {
    let (order, payment) = open(&all, "1").await;
    let refunds = async || all.payments.refunds(order).await;
    let refused = refunds().await;
    assert!(
        matches!(
            refused,
            Err(PaymentError::NotRefundable(id, Status::Placed)) if id == order
        ),
        "{refused:?}"
    );
    record(&all, "evt_1", "completed", &payment, "paid").await;
    let refund = Refund {
        reference: payment.reference.clone(),
        payment_intent: "pi_1".into(),
    };
    assert_eq!(refunds().await.unwrap(), [refund]);

    let charge = json!({
        "payment_intent": "pi_1",
        "refunded": true,
    });
    let body = json!({
        "id": "evt_2", "type": "charge.refunded", "data": { "object": charge },
    });
    let event = Event::parse(body.to_string().as_bytes()).unwrap();
    all.payments.record(&event, NOW).await.unwrap();
    assert_eq!(status(&all, order).await, Status::Canceled);
    assert_eq!(stock(&all).await, 20);
    assert!(refunds().await.is_err());
    let unknown = all.payments.refunds(OrderId::new(u64::MAX)).await;
    assert!(
        matches!(unknown, Err(PaymentError::Order(_))),
        "{unknown:?}"
    );
}

async fn an_order_that_nobody_pays_for_is_canceled(all: Repositories) {
    let never_asked = place(&all, "never-asked").await;
    let lost = open(&all, "event-lost").await.0;
    let end = NOW + UNPAID_LIFETIME;
    let millisecond = SignedDuration::from_millis(1);
    let asked_late = place(&all, "asked-late").await;
    let late = end - LIFETIME - millisecond;
    begin(&all, asked_late, "late", late).await.unwrap();
    all.payments.open("late", page("late")).await.unwrap();
    let (paid, payment) = open(&all, "paid").await;
    record(&all, "evt_1", "completed", &payment, "paid").await;
    let (processing, payment) = open(&all, "processing").await;
    record(&all, "evt_2", "completed", &payment, "unpaid").await;
    let (mismatched, payment) = open(&all, "mismatched").await;
    let wrong = event("evt_3", "completed", &payment, "paid", 219);
    all.payments.record(&wrong, NOW).await.unwrap();
    let canceled = place(&all, "canceled").await;
    cancel(&all, canceled).await;
    assert_eq!(stock(&all).await, 14);

    for (now, number) in [
        (NOW, 0),
        (NOW + LIFETIME + millisecond, 0),
        (end, 0),
        (end + millisecond, 3),
        (Timestamp::MAX, 0),
    ] {
        let mut canceled = 0;
        let unpaid = all.payments.unpaid(earlier(now, UNPAID_LIFETIME)).await;
        for order in unpaid.unwrap() {
            let order = all.payments.cancel_abandoned(order, now).await;
            canceled += u64::from(order.unwrap());
        }
        assert_eq!(canceled, number, "{now}");
    }
    assert_eq!(stock(&all).await, 17);
    for (order, end) in [
        (never_asked, Status::Canceled),
        (lost, Status::Canceled),
        (asked_late, Status::Canceled),
        (paid, Status::Paid),
        (processing, Status::Placed),
        (mismatched, Status::Placed),
    ] {
        assert_eq!(status(&all, order).await, end, "{order}");
    }
}

async fn events_are_forgotten_when_they_are_old(all: Repositories) {
    let stranger = Payment {
        reference: "of another service".into(),
        ..open(&all, "1").await.1
    };
    let millisecond = SignedDuration::from_millis(1);
    for (id, now) in [("evt_1", NOW), ("evt_1", NOW), ("evt_2", NOW + millisecond)]
    {
        let event = event(id, "expired", &stranger, "unpaid", 220);
        let recorded = all.payments.record(&event, now).await.unwrap();
        assert_eq!(recorded, Recorded::Unknown);
    }
    for (before, number) in [(NOW, 0), (NOW + millisecond, 1), (Timestamp::MAX, 1)]
    {
        let forgotten = all.payments.forget_events(before).await;
        assert_eq!(forgotten.unwrap(), number);
    }
}

// What the rules have in common.

const ADA: u64 = 1;
const BO: u64 = 2;

fn customer(id: u64) -> Identity {
    Identity {
        customer: CustomerId::new(id),
        role: Role::Customer,
        session: SessionId::new(1),
    }
}

fn barista() -> Identity {
    Identity {
        role: Role::Barista,
        ..customer(3)
    }
}

/// Ada orders one tea, which costs 220 cents.
async fn place(all: &Repositories, key: &str) -> OrderId {
    let tea = LineRequest {
        item: "tea".into(),
        quantity: 1,
    };
    let request = OrderRequest {
        lines: vec![tea],
        note: None,
    };
    let new = NewOrder::try_from(request).unwrap();
    let key = IdempotencyKey::try_from(key.as_bytes()).unwrap();
    let ada = CustomerId::new(ADA);
    let answer = all.orders.place(ada, key, new, NOW).await.unwrap();
    let id = answer.location.strip_prefix("/orders/").unwrap();
    OrderId::new(id.parse().unwrap())
}

async fn cancel(all: &Repositories, order: OrderId) {
    let ada = customer(ADA);
    let canceled = all.orders.set_status(ada, order, Status::Canceled).await;
    assert_eq!(canceled.unwrap().status, Status::Canceled);
}

async fn status(all: &Repositories, order: OrderId) -> Status {
    all.orders.order(order).await.unwrap().unwrap().status
}

/// How many teas are left. In the beginning, there are 20.
async fn stock(all: &Repositories) -> u32 {
    all.menu.item("tea").await.unwrap().unwrap().stock
}

async fn payments(all: &Repositories, order: OrderId) -> Vec<Payment> {
    all.payments.payments(order).await.unwrap()
}

async fn begin(
    all: &Repositories,
    order: OrderId,
    reference: &str,
    now: Timestamp,
) -> Result<Payment, PaymentError> {
    let ada = customer(ADA);
    all.payments.begin(ada, order, reference.into(), now).await
}

fn page(reference: &str) -> OpenSession {
    OpenSession {
        id: format!("cs_{reference}"),
        url: format!("https://pay.example/{reference}"),
    }
}

/// An order with a page on which Ada can pay. The key of the order is the reference, too.
async fn open(all: &Repositories, key: &str) -> (OrderId, Payment) {
    let order = place(all, key).await;
    begin(all, order, key, NOW).await.unwrap();
    let payment = all.payments.open(key, page(key)).await.unwrap();
    (order, payment)
}

/// An event about the page of a payment.
fn event(
    id: &str,
    kind: &str,
    payment: &Payment,
    payment_status: &str,
    amount: u32,
) -> Event {
    let session = json!({
        "id": "cs_1",
        "metadata": { METADATA: payment.reference },
        "payment_status": payment_status,
        "payment_intent": format!("pi_{}", payment.reference),
        "amount_total": amount,
        "currency": "eur",
    });
    let body = json!({
        "id": id,
        "type": format!("checkout.session.{kind}"),
        "data": { "object": session },
    });
    Event::parse(body.to_string().as_bytes()).unwrap()
}

async fn record(
    all: &Repositories,
    id: &str,
    kind: &str,
    payment: &Payment,
    payment_status: &str,
) -> Recorded {
    let event = event(id, kind, payment, payment_status, payment.amount.get());
    all.payments.record(&event, NOW).await.unwrap()
}

/// Payments with one mistake.
struct Wrong {
    right: Arc<dyn Repository>,
    mistake: Mistake,
}

#[derive(Debug, Clone, Copy)]
enum Mistake {
    /// It begins another payment each time that somebody asks.
    Restless,
    /// It lets everybody pay for each order as if it were theirs.
    Trusting,
    /// It doesn't look at the amount that was paid.
    Generous,
    /// It records events, and does nothing else.
    Idle,
}

#[tokio::test]
async fn the_contract_finds_each_mistake() {
    for (mistake, rule) in [
        (
            Mistake::Restless,
            "who_begins_at_the_same_time_gets_the_same_payment",
        ),
        (
            Mistake::Trusting,
            "only_the_customer_of_a_placed_order_can_begin",
        ),
        (Mistake::Generous, "another_amount_pays_for_nothing"),
        (
            Mistake::Idle,
            "an_event_without_money_puts_the_stock_back_once",
        ),
    ] {
        let broken = broken_rules(RULES, || {
            let right = Repositories::in_memory();
            let payments = Wrong {
                right: right.payments.clone(),
                mistake,
            };
            Repositories {
                payments: Arc::new(payments),
                ..right
            }
        });
        let broken = broken.await;
        assert!(broken.contains(&rule), "{mistake:?}: {broken:?}");
        assert!(broken.len() < RULES.len(), "{mistake:?}: {broken:?}");
    }
}

#[async_trait]
impl Repository for Wrong {
    async fn begin(
        &self,
        mut identity: Identity,
        order: OrderId,
        reference: String,
        now: Timestamp,
    ) -> Result<Payment, PaymentError> {
        match self.mistake {
            Mistake::Restless => {
                for payment in self.right.payments(order).await? {
                    self.right.expire(&payment.reference).await?;
                }
            }
            Mistake::Trusting => identity = customer(ADA),
            Mistake::Generous | Mistake::Idle => {}
        }
        self.right.begin(identity, order, reference, now).await
    }

    async fn record(
        &self,
        event: &Event,
        now: Timestamp,
    ) -> Result<Recorded, StorageError> {
        let mut event = event.clone();
        match (self.mistake, &mut event.kind) {
            (Mistake::Generous, EventKind::Completed(session)) => {
                session.amount_total = Some(220);
            }
            (Mistake::Idle, kind) => *kind = EventKind::Other,
            _ => {}
        }
        self.right.record(&event, now).await
    }

    // The rest is right.

    async fn open(
        &self,
        reference: &str,
        session: OpenSession,
    ) -> Result<Payment, PaymentError> {
        self.right.open(reference, session).await
    }

    async fn expire(&self, reference: &str) -> Result<(), StorageError> {
        self.right.expire(reference).await
    }

    async fn payments(&self, order: OrderId) -> Result<Vec<Payment>, StorageError> {
        self.right.payments(order).await
    }

    async fn refunds(&self, order: OrderId) -> Result<Vec<Refund>, PaymentError> {
        self.right.refunds(order).await
    }

    async fn unpaid(
        &self,
        placed_before: Timestamp,
    ) -> Result<Vec<OrderId>, StorageError> {
        self.right.unpaid(placed_before).await
    }

    async fn cancel_abandoned(
        &self,
        order: OrderId,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        self.right.cancel_abandoned(order, now).await
    }

    async fn refunds_due(&self) -> Result<Vec<Payment>, StorageError> {
        self.right.refunds_due().await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StorageError> {
        self.right.forget_events(before).await
    }
}

//! Payments over HTTP, against a stand-in for Stripe's API: pages to pay on, refunds, and what
//! the webhook makes of Stripe's events, whenever and however often they arrive.

#![cfg(feature = "server")]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

#[path = "support/stripe.rs"]
mod stripe_api;
mod support;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use service::clock::Random;
use service::customers::model::Role;
use service::orders::model::OrderId;
use service::payments::model::{LIFETIME, PaymentState};
use service::payments::provider::{
    Ended, NewSession, OpenSession, PaymentProvider, ProviderError, Refund,
};
use service::payments::stand_in::StandIn;
use service::payments::stripe::{Stripe, Timeouts};
use service::storage::postgres::Postgres;
use stripe_api::{
    Fault, HISTORIES, SECRET_KEY, Sent, StripeApi, event, payment_intent, shuffle,
    sign,
};
use support::postgres::TestDatabase;
use support::{
    NOW, Repositories, TestApp, TestResponse, URL, WEBHOOK_SECRET, get,
    on_each_storage, patch, post, put, with_header,
};
use tokio::task::JoinSet;

/// Two customers.
const ADA: u64 = 1;
const BO: u64 = 2;

/// How much of the item that is ordered there is in the beginning.
const STOCK: u64 = 1_000;

/// What an order costs here.
const TOTAL: u64 = 670;

/// How long an order waits for its money, in seconds.
const DAY: i64 = 24 * 60 * 60;

/// The service, and the Stripe that it calls.
#[derive(Clone)]
struct Shop {
    app: TestApp,
    stripe: StripeApi,
    events: Arc<AtomicU64>,
}

/// Runs a test once for each storage.
async fn on_each<F>(test: impl Fn(Shop) -> F + Clone + Send + Sync + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    on_each_storage(move |repositories| {
        let test = test.clone();
        async move { test(Shop::open(repositories).await).await }
    })
    .await;
}

impl Shop {
    async fn open(repositories: Repositories) -> Self {
        Self::open_with(repositories, |stripe| Arc::new(stripe)).await
    }

    /// A shop with a payment provider that this function makes of the client for Stripe.
    async fn open_with(
        repositories: Repositories,
        provider: impl FnOnce(Stripe) -> Arc<dyn PaymentProvider>,
    ) -> Self {
        let stripe = StripeApi::start().await;
        let timeouts = Timeouts {
            connect: Duration::from_secs(30),
            response: Duration::from_secs(30),
            total: Duration::from_secs(60),
            first_pause: Duration::from_millis(1),
        };
        let random = Random::new(|| [7; 32]);
        let key = SECRET_KEY.into();
        let client = Stripe::new(&stripe.url, &key, URL, random, timeouts).unwrap();
        let app = TestApp::with_provider(repositories, Some(provider(client)));
        let shop = Self {
            app,
            stripe,
            events: Arc::default(),
        };
        shop.fill().await;
        shop
    }

    /// Puts an item on the menu.
    async fn fill(&self) {
        let item = json!({ "name": "Cake", "price_cents": TOTAL, "stock": STOCK });
        let request = with_header(put("/menu/cake", item), "if-none-match", "*");
        self.app.json_of(self.app.as_barista(request)).await;
    }

    /// A customer orders one cake. Returns the number of the order.
    async fn place(&self, customer: u64) -> u64 {
        let key = self.events.fetch_add(1, Ordering::Relaxed).to_string();
        let body = json!({ "lines": [{ "item": "cake", "quantity": 1 }] });
        let request = with_header(post("/orders", body), "idempotency-key", &key);
        let order = self.app.json_of(by(&self.app, customer, request)).await;
        order["id"].as_u64().unwrap()
    }

    /// A customer asks for a page on which they can pay.
    async fn ask(&self, customer: u64, order: u64) -> TestResponse {
        let request = post(&format!("/orders/{order}/payment"), Value::Null);
        self.app.send(by(&self.app, customer, request)).await
    }

    /// A customer places an order and gets a page. Returns the order and the session.
    async fn order(&self) -> (u64, String) {
        let order = self.place(ADA).await;
        let response = self.ask(ADA, order).await;
        assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
        (order, session_of(&response.json()))
    }

    /// A customer cancels an order.
    async fn cancel(&self, order: u64) -> TestResponse {
        let body = json!({ "status": "canceled" });
        let request = patch(&format!("/orders/{order}"), body);
        self.app.send(by(&self.app, ADA, request)).await
    }

    /// A barista asks for a refund.
    async fn refund(&self, order: u64) -> TestResponse {
        let request = post(&format!("/orders/{order}/refund"), Value::Null);
        self.app.send(self.app.as_barista(request)).await
    }

    /// Says that an order is made or collected.
    async fn set_status(&self, order: u64, status: &str) {
        let body = json!({ "status": status });
        let request = patch(&format!("/orders/{order}"), body);
        self.app.json_of(self.app.as_barista(request)).await;
    }

    async fn status(&self, order: u64) -> String {
        let request = get(&format!("/orders/{order}"));
        let order = self.app.json_of(self.app.as_barista(request)).await;
        order["status"].as_str().unwrap().to_owned()
    }

    /// How many cakes are left.
    async fn stock(&self) -> u64 {
        let item = self.app.json_of(get("/menu/cake")).await;
        item["stock"].as_u64().unwrap()
    }

    /// The body of a new event.
    fn event(&self, kind: &str, object: &Value) -> String {
        let id = self.events.fetch_add(1, Ordering::Relaxed);
        event(&format!("evt_{id}"), kind, object)
    }

    /// The body of a new event about a session or its money.
    fn event_of(&self, sent: Sent, session: &str) -> String {
        let (kind, object) = self.stripe.event_of(sent, session);
        self.event(kind, &object)
    }

    /// Stripe sends an event.
    async fn send(&self, event: &str) -> TestResponse {
        let request =
            post("/webhooks/stripe", Value::Null).map(|_| event.to_owned().into());
        let signature = sign(event.as_bytes(), WEBHOOK_SECRET, NOW.as_second());
        let request = with_header(request, "stripe-signature", &signature);
        self.app.send(request).await
    }

    /// Stripe sends a new event, which is accepted.
    async fn deliver(&self, sent: Sent, session: &str) {
        self.accept(&self.event_of(sent, session)).await;
    }

    /// Stripe sends an event, which is accepted.
    async fn accept(&self, event: &str) {
        let response = self.send(event).await;
        assert_eq!(response.status, StatusCode::OK, "{response:?} {event}");
    }
}

/// A request that a customer sends.
fn by(app: &TestApp, customer: u64, request: Request<Body>) -> Request<Body> {
    app.signed_in(customer, Role::Customer, request)
}

/// The session of a page. Its id is the end of its address.
fn session_of(page: &Value) -> String {
    let url = page["url"].as_str().unwrap();
    url.rsplit('/').next().unwrap().to_owned()
}

// Pages to pay on.

#[tokio::test]
async fn a_customer_gets_a_page_with_the_total_of_the_order() {
    on_each(|shop| async move {
        let order = shop.place(ADA).await;
        let response = shop.ask(ADA, order).await;
        assert_eq!(response.status, StatusCode::CREATED);
        let page = response.json();
        let expected = json!({
            "url": "https://checkout.stripe.com/c/pay/cs_test_1",
            "expires_at": "2026-03-02T08:46:00Z",
        });
        assert_eq!(page, expected);

        let [request] = shop.stripe.received().try_into().unwrap();
        let form = &request.form;
        assert_eq!(form["line_items[0][price_data][unit_amount]"], "670");
        assert_eq!(form["client_reference_id"], order.to_string());
        let expires_at = NOW.as_second() + 31 * 60;
        assert_eq!(form["expires_at"], expires_at.to_string());
    })
    .await;
}

#[tokio::test]
async fn who_asks_twice_gets_the_same_page() {
    on_each(|shop| async move {
        let order = shop.place(ADA).await;
        let first = shop.ask(ADA, order).await;
        shop.app.clock.advance(31 * 60 - 1);
        let second = shop.ask(ADA, order).await;
        assert_eq!(second.status, StatusCode::OK);
        assert_eq!(second.json(), first.json());
        assert_eq!(shop.stripe.received().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn who_asks_twice_at_the_same_time_gets_the_same_page() {
    on_each(|shop| async move {
        let order = shop.place(ADA).await;
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let shop = shop.clone();
            tasks.spawn(async move { shop.ask(ADA, order).await });
        }
        for response in tasks.join_all().await {
            assert!(response.status.is_success(), "{response:?}");
            assert_eq!(session_of(&response.json()), "cs_test_1");
        }
    })
    .await;
}

#[tokio::test]
async fn only_the_customer_who_placed_an_order_can_pay_for_it() {
    on_each(|shop| async move {
        let order = shop.place(ADA).await;
        shop.ask(BO, order).await.problem(StatusCode::NOT_FOUND);
        shop.ask(ADA, order + 1)
            .await
            .problem(StatusCode::NOT_FOUND);
        let path = format!("/orders/{order}/payment");
        let request = shop.app.as_barista(post(&path, Value::Null));
        let response = shop.app.send(request).await;
        response.problem(StatusCode::FORBIDDEN);
        let response = shop.app.send(post(&path, Value::Null)).await;
        response.problem(StatusCode::UNAUTHORIZED);
        assert!(shop.stripe.received().is_empty());
    })
    .await;
}

#[tokio::test]
async fn only_an_order_that_is_placed_can_be_paid() {
    on_each(|shop| async move {
        let order = shop.place(ADA).await;
        assert_eq!(shop.cancel(order).await.status, StatusCode::OK);
        let problem = shop.ask(ADA, order).await.problem(StatusCode::CONFLICT);
        let detail = format!("Order {order} is canceled, so it can't be paid");
        assert_eq!(problem["detail"], detail);

        let (order, session) = shop.order().await;
        shop.deliver(Sent::Paid, &session).await;
        shop.ask(ADA, order).await.problem(StatusCode::CONFLICT);
    })
    .await;
}

#[tokio::test]
async fn an_order_for_less_than_stripe_takes_cannot_be_paid() {
    on_each(|shop| async move {
        let item = json!({ "name": "Napkin", "price_cents": 49, "stock": 1 });
        let request = with_header(put("/menu/napkin", item), "if-none-match", "*");
        shop.app.json_of(shop.app.as_barista(request)).await;
        let body = json!({ "lines": [{ "item": "napkin", "quantity": 1 }] });
        let request = with_header(post("/orders", body), "idempotency-key", "n");
        let order = shop.app.json_of(by(&shop.app, ADA, request)).await;
        let order = order["id"].as_u64().unwrap();
        shop.ask(ADA, order).await.problem(StatusCode::CONFLICT);
    })
    .await;
}

#[tokio::test]
async fn after_a_failure_of_stripe_the_same_page_is_asked_for_again() {
    on_each(|shop| async move {
        let order = shop.place(ADA).await;
        shop.stripe.fail(vec![Fault::Status(500); 3]);
        let response = shop.ask(ADA, order).await;
        let problem = response.problem(StatusCode::BAD_GATEWAY);
        assert_eq!(problem["type"], "/problems/outcome-unknown");
        shop.stripe.fail(vec![Fault::Status(429); 3]);
        let response = shop.ask(ADA, order).await;
        response.problem(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.header("retry-after"), "1");

        shop.app.clock.advance(19);
        let response = shop.ask(ADA, order).await;
        assert_eq!(response.status, StatusCode::CREATED);
        let received = shop.stripe.received();
        assert_eq!(received.len(), 7);
        for request in &received {
            assert_eq!(request.key(), received[0].key());
            assert_eq!(request.form, received[0].form);
        }
    })
    .await;
}

/// By then, Stripe would refuse a page that expires at the time that was chosen for the first
/// request.
#[tokio::test]
async fn some_time_after_a_failure_another_page_is_asked_for() {
    on_each(|shop| async move {
        let order = shop.place(ADA).await;
        shop.stripe.fail(vec![Fault::Status(500); 3]);
        shop.ask(ADA, order).await.problem(StatusCode::BAD_GATEWAY);
        shop.app.clock.advance(20);
        let response = shop.ask(ADA, order).await;
        assert_eq!(response.status, StatusCode::CREATED);
        let received = shop.stripe.received();
        assert_ne!(received[3].key(), received[0].key());
        let expires_at = NOW.as_second() + 20 + 31 * 60;
        assert_eq!(received[3].form["expires_at"], expires_at.to_string());
    })
    .await;
}

#[tokio::test]
async fn after_a_refusal_another_key_is_used() {
    on_each(|shop| async move {
        let order = shop.place(ADA).await;
        shop.stripe.fail([Fault::Status(400)]);
        shop.ask(ADA, order).await.problem(StatusCode::BAD_GATEWAY);
        let response = shop.ask(ADA, order).await;
        assert_eq!(response.status, StatusCode::CREATED);
        let received = shop.stripe.received();
        assert_ne!(received[1].key(), received[0].key());
    })
    .await;
}

/// Cancels the order while its page is being created.
struct CancelsMeanwhile {
    stand_in: StandIn,
    app: OnceLock<TestApp>,
    expired: AtomicU64,
}

#[async_trait]
impl PaymentProvider for CancelsMeanwhile {
    async fn create_session(
        &self,
        new: &NewSession,
    ) -> Result<OpenSession, ProviderError> {
        let app = self.app.get().unwrap();
        let path = format!("/orders/{}", new.order);
        let request = patch(&path, json!({ "status": "canceled" }));
        app.json_of(by(app, ADA, request)).await;
        self.stand_in.create_session(new).await
    }

    async fn expire_session(&self, id: &str) -> Result<Ended, ProviderError> {
        self.expired.fetch_add(1, Ordering::Relaxed);
        self.stand_in.expire_session(id).await
    }

    async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        self.stand_in.refund(refund).await
    }
}

#[tokio::test]
async fn nobody_gets_a_page_for_an_order_that_was_canceled_meanwhile() {
    on_each_storage(|repositories| async move {
        let provider = Arc::new(CancelsMeanwhile {
            stand_in: StandIn::default(),
            app: OnceLock::new(),
            expired: AtomicU64::new(0),
        });
        let app = TestApp::with_provider(repositories, Some(provider.clone()));
        provider.app.set(app.clone()).ok().unwrap();
        let body = json!({ "lines": [{ "item": "tea", "quantity": 1 }] });
        let request = with_header(post("/orders", body), "idempotency-key", "k");
        let order = app.json_of(by(&app, ADA, request)).await;
        let path = format!("/orders/{}/payment", order["id"]);
        let response = app.send(by(&app, ADA, post(&path, Value::Null))).await;
        response.problem(StatusCode::CONFLICT);
        assert_eq!(provider.expired.load(Ordering::Relaxed), 1);
    })
    .await;
}

/// Makes the payments unreadable as soon as Stripe has made the first page.
struct BreaksStorage {
    stripe: Stripe,
    database: Arc<TestDatabase>,
    works: AtomicBool,
}

#[async_trait]
impl PaymentProvider for BreaksStorage {
    async fn create_session(
        &self,
        new: &NewSession,
    ) -> Result<OpenSession, ProviderError> {
        let session = self.stripe.create_session(new).await;
        if self.works.swap(false, Ordering::Relaxed) {
            self.database.execute("ALTER TABLE payments RENAME TO gone");
        }
        session
    }

    async fn expire_session(&self, id: &str) -> Result<Ended, ProviderError> {
        self.stripe.expire_session(id).await
    }

    async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        self.stripe.refund(refund).await
    }
}

/// Stripe gives the same page to the next request. If it had been closed, the customer would
/// get a page on which nobody can pay, and the order would be canceled.
#[tokio::test]
async fn a_page_that_cannot_be_stored_stays_open_for_the_next_request() {
    let Some(database) = TestDatabase::create().map(Arc::new) else {
        return;
    };
    let repositories = database.repositories().await;
    database.need_no_accounts();
    let shop = Shop::open_with(repositories, |stripe| {
        Arc::new(BreaksStorage {
            stripe,
            database: database.clone(),
            works: AtomicBool::new(true),
        })
    });
    let shop = shop.await;
    let order = shop.place(ADA).await;
    let response = shop.ask(ADA, order).await;
    response.problem(StatusCode::INTERNAL_SERVER_ERROR);
    database.execute("ALTER TABLE gone RENAME TO payments");

    let response = shop.ask(ADA, order).await;
    assert_eq!(response.status, StatusCode::CREATED, "{response:?}");
    let session = session_of(&response.json());
    assert_eq!(shop.stripe.status(&session), "open");
    assert_eq!(shop.status(order).await, "placed");
}

// Canceling.

#[tokio::test]
async fn the_page_of_an_order_that_is_canceled_is_closed_first() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        assert_eq!(shop.cancel(order).await.status, StatusCode::OK);
        assert_eq!(shop.stripe.status(&session), "expired");
        assert_eq!(shop.stock().await, STOCK);

        // The event about it comes later, and doesn't put the cake back once more.
        shop.deliver(Sent::Expired, &session).await;
        assert_eq!(shop.status(order).await, "canceled");
        assert_eq!(shop.stock().await, STOCK);
    })
    .await;
}

/// Sends the event about a page that it closes, and waits for the response, before it says
/// that the page is closed.
struct ReportsFirst {
    stripe: Stripe,
    shop: Arc<OnceLock<Shop>>,
}

#[async_trait]
impl PaymentProvider for ReportsFirst {
    async fn create_session(
        &self,
        new: &NewSession,
    ) -> Result<OpenSession, ProviderError> {
        self.stripe.create_session(new).await
    }

    async fn expire_session(&self, id: &str) -> Result<Ended, ProviderError> {
        let ended = self.stripe.expire_session(id).await;
        let shop = self.shop.get().unwrap();
        shop.deliver(Sent::Expired, id).await;
        ended
    }

    async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        self.stripe.refund(refund).await
    }
}

#[tokio::test]
async fn a_cancellation_succeeds_if_the_event_about_the_closed_page_comes_first() {
    on_each_storage(|repositories| async move {
        let later = Arc::new(OnceLock::new());
        let shop = Shop::open_with(repositories, |stripe| {
            let shop = later.clone();
            Arc::new(ReportsFirst { stripe, shop })
        });
        let shop = shop.await;
        later.set(shop.clone()).ok().unwrap();
        let (order, session) = shop.order().await;
        let response = shop.cancel(order).await;
        assert_eq!(response.status, StatusCode::OK, "{response:?}");
        assert_eq!(response.json()["status"], "canceled");
        assert_eq!(shop.stripe.status(&session), "expired");
        assert_eq!(shop.stock().await, STOCK);
    })
    .await;
}

/// Asks for another page while the first one is being closed, which has expired by then.
struct AsksMeanwhile {
    stand_in: StandIn,
    app: OnceLock<TestApp>,
    closed: Mutex<Vec<String>>,
}

#[async_trait]
impl PaymentProvider for AsksMeanwhile {
    async fn create_session(
        &self,
        new: &NewSession,
    ) -> Result<OpenSession, ProviderError> {
        self.stand_in.create_session(new).await
    }

    async fn expire_session(&self, id: &str) -> Result<Ended, ProviderError> {
        let is_first = self.closed.lock().unwrap().is_empty();
        self.closed.lock().unwrap().push(id.to_owned());
        if is_first {
            let app = self.app.get().unwrap();
            app.clock.advance(LIFETIME.as_secs());
            let request = post("/orders/1/payment", Value::Null);
            app.json_of(by(app, ADA, request)).await;
        }
        self.stand_in.expire_session(id).await
    }

    async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        self.stand_in.refund(refund).await
    }
}

#[tokio::test]
async fn a_page_that_is_opened_during_a_cancellation_is_closed_after_it() {
    on_each_storage(|repositories| async move {
        let provider = Arc::new(AsksMeanwhile {
            stand_in: StandIn::default(),
            app: OnceLock::new(),
            closed: Mutex::default(),
        });
        let app = TestApp::with_provider(repositories, Some(provider.clone()));
        provider.app.set(app.clone()).ok().unwrap();
        let body = json!({ "lines": [{ "item": "tea", "quantity": 1 }] });
        let request = with_header(post("/orders", body), "idempotency-key", "k");
        app.json_of(by(&app, ADA, request)).await;
        app.json_of(by(&app, ADA, post("/orders/1/payment", Value::Null)))
            .await;
        let cancel = patch("/orders/1", json!({ "status": "canceled" }));
        app.json_of(by(&app, ADA, cancel)).await;
        let closed = provider.closed.lock().unwrap().clone();
        // The request for the second page closes the first one, too.
        assert_eq!(closed, ["cs_test_1", "cs_test_1", "cs_test_2"]);
        let payments = app.repositories.payments.payments(OrderId::new(1)).await;
        let mut payments = payments.unwrap().into_iter();
        assert!(payments.all(|it| it.state == PaymentState::Expired));
    })
    .await;
}

#[tokio::test]
async fn an_order_whose_customer_has_paid_is_not_canceled() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.stripe.complete(&session);
        shop.cancel(order).await.problem(StatusCode::CONFLICT);
        assert_eq!(shop.status(order).await, "placed");

        shop.deliver(Sent::Unpaid, &session).await;
        shop.cancel(order).await.problem(StatusCode::CONFLICT);
        assert_eq!(shop.status(order).await, "placed");
    })
    .await;
}

#[tokio::test]
async fn an_order_whose_page_cannot_be_closed_is_not_canceled() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.stripe.fail(vec![Fault::Status(503); 6]);
        shop.cancel(order).await.problem(StatusCode::BAD_GATEWAY);
        assert_eq!(shop.status(order).await, "placed");
        assert_eq!(shop.stripe.status(&session), "open");
        assert_eq!(shop.cancel(order).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn nobody_closes_the_page_of_somebody_else() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        let path = format!("/orders/{order}");
        let cancel = || patch(&path, json!({ "status": "canceled" }));
        let response = shop.app.send(by(&shop.app, BO, cancel())).await;
        response.problem(StatusCode::NOT_FOUND);
        let response = shop.app.send(shop.app.as_barista(cancel())).await;
        response.problem(StatusCode::FORBIDDEN);
        assert_eq!(shop.stripe.status(&session), "open");
    })
    .await;
}

// The webhook: who may send what.

#[tokio::test]
async fn an_event_that_stripe_has_not_signed_changes_nothing() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        let event = shop.event_of(Sent::Paid, &session);
        let now = NOW.as_second();
        let good = sign(event.as_bytes(), WEBHOOK_SECRET, now);
        let send = |headers: &[&str], body: &str| {
            let body: Body = body.to_owned().into();
            let mut request = post("/webhooks/stripe", Value::Null).map(|_| body);
            for header in headers {
                request = with_header(request, "stripe-signature", header);
            }
            shop.app.send(request)
        };
        let other_secret = sign(event.as_bytes(), "whsec_another", now);
        let too_old = sign(event.as_bytes(), WEBHOOK_SECRET, now - 301);
        for headers in [
            &[][..],
            &["t=1"],
            &[&other_secret],
            &[&too_old],
            &[&good, &good],
        ] {
            let response = send(headers, &event).await;
            let problem = response.problem(StatusCode::BAD_REQUEST);
            assert_eq!(problem["errors"][0]["header"], "stripe-signature");
        }
        let response = send(&[&good], &event.replace("670", "671")).await;
        response.problem(StatusCode::BAD_REQUEST);
        assert_eq!(shop.status(order).await, "placed");

        assert_eq!(send(&[&good], &event).await.status, StatusCode::OK);
        assert_eq!(shop.status(order).await, "paid");
    })
    .await;
}

#[tokio::test]
async fn events_that_the_service_does_not_use_are_accepted() {
    on_each(|shop| async move {
        let object = json!({ "id": "cus_1" });
        shop.accept(&shop.event("customer.created", &object)).await;
        // Another service may use the same account.
        let (_, session) = shop.order().await;
        let mut object = shop.stripe.session(&session, "paid");
        for metadata in [
            json!(null),
            json!({}),
            json!({ "payment": "another" }),
            json!({ "payment": "\0" }),
        ] {
            object["metadata"] = metadata;
            for payment_intent in [json!("pi_other"), json!(null)] {
                object["payment_intent"] = payment_intent;
                let kind = "checkout.session.completed";
                let event = shop.event(kind, &object);
                shop.accept(&event).await;
                shop.accept(&event).await;
            }
        }
        assert_eq!(shop.status(1).await, "placed");
    })
    .await;
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_refused() {
    on_each(|shop| async move {
        for event in [
            "{",
            "{}",
            &shop.event("checkout.session.completed", &json!({})),
        ] {
            let response = shop.send(event).await;
            response.problem(StatusCode::BAD_REQUEST);
        }
        let large = "x".repeat(300 * 1024);
        let response = shop.send(&large).await;
        response.problem(StatusCode::PAYLOAD_TOO_LARGE);
    })
    .await;
}

#[tokio::test]
async fn an_event_may_be_larger_than_other_requests() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        let mut object = shop.stripe.session(&session, "paid");
        object["custom_text"] = "x".repeat(100 * 1024).into();
        let event = shop.event("checkout.session.completed", &object);
        shop.accept(&event).await;
        assert_eq!(shop.status(order).await, "paid");
    })
    .await;
}

// The webhook: what events change.

#[tokio::test]
async fn an_order_is_paid_when_its_money_is_there() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.deliver(Sent::Paid, &session).await;
        assert_eq!(shop.status(order).await, "paid");
        assert_eq!(shop.stock().await, STOCK - 1);
        assert!(shop.stripe.refunds().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_order_whose_customer_has_finished_may_not_be_paid_yet() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.deliver(Sent::Unpaid, &session).await;
        assert_eq!(shop.status(order).await, "placed");
        shop.ask(ADA, order).await.problem(StatusCode::CONFLICT);
        shop.deliver(Sent::Succeeded, &session).await;
        assert_eq!(shop.status(order).await, "paid");
    })
    .await;
}

#[tokio::test]
async fn an_order_whose_money_does_not_come_is_canceled_once() {
    on_each(|shop| async move {
        for sent in [Sent::Failed, Sent::Expired] {
            let (order, session) = shop.order().await;
            if sent == Sent::Failed {
                shop.deliver(Sent::Unpaid, &session).await;
            }
            let event = shop.event_of(sent, &session);
            for _ in 0..2 {
                shop.accept(&event).await;
                shop.deliver(sent, &session).await;
                assert_eq!(shop.status(order).await, "canceled");
                assert_eq!(shop.stock().await, STOCK);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn another_amount_or_currency_does_not_pay_for_an_order() {
    on_each(|shop| async move {
        for (field, value) in [
            ("amount_total", json!(669)),
            ("amount_total", json!(671)),
            ("amount_total", json!(null)),
            ("currency", json!("usd")),
            ("currency", json!(null)),
        ] {
            let (order, session) = shop.order().await;
            let mut object = shop.stripe.session(&session, "paid");
            object[field] = value;
            let kind = "checkout.session.completed";
            shop.accept(&shop.event(kind, &object)).await;
            assert_eq!(shop.status(order).await, "placed", "{object}");
            // Somebody has to look into it first.
            shop.ask(ADA, order).await.problem(StatusCode::CONFLICT);
            shop.cancel(order).await.problem(StatusCode::CONFLICT);
            // They send the money back on Stripe's pages.
            shop.deliver(Sent::Refunded, &session).await;
            assert_eq!(shop.status(order).await, "canceled");
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_in_which_nothing_has_to_be_paid_does_not_pay_for_an_order() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        // The right amount, which comes later, and nothing at all.
        let later = shop.stripe.session(&session, "no_payment_required");
        let mut free = later.clone();
        free["amount_total"] = 0.into();
        for object in [later, free] {
            let event = shop.event("checkout.session.completed", &object);
            shop.accept(&event).await;
            assert_eq!(shop.status(order).await, "placed");
        }
    })
    .await;
}

#[tokio::test]
async fn money_for_a_canceled_order_goes_back() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.deliver(Sent::Expired, &session).await;
        shop.deliver(Sent::Paid, &session).await;
        assert_eq!(shop.status(order).await, "canceled");
        assert_eq!(shop.stripe.refunds(), [payment_intent(&session)]);
        shop.deliver(Sent::Refunded, &session).await;
        assert_eq!(shop.stock().await, STOCK);
        // It's done now.
        shop.refund(order).await.problem(StatusCode::CONFLICT);
    })
    .await;
}

#[tokio::test]
async fn stripe_sends_an_event_again_until_the_refund_has_been_requested() {
    on_each(|shop| async move {
        let (_, session) = shop.order().await;
        shop.deliver(Sent::Expired, &session).await;
        let event = shop.event_of(Sent::Paid, &session);
        for status in [429, 500] {
            shop.stripe.fail(vec![Fault::Status(status); 3]);
            let response = shop.send(&event).await;
            response.problem(StatusCode::INTERNAL_SERVER_ERROR);
        }
        assert!(shop.stripe.refunds().is_empty());
        shop.accept(&event).await;
        assert_eq!(shop.stripe.refunds(), [payment_intent(&session)]);
        // Once more, with the same key: Stripe does nothing.
        shop.accept(&event).await;
        assert_eq!(shop.stripe.refunds(), [payment_intent(&session)]);
    })
    .await;
}

/// Stripe shows in its dashboard which events were not accepted.
#[tokio::test]
async fn stripe_sends_an_event_again_while_nobody_knows_the_id_of_its_money() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        assert_eq!(shop.cancel(order).await.status, StatusCode::OK);
        let mut paid = shop.stripe.session(&session, "paid");
        paid["payment_intent"] = Value::Null;
        let event = shop.event("checkout.session.completed", &paid);
        for _ in 0..2 {
            let response = shop.send(&event).await;
            response.problem(StatusCode::INTERNAL_SERVER_ERROR);
        }
        assert!(shop.stripe.refunds().is_empty());
        // Somebody has sent the money back in the dashboard.
        shop.deliver(Sent::Refunded, &session).await;
        shop.accept(&event).await;
    })
    .await;
}

#[tokio::test]
async fn a_barista_can_ask_for_a_refund_that_is_still_due() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.deliver(Sent::Expired, &session).await;
        shop.stripe.fail(vec![Fault::Status(500); 3]);
        let response = shop.send(&shop.event_of(Sent::Paid, &session)).await;
        response.problem(StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(shop.refund(order).await.status, StatusCode::ACCEPTED);
        assert_eq!(shop.stripe.refunds(), [payment_intent(&session)]);
    })
    .await;
}

#[tokio::test]
async fn a_refund_that_stripe_has_not_accepted_is_requested_again() {
    on_each(|shop| async move {
        let (_, session) = shop.order().await;
        shop.deliver(Sent::Expired, &session).await;
        shop.stripe.fail(vec![Fault::Status(500); 6]);
        let response = shop.send(&shop.event_of(Sent::Paid, &session)).await;
        response.problem(StatusCode::INTERNAL_SERVER_ERROR);
        shop.app.payments.clean_up().await.unwrap();
        assert!(shop.stripe.refunds().is_empty());
        for _ in 0..2 {
            shop.app.payments.clean_up().await.unwrap();
            assert_eq!(shop.stripe.refunds(), [payment_intent(&session)]);
        }
    })
    .await;
}

/// Without an event, only Stripe knows whether the customer has paid.
#[tokio::test]
async fn an_order_is_abandoned_only_if_stripe_knows_of_no_payment() {
    on_each(|shop| async move {
        let (paid, paid_session) = shop.order().await;
        shop.stripe.complete(&paid_session);
        let (unpaid, unpaid_session) = shop.order().await;
        shop.app.clock.advance(DAY + 1);
        // Stripe can't be asked about either of them: three tries to close a page, and three
        // to look at it.
        shop.stripe.fail(vec![Fault::Status(500); 12]);
        shop.app.payments.clean_up().await.unwrap();
        assert_eq!(shop.status(unpaid).await, "placed");

        shop.app.payments.clean_up().await.unwrap();
        assert_eq!(shop.status(paid).await, "placed");
        assert_eq!(shop.status(unpaid).await, "canceled");
        assert_eq!(shop.stripe.status(&unpaid_session), "expired");
        // The event comes at last.
        shop.app.clock.advance(-DAY - 1);
        shop.deliver(Sent::Paid, &paid_session).await;
        assert_eq!(shop.status(paid).await, "paid");
        assert_eq!(shop.stock().await, STOCK - 1);
    })
    .await;
}

/// The customer has paid, the page has expired by our clock, and the event is late.
#[tokio::test]
async fn who_has_paid_gets_no_second_page() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.stripe.complete(&session);
        shop.app.clock.advance(31 * 60);
        for _ in 0..2 {
            shop.ask(ADA, order).await.problem(StatusCode::CONFLICT);
        }
        let created = shop
            .stripe
            .received()
            .into_iter()
            .filter(|request| request.path == "/v1/checkout/sessions");
        assert_eq!(created.count(), 1);
        shop.app.clock.advance(-31 * 60);
        shop.deliver(Sent::Paid, &session).await;
        assert_eq!(shop.status(order).await, "paid");
        assert!(shop.stripe.refunds().is_empty());
    })
    .await;
}

/// The first page has expired by our clock, and the event about it is late.
#[tokio::test]
async fn an_order_that_is_paid_twice_keeps_the_money_once() {
    on_each(|shop| async move {
        let (order, first) = shop.order().await;
        shop.app.clock.advance(31 * 60);
        let response = shop.ask(ADA, order).await;
        assert_eq!(response.status, StatusCode::CREATED);
        let second = session_of(&response.json());
        assert_ne!(second, first);
        shop.app.clock.advance(-31 * 60);

        shop.deliver(Sent::Paid, &first).await;
        assert_eq!(shop.status(order).await, "paid");
        shop.deliver(Sent::Paid, &second).await;
        assert_eq!(shop.stripe.refunds(), [payment_intent(&second)]);
        shop.deliver(Sent::Refunded, &second).await;
        assert_eq!(shop.status(order).await, "paid");
        assert_eq!(shop.stock().await, STOCK - 1);
    })
    .await;
}

#[tokio::test]
async fn an_order_with_a_newer_page_is_not_canceled_when_the_old_one_expires() {
    on_each(|shop| async move {
        let (order, first) = shop.order().await;
        shop.app.clock.advance(31 * 60);
        let response = shop.ask(ADA, order).await;
        let second = session_of(&response.json());
        shop.app.clock.advance(-31 * 60);
        let payments = &shop.app.repositories.payments;
        let payments = payments.payments(OrderId::new(order)).await.unwrap();
        let states: Vec<_> = payments.iter().map(|p| p.state.as_str()).collect();
        assert_eq!(states, ["expired", "open"]);

        shop.deliver(Sent::Unpaid, &first).await;
        shop.deliver(Sent::Failed, &first).await;
        shop.deliver(Sent::Expired, &first).await;
        assert_eq!(shop.status(order).await, "placed");
        shop.deliver(Sent::Expired, &second).await;
        assert_eq!(shop.status(order).await, "canceled");
        assert_eq!(shop.stock().await, STOCK);
    })
    .await;
}

/// Stripe sends an event again even if it was accepted. At that time, it may be wrong.
#[tokio::test]
async fn an_old_event_that_comes_again_changes_nothing() {
    on_each(|shop| async move {
        let (order, first) = shop.order().await;
        shop.app.clock.advance(31 * 60);
        shop.stripe.fail(vec![Fault::Status(500); 3]);
        shop.ask(ADA, order).await.problem(StatusCode::BAD_GATEWAY);
        shop.app.clock.advance(-31 * 60);
        let expired = shop.event_of(Sent::Expired, &first);
        // Another page is being created.
        shop.accept(&expired).await;
        assert_eq!(shop.status(order).await, "placed");

        // Stripe refuses to create it, so nobody can pay until the customer asks again.
        shop.app.clock.advance(31 * 60);
        shop.stripe.fail([Fault::Status(400)]);
        shop.ask(ADA, order).await.problem(StatusCode::BAD_GATEWAY);
        shop.app.clock.advance(-31 * 60);
        shop.accept(&expired).await;
        assert_eq!(shop.status(order).await, "placed");
    })
    .await;
}

// Refunds.

#[tokio::test]
async fn an_order_is_canceled_when_its_money_has_gone_back() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.deliver(Sent::Paid, &session).await;
        for _ in 0..2 {
            let response = shop.refund(order).await;
            assert_eq!(response.status, StatusCode::ACCEPTED);
            let location = format!("/orders/{order}");
            assert_eq!(response.header("location"), location);
            assert_eq!(shop.status(order).await, "paid");
        }
        assert_eq!(shop.stripe.refunds(), [payment_intent(&session)]);
        shop.deliver(Sent::Refunded, &session).await;
        assert_eq!(shop.status(order).await, "canceled");
        assert_eq!(shop.stock().await, STOCK);
        shop.refund(order).await.problem(StatusCode::CONFLICT);
    })
    .await;
}

#[tokio::test]
async fn an_order_without_money_or_that_was_made_is_not_refunded() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.refund(order).await.problem(StatusCode::CONFLICT);
        shop.deliver(Sent::Unpaid, &session).await;
        shop.refund(order).await.problem(StatusCode::CONFLICT);
        shop.deliver(Sent::Succeeded, &session).await;
        shop.set_status(order, "made").await;
        shop.refund(order).await.problem(StatusCode::CONFLICT);
        shop.refund(order + 1).await.problem(StatusCode::NOT_FOUND);
        assert!(shop.stripe.refunds().is_empty());

        // If it was made between the request for a refund and the event, it stays made.
        shop.deliver(Sent::Refunded, &session).await;
        assert_eq!(shop.status(order).await, "made");
        assert_eq!(shop.stock().await, STOCK - 1);
    })
    .await;
}

#[tokio::test]
async fn only_a_barista_can_ask_for_a_refund() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.deliver(Sent::Paid, &session).await;
        let path = format!("/orders/{order}/refund");
        let request = by(&shop.app, ADA, post(&path, Value::Null));
        let response = shop.app.send(request).await;
        response.problem(StatusCode::FORBIDDEN);
        assert!(shop.stripe.refunds().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_part_of_the_money_that_goes_back_changes_nothing() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.deliver(Sent::Paid, &session).await;
        let part = shop.stripe.charge(&session, false);
        shop.accept(&shop.event("charge.refunded", &part)).await;
        assert_eq!(shop.status(order).await, "paid");
    })
    .await;
}

/// Somebody has changed the metadata on Stripe's pages.
#[tokio::test]
async fn a_refund_is_also_known_by_the_id_of_the_money() {
    on_each(|shop| async move {
        let (order, session) = shop.order().await;
        shop.deliver(Sent::Paid, &session).await;
        let mut charge = shop.stripe.charge(&session, true);
        charge["metadata"] = json!({});
        shop.accept(&shop.event("charge.refunded", &charge)).await;
        assert_eq!(shop.status(order).await, "canceled");
    })
    .await;
}

// Every sequence.

// ANCHOR: permutations
/// All sequences of these items.
fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for index in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(index);
        for mut sequence in permutations(&rest) {
            sequence.insert(0, first.clone());
            all.push(sequence);
        }
    }
    all
}
// ANCHOR_END: permutations

// ANCHOR: every-sequence
#[tokio::test]
async fn an_order_ends_the_same_in_every_sequence_of_its_events() {
    on_each(|shop| async move {
        let mut sold = 0;
        for (sent, end) in HISTORIES {
            for sequence in permutations(sent) {
                let (order, session) = shop.order().await;
                let events: Vec<_> = sequence
                    .iter()
                    .map(|&one| shop.event_of(one, &session))
                    .collect();
                // Send each event twice in a row, and then send all events once
                // more.
                for event in events.iter().flat_map(|e| [e, e]).chain(&events) {
                    shop.accept(event).await;
                }
                assert_eq!(shop.status(order).await, end, "{sequence:?}");
                sold += u64::from(end == "paid");
                assert_eq!(shop.stock().await, STOCK - sold, "{sequence:?}");
            }
        }
        assert!(shop.stripe.refunds().is_empty());
    })
    .await;
}
// ANCHOR_END: every-sequence

/// Sends events, 16 at a time, and checks that all of them are accepted.
async fn deliver_at_once(shop: &Shop, events: Vec<String>) {
    let next = Arc::new(AtomicU64::new(0));
    let events = Arc::new(events);
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let (shop, next, events) = (shop.clone(), next.clone(), events.clone());
        tasks.spawn(async move {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed) as usize;
                let Some(event) = events.get(index) else {
                    break;
                };
                shop.accept(event).await;
            }
        });
    }
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_ends_right_after_a_hundred_events_16_at_a_time() {
    on_each(|shop| async move {
        let mut sold = 0;
        // ANCHOR: random-sequences
        for seed in 0..3 {
            let mut orders = Vec::new();
            let mut events = Vec::new();
            while events.len() < 100 {
                let (sent, end) = HISTORIES[orders.len() % HISTORIES.len()];
                let (order, session) = shop.order().await;
                orders.push((order, end));
                for &one in sent {
                    let event = shop.event_of(one, &session);
                    events.extend([event.clone(), event]);
                }
            }
            shuffle(&mut events, seed);
            deliver_at_once(&shop, events).await;
            for (order, end) in orders {
                assert_eq!(shop.status(order).await, end, "{seed}");
                sold += u64::from(end == "paid");
            }
            assert_eq!(shop.stock().await, STOCK - sold, "{seed}");
        }
        // ANCHOR_END: random-sequences
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_arrives_twice_at_the_same_time_changes_an_order_once() {
    on_each(|shop| async move {
        for _ in 0..10 {
            let (order, session) = shop.order().await;
            let expired = shop.event_of(Sent::Expired, &session);
            deliver_at_once(&shop, vec![expired; 2]).await;
            assert_eq!(shop.status(order).await, "canceled");
            assert_eq!(shop.stock().await, STOCK);
            // Different events that say the same, too.
            let (_, session) = shop.order().await;
            let expired = [Sent::Expired; 2]
                .map(|sent| shop.event_of(sent, &session))
                .into();
            deliver_at_once(&shop, expired).await;
            assert_eq!(shop.stock().await, STOCK);
        }
    })
    .await;
}

/// Either the order is paid, or it is canceled and the money goes back. Which of the two
/// happens depends on which request is first.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_canceled_and_paid_at_the_same_time_ends_right() {
    on_each(|shop| async move {
        let mut sold = 0;
        for _ in 0..20 {
            let (order, session) = shop.order().await;
            let paid = shop.event_of(Sent::Paid, &session);
            let (canceled, ()) =
                tokio::join!(shop.cancel(order), shop.accept(&paid));
            let refunded =
                shop.stripe.refunds().contains(&payment_intent(&session));
            let status = shop.status(order).await;
            match canceled.status {
                StatusCode::OK => {
                    assert_eq!((&*status, refunded), ("canceled", true))
                }
                _ => assert_eq!((&*status, refunded), ("paid", false)),
            }
            sold += u64::from(status == "paid");
            assert_eq!(shop.stock().await, STOCK - sold);
        }
    })
    .await;
}

/// If the id of the event were committed without the change, the service would ignore the
/// next delivery of this event, and the change would be lost.
#[tokio::test]
async fn an_event_whose_change_fails_is_not_recorded() {
    let Some(database) = TestDatabase::create() else {
        return;
    };
    // ANCHOR: not-recorded
    let storage = Postgres::connect(&database.url()).await.unwrap();
    database.need_no_accounts();
    let shop = Shop::open(Repositories::of(Arc::new(storage))).await;
    let (order, session) = shop.order().await;
    let event = shop.event_of(Sent::Expired, &session);
    // With this constraint, the ordered cake can't be put back.
    database
        .execute("ALTER TABLE items ADD CONSTRAINT failure CHECK (stock < 1000)");
    let response = shop.send(&event).await;
    response.problem(StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(shop.status(order).await, "placed");

    database.execute("ALTER TABLE items DROP CONSTRAINT failure");
    shop.accept(&event).await;
    assert_eq!(shop.status(order).await, "canceled");
    assert_eq!(shop.stock().await, STOCK);
    // ANCHOR_END: not-recorded
}

#[tokio::test]
async fn an_abandoned_order_that_cannot_be_canceled_does_not_keep_the_others() {
    let Some(database) = TestDatabase::create() else {
        return;
    };
    let repositories = database.repositories().await;
    database.need_no_accounts();
    let app = TestApp::with_provider(repositories, None);
    for (key, item) in [("first", "tea"), ("second", "muffin")] {
        let body = json!({ "lines": [{ "item": item, "quantity": 1 }] });
        let request = with_header(post("/orders", body), "idempotency-key", key);
        app.json_of(by(&app, ADA, request)).await;
    }
    // No tea can be put back now.
    database.execute(
        "ALTER TABLE items ADD CONSTRAINT failure CHECK (id <> 'tea' OR stock < 20)",
    );
    app.clock.advance(DAY + 1);
    app.payments.clean_up().await.unwrap();
    let status = async |id: u64| {
        let order = by(&app, ADA, get(&format!("/orders/{id}")));
        app.json_of(order).await["status"].clone()
    };
    assert_eq!(status(1).await, "placed");
    assert_eq!(status(2).await, "canceled");

    database.execute("ALTER TABLE items DROP CONSTRAINT failure");
    app.payments.clean_up().await.unwrap();
    assert_eq!(status(1).await, "canceled");
}

// Without an account at Stripe.

#[tokio::test]
async fn without_an_account_at_stripe_payments_are_off() {
    on_each_storage(|repositories| async move {
        let app = TestApp::with_provider(repositories, None);
        let body = json!({ "lines": [{ "item": "tea", "quantity": 1 }] });
        let request = with_header(post("/orders", body), "idempotency-key", "k");
        app.json_of(by(&app, ADA, request)).await;
        for request in [
            by(&app, ADA, post("/orders/1/payment", Value::Null)),
            app.as_barista(post("/orders/1/refund", Value::Null)),
            post("/webhooks/stripe", Value::Null),
        ] {
            let response = app.send(request).await;
            let problem = response.problem(StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(problem["detail"], "Payments are turned off on this server");
            // It's no use to try again.
            assert_eq!(response.header("retry-after"), "");
        }
        let cancel = patch("/orders/1", json!({ "status": "canceled" }));
        app.json_of(by(&app, ADA, cancel)).await;
    })
    .await;
}

#[tokio::test]
async fn old_events_are_forgotten() {
    on_each_storage(|repositories| async move {
        let payments = &repositories.payments;
        let body = event("evt_1", "charge.refunded", &json!({ "refunded": true }));
        let event = service::payments::webhook::Event::parse(body.as_bytes());
        payments.record(&event.unwrap(), NOW).await.unwrap();
        let later = |milliseconds| {
            Timestamp::from_millisecond(NOW.as_millisecond() + milliseconds)
                .unwrap()
        };
        assert_eq!(payments.forget_events(later(0)).await.unwrap(), 0);
        assert_eq!(payments.forget_events(later(1)).await.unwrap(), 1);
        assert_eq!(payments.forget_events(later(1)).await.unwrap(), 0);
    })
    .await;
}

//! Draws the diagram of a payment while one happens: between a browser, the service, and a
//! stand-in for Stripe's API on an address of its own.
#![cfg(all(feature = "server", feature = "sqlite"))]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

#[path = "../service/tests/support/stripe.rs"]
mod stripe_api;
mod support;

mod payments {
    use std::io::{self, Write};
    use std::sync::{self, Arc};

    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::http::request::Builder;
    use jiff::Timestamp;
    use serde_json::json;
    use service::AppState;
    use service::clock::{Clock, Random};
    use service::customers::model::{CustomerId, Identity, Role, SessionId};
    use service::customers::services::Customers;
    use service::customers::tokens::{JwtSecrets, Tokens};
    use service::menu::model::opening_menu;
    use service::menu::services::Menu;
    use service::orders::services::Orders;
    use service::payments::services::{Gateway, Payments};
    use service::payments::stripe::{Stripe, Timeouts};
    use service::payments::webhook::WebhookSecrets;
    use service::storage::memory::Memory;
    use tokio::sync::Mutex;
    use tracing::subscriber::set_default;

    use crate::stripe_api::{SECRET_KEY, StripeApi, event, sign};
    use crate::support::{Answer, ask, recorded};

    const NOW: Timestamp = Timestamp::constant(1_772_439_300, 0);
    const URL: &str = "https://shop.example";
    const WEBHOOK_SECRET: &str = "whsec_only-for-this-test";

    /// The service with its data in memory and with the client of Stripe's API, and an access
    /// token of its first customer.
    fn service(stripe: &StripeApi) -> (Router, String) {
        let storage = Arc::new(Memory::new(opening_menu()));
        let clock = Clock::new(|| NOW);
        let random = Random::new(|| [7; 32]);
        let secret =
            JwtSecrets::parse("a-secret-of-these-tests-0123456789").unwrap();
        let tokens =
            Tokens::new(&secret, URL, clock.clone(), random.clone()).unwrap();
        let key = SECRET_KEY.into();
        let timeouts = Timeouts::default();
        let client =
            Stripe::new(&stripe.url, &key, URL, random.clone(), timeouts).unwrap();
        let gateway = Gateway {
            provider: Arc::new(client),
            secrets: WebhookSecrets::parse(WEBHOOK_SECRET).unwrap(),
        };
        let payments = Payments::new(
            storage.clone(),
            Some(gateway),
            clock.clone(),
            random.clone(),
        );
        let token = tokens.issue(&Identity {
            customer: CustomerId::new(1),
            role: Role::Customer,
            session: SessionId::new(1),
        });
        let state = AppState {
            customers: Customers::new(
                storage.clone(),
                tokens,
                clock.clone(),
                random,
            ),
            menu: Menu::new(storage.clone()),
            orders: Orders::new(storage, Arc::new(payments.clone()), clock),
            payments,
        };
        (service::router(state), token.unwrap())
    }

    /// Held by each test. tracing remembers whether anybody wants a span. If a span is first
    /// entered in a test without a log, while another test begins its log, this may be wrong.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

    /// The messages so far.
    struct Diagram(String);

    impl Diagram {
        fn add(&mut self, from_and_to: &str, text: &str) {
            self.0 += &format!("    {from_and_to}: {text}\n");
        }

        /// Sends a request to the service, and adds it, what the service asks of Stripe
        /// meanwhile, and the response.
        async fn send(
            &mut self,
            from: &str,
            service: &Router,
            stripe: &StripeApi,
            request: (Builder, String),
        ) -> Answer {
            let (head, body) = request;
            let method = head.method_ref().unwrap();
            let line = format!("{method} {}", head.uri_ref().unwrap());
            self.add(&format!("{from}->>service"), &line);
            let before = stripe.received().len();
            let answer = ask(service, (head, Body::from(body))).await;
            for call in &stripe.received()[before..] {
                let line = format!("{} {}", call.method, call.path);
                self.add("service->>Stripe", &line);
            }
            self.add(&format!("service-->>{from}"), &answer.status.to_string());
            answer
        }
    }

    #[tokio::test]
    async fn a_customer_pays_on_stripes_page_and_stripe_tells_the_service() {
        let _turn = ONE_AT_A_TIME.lock().await;
        let stripe = StripeApi::start().await;
        let (service, token) = service(&stripe);
        let by_ada = |request: Builder| {
            request
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json")
        };
        let mut diagram = Diagram(
            "%% payments.rs: Ada orders and pays\n\
             sequenceDiagram\n    participant browser\n    participant service\n    \
             participant Stripe\n"
                .into(),
        );

        let order = json!({ "lines": [{ "item": "flat-white", "quantity": 1 }] });
        let request = Request::post("/orders").header("idempotency-key", "1");
        let request = (by_ada(request), order.to_string());
        diagram.send("browser", &service, &stripe, request).await;

        let request = Request::post("/orders/1/payment");
        let request = (by_ada(request), String::new());
        let answer = diagram.send("browser", &service, &stripe, request).await;
        let page = answer.json()["url"].as_str().unwrap().to_owned();
        let session = page.rsplit('/').next().unwrap();

        stripe.complete(session);
        diagram.add("browser->>Stripe", "opens the page, and Ada pays");
        let back = &stripe.received()[0].form["success_url"];
        diagram.add("Stripe-->>browser", &format!("go to {back}"));

        let body = stripe.session(session, "paid");
        let body = event("evt_1", "checkout.session.completed", &body);
        let signature = sign(body.as_bytes(), WEBHOOK_SECRET, NOW.as_second());
        let request = Request::post("/webhooks/stripe");
        let request = (request.header("stripe-signature", signature), body);
        diagram.send("Stripe", &service, &stripe, request).await;

        let request = (by_ada(Request::get("/orders/1")), String::new());
        let answer = diagram.send("browser", &service, &stripe, request).await;
        assert_eq!(answer.json()["status"], "paid");

        recorded("diagrams/payments/checkout.mmd", &diagram.0);
    }

    /// What this thread logs.
    #[derive(Clone, Default)]
    struct Log(Arc<sync::Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_wrong_amount_is_logged_as_an_error() {
        let _turn = ONE_AT_A_TIME.lock().await;
        let stripe = StripeApi::start().await;
        let (service, token) = service(&stripe);
        let by_ada = |request: Builder| {
            request
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json")
        };
        let order = json!({ "lines": [{ "item": "tea", "quantity": 1 }] });
        let request =
            by_ada(Request::post("/orders")).header("idempotency-key", "1");
        ask(&service, (request, Body::from(order.to_string()))).await;
        let request = by_ada(Request::post("/orders/1/payment"));
        let answer = ask(&service, (request, Body::empty())).await;
        let page = answer.json()["url"].as_str().unwrap().to_owned();

        let mut session = stripe.session(page.rsplit('/').next().unwrap(), "paid");
        session["amount_total"] = json!(1);
        let body = event("evt_3", "checkout.session.completed", &session);
        let signature = sign(body.as_bytes(), WEBHOOK_SECRET, NOW.as_second());
        let request = Request::post("/webhooks/stripe");
        let request = request.header("stripe-signature", signature);
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .without_time()
            .with_ansi(false)
            .with_target(false)
            .with_writer(move || writer.clone())
            .finish();
        let guard = set_default(subscriber);
        let answer = ask(&service, (request, Body::from(body))).await;
        drop(guard);
        assert_eq!(answer.status, 200);
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        recorded("output/payments/wrong-amount.txt", &log);
    }
}

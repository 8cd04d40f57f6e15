//! The example `fake-stripe` and the service: Ada orders, pays, and gets her money back, on one
//! machine and without an account at Stripe.

#![cfg(all(unix, feature = "server"))]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

#[allow(dead_code)] // its `main`
#[path = "../examples/fake-stripe.rs"]
mod fake_stripe;
mod support;

use std::net::SocketAddr;

use fake_stripe::{FakeStripe, WEBHOOK_SECRET, router};
use serde_json::{Value, json};
use support::process::{Server, call, service};
use tempfile::tempdir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The service and the fake, each on a port of its own.
struct Machine {
    service: Server,
    stripe: SocketAddr,
    /// A header with Ada's access token. She is a barista.
    ada: String,
    _runtime: Runtime,
}

impl Machine {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let stripe = listener.local_addr().unwrap();
        let url = format!("http://{stripe}");
        let folder = tempdir().unwrap();
        let mut command = service(folder.path());
        command
            .env("SHOP_BARISTA", "ada@shop.example")
            .env("STRIPE_API", &url)
            .env("STRIPE_SECRET_KEY", "sk_test_fake")
            .env("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET);
        let service = Server::start(command);
        let webhook = format!("http://{}/webhooks/stripe", service.address);
        let app = router(FakeStripe::new(&url, &webhook));
        runtime.spawn(async { axum::serve(listener, app).await.unwrap() });

        let mut machine = Self {
            service,
            stripe,
            ada: String::new(),
            _runtime: runtime,
        };
        let mut account = json!({
            "email": "ada@shop.example", "password": "two flat whites, please", "name": "Ada"
        });
        machine.ask("POST /customers", &account);
        account.as_object_mut().unwrap().remove("name");
        let session = machine.ask("POST /sessions", &account);
        let token = session["access_token"].as_str().unwrap();
        machine.ada = format!("authorization: Bearer {token}\r\n");
        machine
    }

    /// Sends a request to the service. It must succeed.
    fn ask(&self, request: &str, body: &Value) -> Value {
        let headers = format!("{}idempotency-key: 1\r\n", self.ada);
        self.service.ask(request, &headers, body)
    }

    /// Ada orders a flat white. Returns the path of the order and that of its payment page.
    fn order(&self) -> (String, String) {
        let lines = json!({ "lines": [{ "item": "flat-white", "quantity": 1 }] });
        let order = self.ask("POST /orders", &lines);
        let order = format!("/orders/{}", order["id"]);
        let page = self.ask(&format!("POST {order}/payment"), &Value::Null);
        let url = page["url"].as_str().unwrap();
        let page = url.strip_prefix(&format!("http://{}", self.stripe));
        (order, page.unwrap().to_owned())
    }

    /// Opens the payment page, or presses its button.
    fn visit(&self, method: &str, page: &str) -> (u16, String) {
        call(self.stripe, &format!("{method} {page}"), "", "").unwrap()
    }

    /// The status of an order.
    fn status(&self, order: &str) -> Value {
        self.ask(&format!("GET {order}"), &Value::Null)["status"].take()
    }
}

#[test]
fn a_customer_pays_and_gets_the_money_back() {
    let machine = Machine::start();
    let (order, page) = machine.order();

    let (status, html) = machine.visit("GET", &page);
    assert_eq!(status, 200);
    assert!(html.contains("This page is open"), "{html}");
    assert!(html.contains("Pay 3.80"), "{html}");

    // The second press sends another event about the same payment.
    for _ in 0..2 {
        let (status, text) = machine.visit("POST", &page);
        assert_eq!(status, 200, "{text}");
        assert!(text.contains("the service answered 200 OK"), "{text}");
        assert_eq!(machine.status(&order), "paid");
    }

    machine.ask(&format!("POST {order}/refund"), &Value::Null);
    assert_eq!(machine.status(&order), "canceled");
    let payment = page.replacen("/pay/cs_", "payment_intent=pi_", 1);
    let (status, body) =
        call(machine.stripe, "POST /v1/refunds", "", &payment).unwrap();
    assert_eq!(status, 400);
    assert!(body.contains("charge_already_refunded"), "{body}");
}

#[test]
fn nobody_can_pay_for_an_order_that_was_canceled() {
    let machine = Machine::start();
    let (order, page) = machine.order();
    let canceled = json!({ "status": "canceled" });
    machine.ask(&format!("PATCH {order}"), &canceled);

    let (status, html) = machine.visit("GET", &page);
    assert_eq!(status, 200);
    assert!(html.contains("This page is expired"), "{html}");
    let (status, text) = machine.visit("POST", &page);
    assert_eq!(status, 409, "{text}");
}

#[test]
fn a_request_that_the_service_never_sends_gets_an_error() {
    let machine = Machine::start();
    let send = |request: &str| call(machine.stripe, request, "", "").unwrap();
    let (status, body) = send("POST /v1/checkout/sessions");
    assert_eq!(status, 400);
    assert!(body.contains("unit_amount] is missing"), "{body}");
    for request in [
        "GET /v1/checkout/sessions/cs_test_1",
        "POST /v1/checkout/sessions/cs_test_1/expire",
        "POST /v1/refunds",
        "GET /pay/cs_test_1",
        "POST /pay/cs_test_1",
    ] {
        let (status, body) = send(request);
        assert_eq!(status, 404, "{request}");
        assert!(body.contains("forgets everything at exit"), "{body}");
    }
}

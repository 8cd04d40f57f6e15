//! Stripe sends a thousand events while the service is killed and started again: each order
//! ends as it should, and no event is lost or applied twice.

#![cfg(all(unix, feature = "server"))]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

#[path = "support/stripe.rs"]
mod stripe_api;
mod support;

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use jiff::Timestamp;
use serde_json::{Value, json};
use service::customers::model::Role;
use stripe_api::{HISTORIES, SECRET_KEY, Sent, StripeApi, event, shuffle, sign};
use support::postgres::TestDatabase;
use support::process::{Server, call, service, token};
use support::{JWT_SECRET, URL, WEBHOOK_SECRET};
use tempfile::tempdir;
use tokio::runtime::Runtime;

/// How many events there are, and how often Stripe sends each of them.
const EVENTS: usize = 100;
const TIMES: usize = 10;

/// How many deliveries are under way at the same time.
const SENDERS: usize = 16;

/// How much there is to sell in the beginning.
const STOCK: u64 = 1_000;

/// The service on one database, which calls one stand-in for Stripe.
struct Shop<'a> {
    folder: &'a Path,
    database: &'a TestDatabase,
    stripe: &'a StripeApi,
}

impl Shop<'_> {
    fn start(&self) -> Server {
        let mut command = service(self.folder);
        command
            .env("DATABASE_URL", self.database.url())
            .env("JWT_SECRET", JWT_SECRET)
            .env("SHOP_URL", URL)
            .env("STRIPE_API", &self.stripe.url)
            .env("STRIPE_SECRET_KEY", SECRET_KEY)
            .env("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET);
        Server::start(command)
    }

    /// The body of an event about a session or its money.
    fn event(&self, number: usize, sent: Sent, session: &str) -> String {
        let (kind, object) = self.stripe.event_of(sent, session);
        event(&format!("evt_{number}"), kind, &object)
    }
}

/// Sends a request that must succeed, with the access token of Ada or of a barista.
fn ask(
    server: &Server,
    role: Role,
    request: &str,
    header: &str,
    body: &Value,
) -> Value {
    let headers = format!("authorization: Bearer {}\r\n{header}", token(1, role));
    server.ask(request, &headers, body)
}

/// Ada places an order and asks for a page on which to pay. Returns the order and the session.
fn order(server: &Server, key: usize) -> (u64, String) {
    let lines = json!({ "lines": [{ "item": "cake", "quantity": 1 }] });
    let key = format!("idempotency-key: {key}\r\n");
    let order = ask(server, Role::Customer, "POST /orders", &key, &lines);
    let order = order["id"].as_u64().unwrap();
    let request = format!("POST /orders/{order}/payment");
    let page = ask(server, Role::Customer, &request, "", &Value::Null);
    let url = page["url"].as_str().unwrap();
    (order, url.rsplit('/').next().unwrap().to_owned())
}

/// Stripe sends an event. It's accepted if the service answers 200.
fn is_accepted(address: SocketAddr, event: &str) -> bool {
    let now = Timestamp::now().as_second();
    let signature = sign(event.as_bytes(), WEBHOOK_SECRET, now);
    let header = format!("stripe-signature: {signature}\r\n");
    let response = call(address, "POST /webhooks/stripe", &header, event);
    response.is_ok_and(|(status, _)| status == 200)
}

/// Delivers all events, and kills the service when half of them are accepted. What isn't
/// accepted is sent again, as Stripe does. Returns the service that runs at the end, and how
/// many deliveries failed.
fn deliver(shop: &Shop<'_>, server: Server, events: &[&String]) -> (Server, usize) {
    let half = events.len() / 2;
    let address = Mutex::new(server.address);
    let waiting = Mutex::new(events.to_vec());
    let accepted = Mutex::new(0);
    let failed = Mutex::new(0);
    let server = Mutex::new(Some(server));
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                loop {
                    let Some(event) = waiting.lock().unwrap().pop() else {
                        return;
                    };
                    let to = *address.lock().unwrap();
                    if !is_accepted(to, event) {
                        *failed.lock().unwrap() += 1;
                        waiting.lock().unwrap().push(event);
                        // It's locked while the service starts again.
                        drop(server.lock().unwrap());
                        continue;
                    }
                    let is_half = {
                        let mut accepted = accepted.lock().unwrap();
                        *accepted += 1;
                        *accepted == half
                    };
                    // ANCHOR: kill
                    if is_half {
                        // Dropping the `Server` kills its process. The deliveries of
                        // the other threads fail now.
                        let mut server = server.lock().unwrap();
                        drop(server.take());
                        let next = shop.start();
                        *address.lock().unwrap() = next.address;
                        *server = Some(next);
                    }
                    // ANCHOR_END: kill
                }
            });
        }
    });
    assert_eq!(accepted.into_inner().unwrap(), events.len());
    let server = server.into_inner().unwrap().unwrap();
    (server, failed.into_inner().unwrap())
}

/// `TEST_RUNS=10 cargo test` repeats it more often.
#[test]
fn a_thousand_deliveries_survive_a_service_that_is_killed() {
    let runs = env::var("TEST_RUNS").map_or(1, |runs| runs.parse().unwrap());
    for seed in 0..runs {
        let Some(database) = TestDatabase::create() else {
            return;
        };
        let runtime = Runtime::new().unwrap();
        let stripe = runtime.block_on(StripeApi::start());
        let folder = tempdir().unwrap();
        let shop = Shop {
            folder: folder.path(),
            database: &database,
            stripe: &stripe,
        };
        let server = shop.start();
        database.need_no_accounts();
        let cake = json!({ "name": "Cake", "price_cents": 670, "stock": STOCK });
        let add = "if-none-match: *\r\n";
        ask(&server, Role::Barista, "PUT /menu/cake", add, &cake);

        let mut orders = Vec::new();
        let mut events = Vec::new();
        while events.len() < EVENTS {
            let (sent, end) = HISTORIES[orders.len() % HISTORIES.len()];
            let (order, session) = order(&server, orders.len());
            orders.push((order, end));
            for &one in sent {
                events.push(shop.event(events.len(), one, &session));
            }
        }
        let mut deliveries: Vec<_> =
            events.iter().cycle().take(events.len() * TIMES).collect();
        shuffle(&mut deliveries, seed);
        let (server, failed) = deliver(&shop, server, &deliveries);
        assert!(
            failed > 0,
            "the service was not killed while events arrived"
        );

        let mut sold = 0;
        for (order, end) in orders {
            let request = format!("GET /orders/{order}");
            let found = ask(&server, Role::Customer, &request, "", &Value::Null);
            assert_eq!(found["status"], end, "order {order}, run {seed}");
            sold += u64::from(end == "paid");
        }
        let item = ask(&server, Role::Customer, "GET /menu/cake", "", &Value::Null);
        assert_eq!(item["stock"], STOCK - sold, "run {seed}");
        assert!(stripe.refunds().is_empty(), "run {seed}");
        let recorded = database.count("SELECT count(*) FROM stripe_events");
        assert_eq!(recorded, i64::try_from(events.len()).unwrap());
        assert!(server.stop().success());
    }
}

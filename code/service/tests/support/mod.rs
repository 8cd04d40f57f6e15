//! What the tests share: a service for each test, on every storage, and requests that need
//! no socket.

// Each file in `tests` is a program of its own and uses a part of this module.
#![allow(dead_code)]

#[cfg(feature = "server")]
pub mod openapi;
#[cfg(feature = "server")]
pub mod postgres;
#[cfg(all(unix, feature = "server"))]
pub mod process;

use std::panic::resume_unwind;
#[cfg(feature = "server")]
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use service::AppState;
use service::clock::{Clock, Random};
use service::customers::model::{
    CustomerId, EmailAddress, Identity, RefreshToken, Role, SessionId,
};
use service::customers::repository::NewAccount;
use service::customers::services::Customers;
use service::customers::tokens::{JwtSecrets, Tokens};
use service::menu::model::opening_menu;
use service::menu::services::Menu;
use service::middleware::request_id;
use service::orders::services::Orders;
use service::payments::provider::PaymentProvider;
use service::payments::services::{Gateway, Payments};
use service::payments::stand_in::StandIn;
use service::payments::webhook::WebhookSecrets;
use service::storage::memory::Memory;
use service::{customers, menu, orders, payments};
use tower::ServiceExt;

/// The time at which the clock of these tests starts: 2026-03-02, 08:15 UTC.
pub const NOW: Timestamp = Timestamp::constant(1_772_439_300, 0);

/// The address that the service of these tests has for its clients.
pub const URL: &str = "http://shop.example";

/// The secret that signs the access tokens of these tests.
pub const JWT_SECRET: &str = "only-for-these-tests-0123456789abcdef";

/// The secret with which Stripe signs the events of these tests.
pub const WEBHOOK_SECRET: &str = "whsec_only-for-these-tests";

// Storages.

/// The repositories of all features. They share one storage, unless a test replaces one.
#[derive(Clone)]
pub struct Repositories {
    pub customers: Arc<dyn customers::repository::Repository>,
    pub menu: Arc<dyn menu::repository::Repository>,
    pub orders: Arc<dyn orders::repository::Repository>,
    pub payments: Arc<dyn payments::repository::Repository>,
}

impl Repositories {
    /// All repositories in this storage.
    pub fn of<S>(storage: Arc<S>) -> Self
    where
        S: customers::repository::Repository
            + menu::repository::Repository
            + orders::repository::Repository
            + payments::repository::Repository
            + 'static,
    {
        Self {
            customers: storage.clone(),
            menu: storage.clone(),
            orders: storage.clone(),
            payments: storage,
        }
    }

    /// All repositories in the memory of this process, with the opening menu and with
    /// nothing else.
    pub fn in_memory() -> Self {
        Self::of(Arc::new(Memory::new(opening_menu())))
    }
}

/// Runs a test once for each storage, each time with an empty one: in memory and, if
/// `POSTGRES_URL` names a server, in a database of its own.
pub async fn on_each_storage<F>(test: impl Fn(Repositories) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    on("memory", test(Repositories::in_memory())).await;
    #[cfg(feature = "server")]
    postgres::on_postgres(test).await;
}

/// Runs a test in a task. If it panics, this says on which storage.
async fn on(storage: &str, test: impl Future<Output = ()> + Send + 'static) {
    if let Err(error) = tokio::spawn(test).await {
        eprintln!("The test failed with its data in {storage}.");
        resume_unwind(error.into_panic());
    }
}

// The service.

/// The OpenAPI document of the service.
#[cfg(feature = "server")]
static DOCUMENT: LazyLock<openapi::Document> = LazyLock::new(|| {
    let document = service::openapi::document();
    openapi::Document::new(&serde_json::to_value(document).unwrap())
});

/// A service whose responses can be predicted: its clock stands still until a test moves
/// it, and its request ids and random bytes are counted.
#[derive(Clone)]
pub struct TestApp {
    pub router: Router,
    pub clock: TestClock,
    pub random: Random,
    pub tokens: Tokens,
    pub repositories: Repositories,
    pub payments: Payments,
}

impl TestApp {
    // ANCHOR: new
    /// A service that uses these repositories and a fake payment provider.
    pub fn new(repositories: Repositories) -> Self {
        Self::with_provider(repositories, Some(Arc::new(StandIn::default())))
    }
    // ANCHOR_END: new

    /// A service on these repositories, with this payment provider or with none.
    pub fn with_provider(
        repositories: Repositories,
        provider: Option<Arc<dyn PaymentProvider>>,
    ) -> Self {
        let clock = TestClock::new();
        let random = counted_random();
        let secret = JwtSecrets::parse(JWT_SECRET).unwrap();
        let tokens =
            Tokens::new(&secret, URL, clock.clock(), random.clone()).unwrap();
        let payments = Payments::new(
            repositories.payments.clone(),
            provider.map(|provider| Gateway {
                provider,
                secrets: WebhookSecrets::parse(WEBHOOK_SECRET).unwrap(),
            }),
            clock.clock(),
            random.clone(),
        );
        let before_cancel = Arc::new(payments.clone());
        let state = AppState {
            customers: Customers::new(
                repositories.customers.clone(),
                tokens.clone(),
                clock.clock(),
                random.clone(),
            ),
            menu: Menu::new(repositories.menu.clone()),
            orders: Orders::new(
                repositories.orders.clone(),
                before_cancel,
                clock.clock(),
            ),
            payments: payments.clone(),
        };
        Self {
            router: request_id(service::router(state), count_from_one()),
            clock,
            random,
            tokens,
            repositories,
            payments,
        }
    }

    /// A service with its data in memory.
    pub fn in_memory() -> Self {
        Self::new(Repositories::in_memory())
    }

    // ANCHOR: send
    /// Sends a request, reads the whole response, and checks that the OpenAPI document
    /// describes it.
    pub async fn send(&self, request: Request<Body>) -> TestResponse {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let response = send(&self.router, request).await;
        #[cfg(feature = "server")]
        if let Err(reason) = DOCUMENT.check(&method, &path, &response) {
            panic!("{method} {path}: {reason}: {response:?}");
        }
        response
    }
    // ANCHOR_END: send

    /// Sends a request that succeeds, and returns the body of its response.
    pub async fn json_of(&self, request: Request<Body>) -> Value {
        let response = self.send(request).await;
        assert!(response.status.is_success(), "{response:?}");
        response.json()
    }

    /// The same request with an access token of this customer. The token is valid even if
    /// there is no such customer, since nothing is looked up to check it.
    pub fn signed_in(
        &self,
        customer: u64,
        role: Role,
        request: Request<Body>,
    ) -> Request<Body> {
        let identity = Identity {
            customer: CustomerId::new(customer),
            role,
            session: SessionId::new(customer),
        };
        let token = self.tokens.issue(&identity).unwrap();
        with_token(request, &token)
    }

    /// Signs a customer in who has an account with this name and this role, and returns an
    /// access token. The account gets no password, because its hash would take time.
    pub async fn sign_in_as(&self, name: &str, role: Role) -> String {
        let customers = &self.repositories.customers;
        let now = self.clock.clock().now();
        let address = format!("{name}@shop.example");
        let email = EmailAddress::try_from(address.as_str()).unwrap();
        if customers.account(&email).await.unwrap().is_none() {
            let new = NewAccount {
                email: email.clone(),
                name: name.into(),
                password_hash: "no password has this hash".into(),
                role,
                created_at: now,
            };
            customers.add_customer(new).await.unwrap();
        }
        let account = customers.account(&email).await.unwrap().unwrap();
        let token = RefreshToken::new(self.random.bytes()).hash();
        let begun = customers.begin_session(&account, email.hash(), token, now);
        let mut identity = begun.await.unwrap().unwrap();
        identity.role = role;
        self.tokens.issue(&identity).unwrap()
    }

    /// The same request, sent by a barista.
    pub fn as_barista(&self, request: Request<Body>) -> Request<Body> {
        self.signed_in(1_000_000, Role::Barista, request)
    }
}

/// A clock that stands still until a test moves it.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<Timestamp>>);

impl TestClock {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(NOW)))
    }

    /// The clock, for the service.
    pub fn clock(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Clock::new(move || *now.lock().unwrap())
    }

    /// Moves the clock forward, or backward by a negative number of seconds.
    pub fn advance(&self, seconds: i64) {
        *self.0.lock().unwrap() += SignedDuration::from_secs(seconds);
    }
}

/// Random bytes that can be predicted: the numbers 1, 2, 3, and so on. Each is repeated until
/// it has 32 bytes, so that each part of them differs from call to call.
pub fn counted_random() -> Random {
    let last = AtomicU64::new(0);
    Random::new(move || {
        let number = last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    })
}

/// Request ids 1, 2, 3, and so on.
pub fn count_from_one() -> impl Fn() -> HeaderValue + Send + Sync + 'static {
    let last = AtomicU64::new(0);
    move || (last.fetch_add(1, Ordering::Relaxed) + 1).into()
}

// Requests.

/// A request without a body.
pub fn request(method: Method, path: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    request.body(Body::empty()).unwrap()
}

/// A request with a JSON body.
pub fn request_with(method: Method, path: &str, body: &Value) -> Request<Body> {
    request_with_text(method, path, body.to_string())
}

/// A request with a body that says that it is JSON.
pub fn request_with_text(
    method: Method,
    path: &str,
    body: impl Into<Body>,
) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(CONTENT_TYPE, "application/json");
    request.body(body.into()).unwrap()
}

pub fn get(path: &str) -> Request<Body> {
    request(Method::GET, path)
}

pub fn delete(path: &str) -> Request<Body> {
    request(Method::DELETE, path)
}

pub fn put(path: &str, body: Value) -> Request<Body> {
    request_with(Method::PUT, path, &body)
}

pub fn post(path: &str, body: Value) -> Request<Body> {
    request_with(Method::POST, path, &body)
}

pub fn patch(path: &str, body: Value) -> Request<Body> {
    request_with(Method::PATCH, path, &body)
}

/// The same request with this access token.
pub fn with_token(request: Request<Body>, token: &str) -> Request<Body> {
    with_header(request, AUTHORIZATION.as_str(), &format!("Bearer {token}"))
}

/// The same request with one more header.
pub fn with_header(
    mut request: Request<Body>,
    name: &'static str,
    value: &str,
) -> Request<Body> {
    let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
    request.headers_mut().append(name, value);
    request
}

// Responses.

/// A response with its whole body.
#[derive(Debug)]
pub struct TestResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl TestResponse {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.body) {
            Ok(body) => body,
            Err(error) => panic!("{error}: {self:?}"),
        }
    }

    /// A header as text, empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a problem document with this status, and returns it.
    #[track_caller]
    pub fn problem(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_ne!(self.header("x-request-id"), "");
        let problem = self.json();
        assert_eq!(problem["status"], status.as_u16());
        for member in ["type", "title", "detail"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "no {member}: {problem}");
        }
        problem
    }
}

/// Sends a request to a router and reads the whole response.
pub async fn send(router: &Router, request: Request<Body>) -> TestResponse {
    let Ok(response) = router.clone().oneshot(request).await;
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    TestResponse {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.into()).unwrap(),
    }
}

//! The service of `code/service`, put together for the pages: with its data in memory, a
//! fixed clock, random bytes and request ids that count from 1, two accounts, and a payment
//! provider that takes no money. All secrets are published here, so they protect nothing.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use axum::Router;
use jiff::Timestamp;
use service::AppState;
use service::clock::{Clock, Random};
use service::customers::model::{EmailAddress, Role};
use service::customers::repository::{NewAccount, Repository};
use service::customers::services::Customers;
use service::customers::tokens::{JwtSecrets, Tokens};
use service::menu::model::opening_menu;
use service::menu::services::Menu;
use service::middleware::request_id;
use service::orders::services::Orders;
use service::payments::services::{Gateway, Payments};
use service::payments::stand_in::StandIn;
use service::payments::webhook::WebhookSecrets;
use service::storage::memory::Memory;

/// The time that the clock of [`app`] always shows: 2026-03-02, 08:15 UTC.
pub const OPENING: Timestamp = Timestamp::constant(1_772_439_300, 0);

/// The address of the service, for which its tokens are made.
pub const URL: &str = "http://127.0.0.1:4000";

/// The secret that signs the access tokens.
pub const JWT_SECRET: &str = "published-in-the-guide-so-it-protects-nothing";

/// The secret that signs the events of the payment provider.
pub const WEBHOOK_SECRET: &str = "whsec_published_in_the_guide";

/// The password of both accounts.
pub const PASSWORD: &str = "a flat white and a croissant";

/// The Argon2id hash of [`PASSWORD`].
const PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$cHVibGlzaGVkIGluIHRoZQ$DPIUa6/17ryM60cDj6BNz8LjYlSThvdzREkxKS2ZQZU";

// ANCHOR: accounts
/// The accounts: email address, name and role.
const ACCOUNTS: [(&str, &str, Role); 2] = [
    ("ada@shop.example", "Ada", Role::Customer),
    ("tom@shop.example", "Tom", Role::Barista),
];
// ANCHOR_END: accounts

/// The service as the pages play it: the same requests always get the same responses.
pub fn app() -> Router {
    let next_id = counter();
    request_id(service::router(state()), move || next_id().into())
}

/// The service with the layers that a server adds: log, timeout, panics.
#[cfg(feature = "server")]
pub fn served() -> Router {
    use axum::http::HeaderValue;
    use service::middleware::server_layers;

    let next_id = counter();
    server_layers(service::router(state()), move || {
        HeaderValue::from(next_id())
    })
}

/// A function that returns 1, 2, 3, and so on.
fn counter() -> impl Fn() -> u64 + Send + Sync + 'static {
    let last = AtomicU64::new(0);
    move || last.fetch_add(1, Ordering::Relaxed) + 1
}

fn state() -> AppState {
    let storage = Arc::new(Memory::new(opening_menu()));
    for (email, name, role) in ACCOUNTS {
        add_account(&storage, email, name, role);
    }
    let clock = Clock::new(|| OPENING);
    let random = counted_random();
    let secret = JwtSecrets::parse(JWT_SECRET).expect("it has 32 bytes");
    let tokens = Tokens::new(&secret, URL, clock.clone(), random.clone());
    let tokens = tokens.expect("the secret can be a key");
    let secrets = WebhookSecrets::parse(WEBHOOK_SECRET).expect("it's a secret");
    let gateway = Gateway {
        provider: Arc::new(StandIn::default()),
        secrets,
    };
    let payments = Payments::new(
        storage.clone(),
        Some(gateway),
        clock.clone(),
        random.clone(),
    );
    AppState {
        customers: Customers::new(
            storage.clone(),
            tokens,
            clock.clone(),
            random.clone(),
        ),
        menu: Menu::new(storage.clone()),
        orders: Orders::new(storage, Arc::new(payments.clone()), clock),
        payments,
    }
}

/// Adds an account whose password is [`PASSWORD`].
fn add_account(storage: &Memory, email: &str, name: &str, role: Role) {
    let new = NewAccount {
        email: EmailAddress::try_from(email).expect("it's an address"),
        name: name.to_owned(),
        password_hash: PASSWORD_HASH.to_owned(),
        role,
        created_at: OPENING,
    };
    // A page can't wait for a future here. In memory, the future is ready at once.
    let added = pin!(storage.add_customer(new));
    let added = added.poll(&mut Context::from_waker(Waker::noop()));
    assert!(
        matches!(added, Poll::Ready(Ok(_))),
        "{email} can't be added"
    );
}

/// Random bytes that can be predicted: the numbers 1, 2, 3, and so on. Each is repeated until
/// it has 32 bytes.
fn counted_random() -> Random {
    let next = counter();
    Random::new(move || {
        let number = next().to_be_bytes();
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&number);
        }
        bytes
    })
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, header};
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn both_accounts_can_sign_in_and_have_their_roles() {
        let app = app();
        for (email, name, role) in ACCOUNTS {
            let body = json!({ "email": email, "password": PASSWORD });
            let request = Request::post("/sessions")
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string()));
            let pair = send(&app, request.unwrap()).await;
            let token = pair["access_token"].as_str().unwrap();
            let request = Request::get("/me")
                .header(header::AUTHORIZATION, format!("Bearer {token}"))
                .body(Body::empty());
            let me = send(&app, request.unwrap()).await;
            assert_eq!(me["name"], name);
            assert_eq!(me["role"], json!(role));
        }
    }

    async fn send(app: &Router, request: Request<Body>) -> Value {
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}

//! A fake Stripe on your machine: try payments without an account at Stripe.
//!
//! Start this program with `cargo run --example fake-stripe`. It prints the command that
//! starts the service with the right settings. Run that command in another terminal.
//!
//! The program answers the service's calls, shows a payment page without a form for cards,
//! and sends signed events to the service. It keeps everything in memory. Unlike Stripe, it
//! doesn't check the secret key, and it sends each event only once.
//!
//! If you've changed the service's setting `SHOP_ADDRESS`, start this program with the same
//! value.

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;
use uuid::Uuid;

/// The address of this program.
const URL: &str = "http://127.0.0.1:4242";

/// The secret that signs the events.
pub const WEBHOOK_SECRET: &str = "whsec_fake";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:4242")
        .await
        .with_context(|| format!("can't listen on {URL}"))?;
    // The setting of the service, with the service's default.
    let service = env::var("SHOP_ADDRESS").unwrap_or("127.0.0.1:4000".to_owned());
    let webhook = format!("http://{service}/webhooks/stripe");
    println!(
        "A fake Stripe is running. Start the service in another terminal:\n\n\
         STRIPE_API={URL} STRIPE_SECRET_KEY=sk_test_fake \
         STRIPE_WEBHOOK_SECRET={WEBHOOK_SECRET} cargo run"
    );
    axum::serve(listener, router(FakeStripe::new(URL, &webhook))).await?;
    Ok(())
}

/// The endpoints that the service calls, and the payment page.
pub fn router(stripe: FakeStripe) -> Router {
    Router::new()
        .route("/v1/checkout/sessions", post(create_session))
        .route("/v1/checkout/sessions/{id}", get(read_session))
        .route("/v1/checkout/sessions/{id}/expire", post(expire_session))
        .route("/v1/refunds", post(refund))
        .route("/pay/{id}", get(payment_page).post(pay))
        .with_state(stripe)
}

/// The state of the program, which all handlers share.
#[derive(Clone)]
pub struct FakeStripe {
    url: String,
    webhook: String,
    client: Client<HttpConnector, Full<Bytes>>,
    sessions: Arc<Mutex<HashMap<String, Session>>>,
}

/// A Checkout Session: a page on which a customer pays once.
#[derive(Clone)]
struct Session {
    id: String,
    /// `open`, `complete` or `expired`.
    status: &'static str,
    refunded: bool,
    /// The `idempotency-key` header of the request that created the session.
    key: Option<HeaderValue>,
    /// In cents.
    amount: u64,
    currency: String,
    /// The reference of the payment, which the service finds again in the events.
    payment: String,
    success_url: String,
}

/// An error of Stripe's API: a status, and JSON that says what was wrong.
type ApiError = (StatusCode, Json<Value>);

fn api_error(status: StatusCode, code: &str, message: &str) -> ApiError {
    let error = json!({ "error": { "code": code, "message": message } });
    (status, Json(error))
}

fn bad_request(code: &str, message: &str) -> ApiError {
    api_error(StatusCode::BAD_REQUEST, code, message)
}

fn not_found() -> ApiError {
    let message =
        "there is no such session or payment: this fake forgets everything at exit";
    api_error(StatusCode::NOT_FOUND, "resource_missing", message)
}

async fn create_session(
    State(stripe): State<FakeStripe>,
    headers: HeaderMap,
    body: String,
) -> Result<Json<Value>, ApiError> {
    let form: HashMap<_, _> = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let field = |name: &str| {
        form.get(name).cloned().ok_or_else(|| {
            let message = format!("the field {name} is missing");
            bad_request("parameter_missing", &message)
        })
    };
    let amount = field("line_items[0][price_data][unit_amount]")?;
    let session = Session {
        id: format!("cs_test_{}", Uuid::new_v4()),
        status: "open",
        refunded: false,
        key: headers.get("idempotency-key").cloned(),
        amount: amount.parse().map_err(|_| {
            let message = format!("{amount} is not an amount in cents");
            bad_request("parameter_invalid_integer", &message)
        })?,
        currency: field("line_items[0][price_data][currency]")?,
        payment: field("metadata[payment]")?,
        success_url: field("success_url")?,
    };

    let mut sessions = stripe.sessions();
    // If the service sends a request again because the response got lost, the request has the
    // same key, and gets the same session.
    let has_same_key = |s: &&Session| s.key.is_some() && s.key == session.key;
    if let Some(existing) = sessions.values().find(has_same_key) {
        return Ok(Json(stripe.session_json(existing)));
    }
    let response = stripe.session_json(&session);
    sessions.insert(session.id.clone(), session);
    Ok(Json(response))
}

async fn read_session(
    State(stripe): State<FakeStripe>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let sessions = stripe.sessions();
    let session = sessions.get(&id).ok_or_else(not_found)?;
    Ok(Json(stripe.session_json(session)))
}

async fn expire_session(
    State(stripe): State<FakeStripe>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let session = stripe.change(&id, |session| {
        if session.status != "open" {
            let message = format!(
                "the session is {}, and only an open one can expire",
                session.status
            );
            return Err(bad_request("", &message));
        }
        session.status = "expired";
        Ok(())
    })?;
    stripe
        .send("checkout.session.expired", session.in_event())
        .await;
    Ok(Json(stripe.session_json(&session)))
}

/// Stripe may send an event before its response or after it. This program sends the event
/// first, so that the order has changed when the client gets its response.
async fn refund(
    State(stripe): State<FakeStripe>,
    body: String,
) -> Result<Json<Value>, ApiError> {
    let mut form = form_urlencoded::parse(body.as_bytes());
    let payment_intent = form.find(|(name, _)| name == "payment_intent");
    let payment_intent = payment_intent.map(|(_, value)| value).unwrap_or_default();
    let id = payment_intent.replacen("pi_", "cs_", 1);
    let session = stripe.change(&id, |session| {
        if session.status != "complete" {
            return Err(not_found()); // nobody has paid yet
        }
        if session.refunded {
            let message = "the money has gone back before";
            return Err(bad_request("charge_already_refunded", message));
        }
        session.refunded = true;
        Ok(())
    })?;
    stripe.send("charge.refunded", session.charge()).await;
    Ok(Json(json!({ "object": "refund", "status": "succeeded" })))
}

async fn payment_page(
    State(stripe): State<FakeStripe>,
    Path(id): Path<String>,
) -> Result<Html<String>, ApiError> {
    let sessions = stripe.sessions();
    let Session { amount, status, .. } = sessions.get(&id).ok_or_else(not_found)?;
    let (euros, cents) = (amount / 100, amount % 100);
    Ok(Html(format!(
        "<!doctype html><html lang=en><title>Fake payment page</title>\
         <p>This page is {status}.\
         <form method=post><button>Pay {euros}.{cents:02}, without any money</button></form>"
    )))
}

/// The customer pays. A second press sends a second event, as Stripe may do, too.
async fn pay(
    State(stripe): State<FakeStripe>,
    Path(id): Path<String>,
) -> Result<String, ApiError> {
    let session = stripe.change(&id, |session| {
        if session.status == "expired" {
            let message = "this page has expired";
            return Err(api_error(StatusCode::CONFLICT, "", message));
        }
        session.status = "complete";
        Ok(())
    })?;
    let result = stripe
        .send("checkout.session.completed", session.in_event())
        .await;
    let back = session.success_url;
    Ok(format!(
        "checkout.session.completed: {result}\n\
         Stripe would now send the browser to {back}\n"
    ))
}

impl FakeStripe {
    /// `url` is the address of this program, and `webhook` the one that gets the events.
    pub fn new(url: &str, webhook: &str) -> Self {
        Self {
            url: url.to_owned(),
            webhook: webhook.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            sessions: Arc::default(),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions
            .lock()
            .expect("no handler panics while it holds the lock")
    }

    /// A session as it is in a response.
    fn session_json(&self, session: &Session) -> Value {
        let Session { id, status, .. } = session;
        json!({ "id": id, "status": status, "url": format!("{}/pay/{id}", self.url) })
    }

    /// Changes the session with this id. Returns the session as it is now.
    fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut Session) -> Result<(), ApiError>,
    ) -> Result<Session, ApiError> {
        let mut sessions = self.sessions();
        let session = sessions.get_mut(id).ok_or_else(not_found)?;
        change(session)?;
        Ok(session.clone())
    }

    /// Sends an event. Prints and returns what the service answered.
    async fn send(&self, kind: &str, object: Value) -> String {
        let result = match self.try_to_send(kind, object).await {
            Ok(status) => format!("the service answered {status}"),
            Err(error) => format!("this event could not be sent: {error:#}"),
        };
        println!("{kind}: {result}");
        result
    }

    // ANCHOR: send
    /// Sends an event, signed as Stripe signs it.
    async fn try_to_send(
        &self,
        kind: &str,
        object: Value,
    ) -> anyhow::Result<StatusCode> {
        let id = format!("evt_{}", Uuid::new_v4());
        let event = json!({ "id": id, "type": kind, "data": { "object": object } });
        let body = event.to_string();

        let seconds = Timestamp::now().as_second();
        let mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes())?;
        let mac = mac.chain_update(format!("{seconds}.{body}")).finalize();
        let hex: String = mac
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();

        let request = Request::post(&self.webhook)
            .header("stripe-signature", format!("t={seconds},v1={hex}"))
            .body(Full::from(body))?;
        Ok(self.client.request(request).await?.status())
    }
    // ANCHOR_END: send
}

impl Session {
    /// The id of the payment, which Stripe calls a PaymentIntent. Here, it's the id of the session
    /// with another prefix.
    fn payment_intent(&self) -> String {
        self.id.replacen("cs_", "pi_", 1)
    }

    /// The session as it is in an event.
    fn in_event(&self) -> Value {
        let paid = self.status == "complete";
        json!({
            "id": self.id,
            "object": "checkout.session",
            "amount_total": self.amount,
            "currency": self.currency,
            "metadata": { "payment": self.payment },
            "payment_intent": paid.then(|| self.payment_intent()),
            "payment_status": if paid { "paid" } else { "unpaid" },
        })
    }

    /// The customer's payment as it is in an event.
    fn charge(&self) -> Value {
        json!({
            "object": "charge",
            "metadata": { "payment": self.payment },
            "payment_intent": self.payment_intent(),
            "refunded": self.refunded,
        })
    }
}

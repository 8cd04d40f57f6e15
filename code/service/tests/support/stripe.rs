//! A stand-in for Stripe's API: a server on an address of its own, which does what the real
//! one does for the calls of the service, and which fails when a test asks for it.

// Each file in `tests` is a program of its own and uses a part of this module.
#![allow(dead_code)]

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

/// The secret key of the account.
pub const SECRET_KEY: &str = "sk_test_only-for-these-tests";

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub form: BTreeMap<String, String>,
}

impl Received {
    pub fn key(&self) -> &str {
        self.headers["idempotency-key"].to_str().unwrap()
    }
}

// ANCHOR: fault
/// What `StripeApi` does with the next request, instead of responding normally.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A response with this status. The request isn't carried out.
    Status(u16),
    /// A response with this status and with the header `stripe-should-retry:
    /// false`, so the service must not try again. The request isn't carried out.
    Final(u16),
    /// No response. The request isn't carried out.
    Hang,
    /// No response, although the request is carried out.
    HangAfterwards,
    /// A body that is cut off, although the request is carried out.
    BreakOff,
}
// ANCHOR_END: fault

#[derive(Default)]
struct Account {
    received: Vec<Received>,
    faults: VecDeque<Fault>,
    sessions: BTreeMap<String, Session>,
    /// The payments that were refunded.
    refunds: Vec<String>,
    /// The parameters and the response of each idempotency key.
    keys: HashMap<String, (Received, StatusCode, Value)>,
}

/// A Checkout Session.
struct Session {
    status: &'static str,
    /// What it was created with.
    form: BTreeMap<String, String>,
}

/// The stand-in. It ends with the test's runtime.
#[derive(Clone)]
pub struct StripeApi {
    /// Its address, such as `http://127.0.0.1:40123`.
    pub url: String,
    account: Arc<Mutex<Account>>,
}

impl StripeApi {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let api = Self {
            url,
            account: Arc::default(),
        };
        let app = Router::new().fallback(answer).with_state(api.clone());
        tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        api
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.account().received.clone()
    }

    /// The payments that were refunded.
    pub fn refunds(&self) -> Vec<String> {
        self.account().refunds.clone()
    }

    /// The status of a session: `open`, `complete` or `expired`.
    pub fn status(&self, session: &str) -> &'static str {
        self.account().sessions[session].status
    }

    /// The session as it is in an event: with the amount that it was created with, and with
    /// this `payment_status`.
    pub fn session(&self, id: &str, payment_status: &str) -> Value {
        let account = self.account();
        let form = &account.sessions[id].form;
        let amount = &form["line_items[0][price_data][unit_amount]"];
        json!({
            "id": id,
            "object": "checkout.session",
            "amount_total": amount.parse::<u64>().unwrap(),
            "client_reference_id": form["client_reference_id"],
            "currency": form["line_items[0][price_data][currency]"],
            "metadata": { "payment": form["metadata[payment]"] },
            "payment_intent": payment_intent(id),
            "payment_status": payment_status,
        })
    }

    /// The charge for a session as it is in an event.
    pub fn charge(&self, session: &str, refunded: bool) -> Value {
        let account = self.account();
        let form = &account.sessions[session].form;
        json!({
            "id": format!("ch_{session}"),
            "object": "charge",
            "metadata": { "payment": form["payment_intent_data[metadata][payment]"] },
            "payment_intent": payment_intent(session),
            "refunded": refunded,
        })
    }

    /// The kind of an event, and the object in it.
    pub fn event_of(&self, sent: Sent, session: &str) -> (&'static str, Value) {
        let (kind, payment_status) = match sent {
            Sent::Paid => ("checkout.session.completed", "paid"),
            Sent::Unpaid => ("checkout.session.completed", "unpaid"),
            Sent::Succeeded => ("checkout.session.async_payment_succeeded", "paid"),
            Sent::Failed => ("checkout.session.async_payment_failed", "unpaid"),
            Sent::Expired => ("checkout.session.expired", "unpaid"),
            Sent::Refunded => {
                return ("charge.refunded", self.charge(session, true));
            }
        };
        (kind, self.session(session, payment_status))
    }

    /// The customer finishes on the page of this session.
    pub fn complete(&self, session: &str) {
        let mut account = self.account();
        let session = account.sessions.get_mut(session).unwrap();
        assert_eq!(session.status, "open");
        session.status = "complete";
    }

    /// The next requests fail in these ways, one after the other.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.account().faults.extend(faults);
    }
}

/// An event that Stripe sends about a session or its money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sent {
    Paid,
    Unpaid,
    Succeeded,
    Failed,
    Expired,
    Refunded,
}

// ANCHOR: histories
/// Each history lists the events that Stripe sends about one payment, and the order's
/// final status.
pub const HISTORIES: [(&[Sent], &str); 6] = [
    (&[Sent::Paid], "paid"),
    (&[Sent::Unpaid, Sent::Succeeded], "paid"),
    (&[Sent::Unpaid, Sent::Failed], "canceled"),
    (&[Sent::Expired], "canceled"),
    (&[Sent::Paid, Sent::Refunded], "canceled"),
    (&[Sent::Unpaid, Sent::Succeeded, Sent::Refunded], "canceled"),
];
// ANCHOR_END: histories

/// Shuffles deliveries. The result is the same each time for the same seed.
pub fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for last in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        items.swap(last, (seed >> 33) as usize % (last + 1));
    }
}

async fn answer(
    State(api): State<StripeApi>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = form_urlencoded::parse(&body).into_owned().collect();
    let request = Received {
        method,
        path: uri.path().to_owned(),
        headers,
        form,
    };
    let fault = {
        let mut account = api.account();
        account.received.push(request.clone());
        account.faults.pop_front()
    };
    match fault {
        None => {
            let (status, body) = api.account().answer(request);
            (status, axum::Json(body)).into_response()
        }
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, "an error that is not JSON").into_response()
        }
        Some(Fault::Final(status)) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [("stripe-should-retry", "false")]).into_response()
        }
        Some(Fault::Hang) => pending().await,
        Some(Fault::HangAfterwards) => {
            api.account().answer(request);
            pending().await
        }
        Some(Fault::BreakOff) => {
            api.account().answer(request);
            let response = Response::builder().header("content-length", "100");
            response.body(Body::from("{")).unwrap()
        }
    }
}

fn error(status: u16, code: &str, message: &str) -> (StatusCode, Value) {
    let error = json!({
        "type": "invalid_request_error", "code": code, "message": message
    });
    let status = StatusCode::from_u16(status).unwrap();
    (status, json!({ "error": error }))
}

impl Account {
    fn answer(&mut self, request: Received) -> (StatusCode, Value) {
        let authorization = request.headers.get("authorization");
        let expected = format!("Bearer {SECRET_KEY}");
        if authorization.is_none_or(|value| value != expected.as_str()) {
            return error(401, "", "Invalid API Key provided");
        }
        if request.method == Method::GET {
            let id = request.path.strip_prefix("/v1/checkout/sessions/").unwrap();
            let body = json!({ "id": id, "status": self.sessions[id].status, "url": null });
            return (StatusCode::OK, body);
        }
        let content_type = &request.headers[CONTENT_TYPE];
        assert_eq!(content_type, "application/x-www-form-urlencoded");
        let key = request.key().to_owned();
        if let Some((first, status, body)) = self.keys.get(&key) {
            if (&first.path, &first.form) == (&request.path, &request.form) {
                return (*status, body.clone());
            }
            return error(
                400,
                "",
                "Keys can only be used with the same parameters",
            );
        }
        let (status, body) = self.post(&request);
        self.keys.insert(key, (request, status, body.clone()));
        (status, body)
    }

    fn post(&mut self, request: &Received) -> (StatusCode, Value) {
        let path: Vec<_> = request.path.split('/').skip(1).collect();
        match path.as_slice() {
            ["v1", "checkout", "sessions"] => {
                let id = format!("cs_test_{}", self.sessions.len() + 1);
                let session = Session {
                    status: "open",
                    form: request.form.clone(),
                };
                self.sessions.insert(id.clone(), session);
                let url = format!("https://checkout.stripe.com/c/pay/{id}");
                let body = json!({ "id": id, "status": "open", "url": url });
                (StatusCode::OK, body)
            }
            ["v1", "checkout", "sessions", id, "expire"] => {
                let session = self.sessions.get_mut(*id).unwrap();
                if session.status != "open" {
                    return error(400, "", "Only open sessions can be expired");
                }
                session.status = "expired";
                (
                    StatusCode::OK,
                    json!({ "id": id, "status": "expired", "url": null }),
                )
            }
            ["v1", "refunds"] => {
                let payment = request.form["payment_intent"].clone();
                if self.refunds.contains(&payment) {
                    return error(
                        400,
                        "charge_already_refunded",
                        "Already refunded",
                    );
                }
                self.refunds.push(payment);
                (
                    StatusCode::OK,
                    json!({ "id": "re_1", "status": "succeeded" }),
                )
            }
            _ => error(404, "", "Unrecognized request URL"),
        }
    }
}

/// The id of the payment of a session.
pub fn payment_intent(session: &str) -> String {
    format!("pi_{session}")
}

/// An event of Stripe's.
pub fn event(id: &str, kind: &str, object: &Value) -> String {
    let event = json!({
        "id": id, "object": "event", "type": kind, "data": { "object": object }
    });
    event.to_string()
}

/// The header that Stripe sends with this event.
pub fn sign(body: &[u8], secret: &str, seconds: i64) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let mac = mac.chain_update(format!("{seconds}.")).chain_update(body);
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

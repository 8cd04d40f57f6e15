//! A client of Stripe's API, for the four calls that the service makes.

use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Request, StatusCode};
use form_urlencoded::Serializer;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{instrument, warn};

use super::provider::{
    CURRENCY, Ended, NewSession, OpenSession, PaymentProvider, ProviderError,
    Refund,
};
use crate::clock::Random;
use crate::storage::Source;

/// Stripe's own address.
pub const API: &str = "https://api.stripe.com";

/// The version of Stripe's API that this client was written for. Without it, the version
/// would change with the settings of the account.
const API_VERSION: &str = "2026-07-29.dahlia";

/// How often a call is tried.
const TRIES: u32 = 3;

/// The longest response that is read, in bytes.
const MAX_RESPONSE: usize = 256 * 1024;

/// How long the calls may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until one try has its whole response.
    pub response: Duration,
    /// All tries of a call together. A request may need two calls, and it also waits for the
    /// database, before and after. Therefore this is less than half of
    /// [`REQUEST_TIMEOUT`](crate::middleware::REQUEST_TIMEOUT).
    pub total: Duration,
    /// The longest pause before the second try. The pause doubles with each try.
    pub first_pause: Duration,
}

// ANCHOR: timeouts
impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            response: Duration::from_secs(4),
            total: Duration::from_secs(6),
            first_pause: Duration::from_millis(400),
        }
    }
}
// ANCHOR_END: timeouts

/// Stripe.
pub struct Stripe {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    api: String,
    authorization: HeaderValue,
    website: String,
    random: Random,
    timeouts: Timeouts,
}

impl Stripe {
    /// A client of Stripe at this address, usually [`API`]. `website` is the address to which
    /// Stripe sends customers afterward, without a path.
    ///
    /// # Errors
    ///
    /// If the secret key has characters that no header can hold.
    pub fn new(
        api: &str,
        secret_key: &SecretString,
        website: &str,
        random: Random,
        timeouts: Timeouts,
    ) -> anyhow::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false); // the connector below adds TLS, which makes it `https`
        tcp.set_connect_timeout(Some(timeouts.connect));
        tcp.set_nodelay(true);
        // The certificates that browsers trust are compiled in, so the service also runs in
        // a container that has none.
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(ring::default_provider())?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let bearer = format!("Bearer {}", secret_key.expose_secret());
        let mut authorization = HeaderValue::try_from(bearer)
            .context("the secret key can't be sent in a header")?;
        authorization.set_sensitive(true); // `Debug` doesn't show it
        Ok(Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector),
            api: api.to_owned(),
            authorization,
            website: website.to_owned(),
            random,
            timeouts,
        })
    }

    /// Calls Stripe and reads the JSON of its response. Where Stripe may be able to do it a
    /// moment later, the call is tried again, with the same key.
    async fn call<T: DeserializeOwned>(
        &self,
        request: &Call<'_>,
        deadline: Instant,
    ) -> Result<T, ProviderError> {
        let mut maybe_done = false;
        let mut tries = 1;
        loop {
            // ANCHOR: try
            let limit = deadline.min(Instant::now() + self.timeouts.response);
            let failure = match timeout_at(limit, self.send(request)).await {
                Ok(Ok(body)) => {
                    return serde_json::from_slice(&body)
                        .map_err(|e| ProviderError::OutcomeUnknown(e.into()));
                }
                Ok(Err(failure)) => failure,
                Err(elapsed) => Failure::unknown(elapsed),
            };
            // ANCHOR_END: try
            // ANCHOR: again
            maybe_done |= matches!(failure.error, ProviderError::OutcomeUnknown(_));
            let pause = self.pause(tries);
            if !failure.retry
                || tries == TRIES
                || Instant::now() + pause >= deadline
            {
                return Err(match failure.error {
                    // Stripe did nothing in this try, but an earlier try may
                    // have succeeded.
                    ProviderError::Unavailable(source) if maybe_done => {
                        ProviderError::OutcomeUnknown(source)
                    }
                    error => error,
                });
            }
            warn!(error = %failure.source(), path = request.path, "asking Stripe again");
            tries += 1;
            sleep(pause).await;
            // ANCHOR_END: again
        }
    }

    /// Sends one request, and reads its response.
    async fn send(&self, call: &Call<'_>) -> Result<Bytes, Failure> {
        let mut request = Request::builder()
            .method(&call.method)
            .uri(format!("{}{}", self.api, call.path))
            .header(AUTHORIZATION, &self.authorization)
            .header("stripe-version", API_VERSION);
        if let Some(key) = &call.key {
            request = request
                .header("idempotency-key", key)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Full::from(call.form.clone());
        let request = request.body(body).map_err(Failure::refused)?;

        let response = self.client.request(request).await.map_err(|error| {
            if error.is_connect() {
                Failure::unavailable(error)
            } else {
                Failure::unknown(error)
            }
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_RESPONSE).collect().await;
        let body = body.map_err(Failure::unknown)?.to_bytes();
        if head.status.is_success() {
            return Ok(body);
        }

        let cause = ApiError::new(head.status, &body);
        // ANCHOR: statuses
        let mut failure = match head.status {
            // Stripe has done nothing.
            StatusCode::TOO_MANY_REQUESTS => Failure::unavailable(cause),
            // Usually, Stripe is still working on another request with this key, for
            // example because the customer pressed the button twice.
            StatusCode::CONFLICT => Failure::unknown(cause),
            // Something outside of Stripe failed, such as a bank.
            StatusCode::FAILED_DEPENDENCY => Failure::unknown(cause),
            status if status.is_client_error() => Failure::refused(cause),
            _ => Failure::unknown(cause),
        };
        // ANCHOR_END: statuses
        // Stripe knows best. It stores the response for a key, for example, and would only
        // repeat most of those with the status 500.
        match head
            .headers
            .get("stripe-should-retry")
            .map(HeaderValue::as_bytes)
        {
            Some(b"true") => failure.retry = true,
            Some(b"false") => failure.retry = false,
            _ => {}
        }
        Err(failure)
    }

    /// When the tries of a call that begins now have to end.
    fn deadline(&self) -> Instant {
        Instant::now() + self.timeouts.total
    }

    // ANCHOR: pause
    /// How long to wait after this many tries. The pause is random: at least half of
    /// `longest`, but less than `longest`. So after Stripe has had an outage, the
    /// clients don't all retry at the same moment.
    fn pause(&self, tries: u32) -> Duration {
        let longest = self.timeouts.first_pause * 2_u32.pow(tries - 1);
        let [byte, ..] = self.random.bytes();
        longest * (256 + u32::from(byte)) / 512
    }
    // ANCHOR_END: pause
}

/// A call of the API.
struct Call<'a> {
    method: Method,
    path: &'a str,
    /// With the same key, Stripe doesn't do the same thing twice: it repeats its response
    /// (for 24 hours at least). Each call that changes something has one.
    key: Option<String>,
    form: String,
}

impl<'a> Call<'a> {
    fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            key: None,
            form: String::new(),
        }
    }

    fn post(path: &'a str, key: String, form: &[(&str, &str)]) -> Self {
        Self {
            method: Method::POST,
            path,
            key: Some(key),
            form: Serializer::new(String::new()).extend_pairs(form).finish(),
        }
    }
}

/// Why a try failed, and whether another one may succeed.
struct Failure {
    error: ProviderError,
    retry: bool,
}

impl Failure {
    fn refused(source: impl Into<Source>) -> Self {
        let error = ProviderError::Refused(source.into());
        Self {
            error,
            retry: false,
        }
    }

    fn unavailable(source: impl Into<Source>) -> Self {
        let error = ProviderError::Unavailable(source.into());
        Self { error, retry: true }
    }

    fn unknown(source: impl Into<Source>) -> Self {
        let error = ProviderError::OutcomeUnknown(source.into());
        Self { error, retry: true }
    }

    fn source(&self) -> &Source {
        match &self.error {
            ProviderError::Refused(source)
            | ProviderError::Unavailable(source)
            | ProviderError::OutcomeUnknown(source) => source,
        }
    }
}

/// An error response of Stripe.
#[derive(Debug, Error)]
#[error("Stripe answered {status}: {code}: {message}")]
struct ApiError {
    status: StatusCode,
    /// What is wrong, for programs, such as `charge_already_refunded`. May be empty.
    code: String,
    /// What is wrong, for developers. May be empty.
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, body: &[u8]) -> Self {
        #[derive(Deserialize, Default)]
        struct Body {
            error: Details,
        }
        #[derive(Deserialize, Default)]
        struct Details {
            code: Option<String>,
            message: Option<String>,
        }

        // A proxy in between may send an error that isn't JSON.
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        Self {
            status,
            code: body.error.code.unwrap_or_default(),
            message: body.error.message.unwrap_or_default(),
        }
    }
}

#[async_trait]
impl PaymentProvider for Stripe {
    #[instrument(skip_all)]
    async fn create_session(
        &self,
        new: &NewSession,
    ) -> Result<OpenSession, ProviderError> {
        #[derive(Deserialize)]
        struct Created {
            id: String,
            url: String,
        }

        let order = new.order.to_string();
        let name = format!("Order {order}");
        let amount = new.amount.get().to_string();
        let expires_at = new.expires_at.as_second().to_string();
        let back = format!("{}/orders/{order}", self.website);
        // ANCHOR: form
        let form = [
            ("mode", "payment"),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", CURRENCY),
            ("line_items[0][price_data][unit_amount]", &amount),
            ("line_items[0][price_data][product_data][name]", &name),
            // Otherwise, Stripe may let the customer pay in another currency.
            ("adaptive_pricing[enabled]", "false"),
            ("client_reference_id", &order),
            // Events about a session contain the session's metadata. The `charge.refunded` event
            // contains the charge's, which Stripe copies from the PaymentIntent.
            ("metadata[payment]", &new.reference),
            ("payment_intent_data[metadata][payment]", &new.reference),
            ("success_url", &back),
            ("cancel_url", &back),
            ("expires_at", &expires_at),
        ];
        // ANCHOR_END: form
        // ANCHOR: key
        let key = format!("session-{}", new.reference);
        let call = Call::post("/v1/checkout/sessions", key, &form);
        let Created { id, url } = self.call(&call, self.deadline()).await?;
        Ok(OpenSession { id, url })
        // ANCHOR_END: key
    }

    #[instrument(skip_all)]
    async fn expire_session(&self, id: &str) -> Result<Ended, ProviderError> {
        #[derive(Deserialize)]
        struct Session {
            status: String,
        }

        let path = format!("/v1/checkout/sessions/{id}");
        let expire = format!("{path}/expire");
        let call = Call::post(&expire, format!("expire-{id}"), &[]);
        let deadline = self.deadline();
        let session: Session = match self.call(&call, deadline).await {
            // Stripe refuses if the session isn't open. Then it was expired before, or the
            // customer has finished.
            Err(error @ ProviderError::Refused(_))
            | Err(error @ ProviderError::OutcomeUnknown(_)) => {
                let session: Session =
                    self.call(&Call::get(&path), deadline).await?;
                if session.status == "open" {
                    return Err(error);
                }
                session
            }
            result => result?,
        };
        match session.status.as_str() {
            "expired" => Ok(Ended::Expired),
            "complete" => Ok(Ended::Complete),
            other => {
                let source = format!("the session has the status {other}").into();
                Err(ProviderError::OutcomeUnknown(source))
            }
        }
    }

    // ANCHOR: refund
    #[instrument(skip_all)]
    async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        let form = [("payment_intent", refund.payment_intent.as_str())];
        let key = format!("refund-{}", refund.reference);
        let call = Call::post("/v1/refunds", key, &form);
        match self.call::<IgnoredAny>(&call, self.deadline()).await {
            Ok(IgnoredAny) => Ok(()),
            Err(error) if is_already_refunded(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
    // ANCHOR_END: refund
}

/// Whether Stripe refused since all of the money had gone back before, for example because
/// somebody clicked in its dashboard.
fn is_already_refunded(error: &ProviderError) -> bool {
    let ProviderError::Refused(source) = error else {
        return false;
    };
    let error = source.downcast_ref::<ApiError>();
    error.is_some_and(|error| error.code == "charge_already_refunded")
}

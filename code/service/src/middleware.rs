//! Code that runs around every handler. [`request_id`] runs everywhere, the rest only
//! in a server.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::HeaderValue,
    middleware::{Next, from_fn_with_state},
    response::Response,
};

/// The header that carries the id of a request.
pub const REQUEST_ID: &str = "x-request-id";

/// Where the ids of requests come from.
type NextId = Arc<dyn Fn() -> HeaderValue + Send + Sync>;

/// The id of a request, which a handler can ask for with `Extension<RequestId>`.
#[derive(Debug, Clone)]
pub struct RequestId(pub HeaderValue);

/// Gives every request an id: as an extension, and as a header of its response.
///
/// A client may send an `x-request-id` of its own. It is not used as the id, since two
/// clients may send the same one. The log has it as `client_request_id`.
pub fn request_id(
    router: Router,
    next_id: impl Fn() -> HeaderValue + Send + Sync + 'static,
) -> Router {
    let next_id: NextId = Arc::new(next_id);
    router.layer(from_fn_with_state(next_id, add_request_id))
}

async fn add_request_id(
    State(next_id): State<NextId>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = next_id();
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

#[cfg(feature = "server")]
pub use server::{BODY_TIMEOUT, REQUEST_TIMEOUT, random_id, server_layers};

/// The layers that need a clock, or panics that can be caught: a web page has neither.
#[cfg(feature = "server")]
mod server {
    use std::any::Any;
    use std::time::Duration;

    use axum::{
        Router,
        extract::{MatchedPath, Request},
        http::{HeaderMap, HeaderValue, Method},
        middleware::{Next, from_fn},
        response::{IntoResponse, Response},
    };
    use tower::ServiceBuilder;
    use tower_http::{
        catch_panic::CatchPanicLayer,
        on_early_drop::{EarlyDropsAsFailures, OnEarlyDropLayer},
        timeout::RequestBodyDeadlineLayer,
        trace::{DefaultOnFailure, DefaultOnResponse, TraceLayer},
    };
    use tracing::{Level, Span, error_span, field};
    use uuid::Uuid;

    use super::{REQUEST_ID, RequestId, request_id};
    use crate::error::Error;

    /// How long reading a request and answering it may take. It is longer than
    /// [`BODY_TIMEOUT`], the wait for a connection to the database (3 seconds) and the
    /// limit of one statement (5 seconds) together, so that most clients learn that the
    /// database was busy, and not only that it took too long. A handler with several slow
    /// statements, or with a call to Stripe, may still reach this limit. Then nobody knows
    /// whether the request took effect, and the client has to look.
    pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

    /// How long a client may take to send the body of a request.
    pub const BODY_TIMEOUT: Duration = Duration::from_secs(5);

    /// Adds everything that a server needs around the routes. The first layer here is
    /// the first to see a request and the last to see its response.
    pub fn server_layers(
        router: Router,
        next_id: impl Fn() -> HeaderValue + Send + Sync + 'static,
    ) -> Router {
        let router = router.layer(
            ServiceBuilder::new()
                .layer(
                    TraceLayer::new_for_http()
                        .make_span_with(request_span)
                        .on_request(())
                        .on_response(DefaultOnResponse::new().level(Level::INFO))
                        .on_failure(()), // `Error::into_response` logs the cause
                )
                // Logs a line if the client disconnects before its response is ready, or
                // if the shutdown cuts the request off. With `on_body_drop`, it would also
                // log a disconnect while the body is sent. But axum drops the body of
                // each response to `HEAD` without sending it, so each of them would be
                // logged, too.
                .layer(OnEarlyDropLayer::builder().on_future_drop(
                    EarlyDropsAsFailures::new(
                        DefaultOnFailure::new().level(Level::INFO),
                    ),
                ))
                .layer(from_fn(timeout))
                .layer(CatchPanicLayer::custom(panic_response))
                .layer(RequestBodyDeadlineLayer::new(BODY_TIMEOUT)),
        );
        request_id(router, next_id)
    }

    /// A random request id: no other request has it, and it can't be guessed.
    pub fn random_id() -> HeaderValue {
        let id = Uuid::new_v4().to_string();
        // A UUID is made of hexadecimal digits and hyphens, which a header can hold.
        HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("unknown"))
    }

    /// The span of a request. Every line that is logged inside this span has these
    /// fields. `error_span!` does not mean that something failed. The name only sets
    /// the level of the span, so that `RUST_LOG=error` doesn't turn the span off.
    fn request_span(request: &Request) -> Span {
        let id = request.extensions().get::<RequestId>();
        let path = request.extensions().get::<MatchedPath>();
        let span = error_span!(
            "request",
            request_id = id.and_then(|RequestId(id)| id.to_str().ok()),
            client_request_id = field::Empty,
            method = %known_method(request.method()),
            // This is `/orders/{id}`, not `/orders/17`, so that you can count the
            // lines of one route, and nothing that a client puts into a path
            // gets into the log.
            path = path.map_or("(no route)", MatchedPath::as_str),
            // The extractor `SignedIn` fills in who sends the request.
            customer = field::Empty,
        );
        if let Some(id) = client_request_id(request.headers()) {
            span.record("client_request_id", id);
        }
        span
    }

    /// The method, if it is a usual one. A client may send any other word, of any length.
    fn known_method(method: &Method) -> &str {
        match *method {
            Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE
            | Method::OPTIONS
            | Method::CONNECT
            | Method::TRACE => method.as_str(),
            _ => "(other)",
        }
    }

    /// The request id that the client sent, if it fits into a line of a log: at most 64
    /// letters, digits, hyphens and underscores.
    fn client_request_id(headers: &HeaderMap) -> Option<&str> {
        let id = headers.get(REQUEST_ID)?.to_str().ok()?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        ((1..=64).contains(&id.len()) && id.bytes().all(allowed)).then_some(id)
    }

    /// Limits how long a request may take. (tower-http's `TimeoutLayer` does this,
    /// too, but its response has no body.)
    async fn timeout(request: Request, next: Next) -> Result<Response, Error> {
        // A safe method changes nothing (RFC 9110, section 9.2.1).
        let safe = request.method().is_safe();
        tokio::time::timeout(REQUEST_TIMEOUT, next.run(request))
            .await
            .map_err(|_| {
                if safe {
                    Error::Timeout
                } else {
                    Error::OutcomeUnknown
                }
            })
    }

    /// A panic in a handler is a 500. Without this layer, the connection would close
    /// without a response.
    fn panic_response(panic: Box<dyn Any + Send>) -> Response {
        let message = if let Some(message) = panic.downcast_ref::<&str>() {
            message
        } else if let Some(message) = panic.downcast_ref::<String>() {
            message.as_str()
        } else {
            "a panic without a message"
        };
        Error::Bug(message.to_owned()).into_response()
    }
}

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
// ANCHOR: request-id
pub fn request_id(
    router: Router,
    next_id: impl Fn() -> HeaderValue + Send + Sync + 'static,
) -> Router {
    let next_id: NextId = Arc::new(next_id);
    router.layer(from_fn_with_state(next_id, add_request_id))
}
// ANCHOR_END: request-id

// ANCHOR: add-request-id
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
// ANCHOR_END: add-request-id

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
        http::{HeaderMap, HeaderName, HeaderValue, Method, header},
        middleware::{Next, from_fn},
        response::{IntoResponse, Response},
    };
    use tower::ServiceBuilder;
    use tower_http::{
        catch_panic::CatchPanicLayer,
        cors::{AllowOrigin, CorsLayer},
        on_early_drop::{EarlyDropsAsFailures, OnEarlyDropLayer},
        timeout::RequestBodyDeadlineLayer,
        trace::{DefaultOnFailure, DefaultOnResponse, TraceLayer},
    };
    use tracing::{Level, Span, error_span, field};
    use uuid::Uuid;

    use super::{REQUEST_ID, RequestId, request_id};
    use crate::error::Error;

    /// How long reading a request and answering it may take. It is longer than
    /// [`BODY_TIMEOUT`] and the time that a handler may wait for the database together,
    /// so that the client learns that the database was busy, and not only that it took
    /// too long.
    pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

    /// How long a client may take to send the body of a request.
    pub const BODY_TIMEOUT: Duration = Duration::from_secs(5);

    /// Adds everything that a server needs around the routes. The first layer here is
    /// the first to see a request and the last to see its response.
    pub fn server_layers(
        router: Router,
        next_id: impl Fn() -> HeaderValue + Send + Sync + 'static,
        allowed_origins: Vec<HeaderValue>,
    ) -> Router {
        let cors = (!allowed_origins.is_empty()).then(|| cors(allowed_origins));
        // ANCHOR: layers
        let router = router.layer(
            ServiceBuilder::new()
                // ANCHOR: trace
                .layer(
                    TraceLayer::new_for_http()
                        .make_span_with(request_span)
                        .on_request(())
                        .on_response(DefaultOnResponse::new().level(Level::INFO))
                        .on_failure(()), // `Error::into_response` logs failures
                )
                // ANCHOR_END: trace
                // Logs a line if the client disconnects before its response is
                // ready, or if the shutdown cuts the request off.
                // `on_body_drop` would also log clients that disconnect while the
                // body is being sent. And it would log each `HEAD` request, because
                // axum drops the body of its response without sending it.
                .layer(OnEarlyDropLayer::builder().on_future_drop(
                    EarlyDropsAsFailures::new(
                        DefaultOnFailure::new().level(Level::INFO),
                    ),
                ))
                .option_layer(cors)
                .layer(from_fn(timeout))
                .layer(CatchPanicLayer::custom(panic_response))
                .layer(RequestBodyDeadlineLayer::new(BODY_TIMEOUT)),
        );
        request_id(router, next_id)
        // ANCHOR_END: layers
    }

    /// A random request id: no other request has it, and it can't be guessed.
    pub fn random_id() -> HeaderValue {
        let id = Uuid::new_v4().to_string();
        // A UUID is made of hexadecimal digits and hyphens, which a header can hold.
        HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("unknown"))
    }

    // ANCHOR: request-span
    /// The span of a request. Every line that is logged inside this span has these
    /// fields. `error_span!` does not mean that something failed. The macro's name
    /// stands only for the span's level. The level is `ERROR` so that
    /// `RUST_LOG=error` doesn't turn the span off.
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
        );
        if let Some(id) = client_request_id(request.headers()) {
            span.record("client_request_id", id);
        }
        span
    }
    // ANCHOR_END: request-span

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

    // ANCHOR: cors
    /// Lets pages from these origins call the API in a browser.
    fn cors(allowed_origins: Vec<HeaderValue>) -> CorsLayer {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(allowed_origins))
            .allow_methods([
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                HeaderName::from_static(REQUEST_ID),
            ])
            .expose_headers([
                header::LOCATION,
                header::RETRY_AFTER,
                HeaderName::from_static(REQUEST_ID),
            ])
            .max_age(Duration::from_secs(3600))
    }
    // ANCHOR_END: cors

    // ANCHOR: timeout
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
    // ANCHOR_END: timeout

    // ANCHOR: panic-response
    /// A panic in a handler becomes a 500. Without this layer, the connection would
    /// close without a response.
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
    // ANCHOR_END: panic-response
}

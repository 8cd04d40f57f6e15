//! What lies around every route.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use tracing::{Instrument, info_span};

/// The header that carries a request's id.
const REQUEST_ID: &str = "x-request-id";

/// Where the ids of requests come from.
type RequestIds = Arc<dyn Fn() -> u64 + Send + Sync>;

// ANCHOR: named
/// Gives every request an id, which its answer and the lines of the log carry.
pub fn named(
    app: Router,
    request_id: impl Fn() -> u64 + Send + Sync + 'static,
) -> Router {
    let ids: RequestIds = Arc::new(request_id);
    app.layer(from_fn_with_state(ids, name_request))
}

async fn name_request(
    State(fresh_id): State<RequestIds>,
    request: Request,
    next: Next,
) -> Response {
    let id = sent_id(request.headers()).unwrap_or_else(|| fresh_id().into());
    let span = info_span!("request", ?id);
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}
// ANCHOR_END: named

// ANCHOR: sent-id
/// The id that came along, from a proxy for one. A client can send one as well, so
/// what is awkward in a log is replaced: several, a long one, odd letters.
fn sent_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut sent = headers.get_all(REQUEST_ID).iter();
    let (Some(id), None) = (sent.next(), sent.next()) else {
        return None;
    };
    let short = (1..=64).contains(&id.len());
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    (short && id.as_bytes().iter().all(plain)).then(|| id.clone())
}
// ANCHOR_END: sent-id

#[cfg(feature = "server")]
pub use guard::guarded;

/// What needs a clock, or a panic that can be caught: a server's, not a page's.
#[cfg(feature = "server")]
mod guard {
    use std::any::Any;
    use std::time::Duration;

    use axum::{
        Router,
        extract::Request,
        middleware::{Next, from_fn},
        response::{IntoResponse, Response},
    };
    use tokio::time::timeout;
    use tower::ServiceBuilder;
    use tower_http::catch_panic::CatchPanicLayer;

    use crate::errors::error::Error;

    // ANCHOR: guarded
    /// How long an answer may take. It is longer than what a handler waits for, such as
    /// the five seconds of a locked database: or nobody hears of that one's error.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// Answers for a handler that takes too long, or panics.
    pub fn guarded(app: Router) -> Router {
        app.layer(
            ServiceBuilder::new()
                .layer(from_fn(in_time))
                .layer(CatchPanicLayer::custom(panicked)),
        )
    }

    async fn in_time(request: Request, next: Next) -> Result<Response, Error> {
        let answer = timeout(PATIENCE, next.run(request)).await;
        answer.map_err(|_| Error::TooSlow)
    }

    fn panicked(panic: Box<dyn Any + Send>) -> Response {
        let text = panic.downcast_ref::<&str>().copied();
        let made = panic.downcast_ref::<String>().map(String::as_str);
        let says = text.or(made).unwrap_or("a panic without words");
        Error::Bug(says.into()).into_response()
    }
    // ANCHOR_END: guarded
}

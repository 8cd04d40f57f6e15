//! Two routers with different time limits: one for large uploads, and one for everything else.

use std::{any::Any, convert::Infallible, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::{StreamExt, stream};
use shop::error::Error;
use tokio::time::sleep;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::{catch_panic::CatchPanicLayer, timeout::RequestBodyDeadlineLayer};

// ANCHOR: timeout
/// Limits how long a request may take. The state of this middleware is the limit.
async fn timeout(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let safe = request.method().is_safe();
    let response = tokio::time::timeout(limit, next.run(request)).await;
    response.map_err(|_| timeout_error(safe))
}
// ANCHOR_END: timeout

fn timeout_error(safe: bool) -> Error {
    if safe {
        Error::Timeout
    } else {
        Error::OutcomeUnknown
    }
}

// ANCHOR: inner-layers
/// Adds three layers to a router: the timeout of the whole request, the layer that
/// catches panics, and the deadline for the body.
fn inner_layers(
    router: Router,
    limit: Duration,
    body_deadline: Duration,
) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(limit, timeout))
            .layer(CatchPanicLayer::custom(panic_response))
            .layer(RequestBodyDeadlineLayer::new(body_deadline)),
    )
}
// ANCHOR_END: inner-layers

/// Shorter than the function with this name in the shop, which also logs the panic's message.
fn panic_response(_: Box<dyn Any + Send>) -> Response {
    Error::Bug("a handler panicked".to_owned()).into_response()
}

/// A body whose last bytes arrive after six seconds.
fn slow_body() -> Body {
    let first = stream::once(async {
        Ok::<_, Infallible>(Bytes::from("the first part, "))
    });
    let last = stream::once(async {
        sleep(Duration::from_secs(6)).await;
        Ok(Bytes::from("and the last one"))
    });
    Body::from_stream(first.chain(last))
}

// The clock of Tokio is paused. It jumps ahead when all tasks are waiting, so the six seconds
// take no time.
#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // ANCHOR: routers
    let seconds = Duration::from_secs;
    let uploads = Router::new().route("/photos", post(async |photo: Bytes| photo));
    let uploads = inner_layers(uploads, seconds(120), seconds(60));
    let others = Router::new().route("/orders", post(async |order: Bytes| order));
    let others = inner_layers(others, seconds(15), seconds(5));
    let app = uploads.merge(others);
    // ANCHOR_END: routers

    for path in ["/photos", "/orders"] {
        let request = Request::post(path).body(slow_body())?;
        let response = app.clone().oneshot(request).await?;
        println!("POST {path}: {}", response.status());
    }
    Ok(())
}

//! The backend of a coffee shop whose customers have accounts and pay online.
//!
//! It is arranged by feature: [`menu`] and its siblings each have their own routes,
//! handlers, rules and storage. What they share stands beside them: [`error`] and
//! [`problem`] for the responses to wrong requests, [`extract`] for reading requests,
//! [`storage`] for the databases.
//!
//! Four things are here for the guide that this program comes from. Your own program
//! doesn't need two of them: the comments `ANCHOR`, which mark the lines that a page
//! shows, and the Cargo feature `server`, which leaves out the sockets and databases that a
//! web page doesn't have. Decide yourself about the other two: `#[instrument]`, which opens
//! the spans of the log (the guide draws call traces from them), and the clock, the random
//! bytes and the ids of requests as arguments, without which tests couldn't expect exact
//! responses.

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef, State},
    routing::get,
};
use serde_json::{Value, json};
use tracing::instrument;

use customers::services::Customers;
use error::Error;
use extract::Json;
use menu::services::Menu;
use orders::services::Orders;
use payments::services::Payments;

pub mod clock;
pub mod customers;
pub mod error;
pub mod etag;
pub mod extract;
pub mod fields;
pub mod menu;
pub mod middleware;
#[cfg(feature = "server")]
pub mod openapi;
pub mod orders;
pub mod payments;
pub mod problem;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod settings;
pub mod storage;
#[cfg(feature = "server")]
pub mod telemetry;

/// What the handlers share. Each takes the part that it needs, such as `State<Menu>`.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The customers.
    pub customers: Customers,
    /// The menu.
    pub menu: Menu,
    /// The orders.
    pub orders: Orders,
    /// The payments.
    pub payments: Payments,
}

/// The whole API, without the middleware that [`middleware`] adds around it.
// ANCHOR: router
pub fn router(state: AppState) -> Router {
    let router = Router::new();
    #[cfg(feature = "server")]
    let router = router.merge(openapi::routes());
    router
        .merge(customers::routes())
        .merge(menu::routes())
        .merge(orders::routes())
        .merge(payments::routes())
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .fallback(|| async { Error::NoSuchPath })
        .method_not_allowed_fallback(|| async { Error::WrongMethod })
        .layer(DefaultBodyLimit::max(16 * 1024)) // bytes
        .with_state(state)
}
// ANCHOR_END: router

/// `GET /health/live`: the process answers. If it doesn't, restart it.
#[instrument(skip_all)]
async fn live() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// `GET /health/ready`: the database can be read, or is only busy. If neither is true, send
/// no requests.
#[instrument(skip_all)]
async fn ready(State(menu): State<Menu>) -> Result<Json<Value>, Error> {
    menu.ready().await?;
    Ok(Json(json!({ "status": "ready" })))
}

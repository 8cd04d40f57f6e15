//! The backend of a coffee shop: a menu, and orders for what is on it.
//!
//! The modules, from the outside to the inside: [`routes`] lead to [`handlers`], which
//! turn HTTP into calls of [`services`], which store data through a [`repository`].
//! The [`model`] holds the data and its rules. No module uses one that stands before it
//! in this list.
//!
//! Four things are here for the guide that this program comes from. Your own program
//! doesn't need two of them: the comments `ANCHOR`, which mark the lines that a page
//! shows, and the two Cargo features, which leave out the sockets and files that a web
//! page doesn't have. Decide yourself about the other two: `#[instrument]`, which opens
//! the spans of the log (the guide draws call traces from them), and the clock and the
//! ids of requests as arguments, without which tests couldn't expect exact responses.

pub mod error;
pub mod extract;
pub mod handlers;
pub mod middleware;
pub mod model;
pub mod problem;
pub mod repository;
pub mod routes;
#[cfg(feature = "server")]
pub mod server;
pub mod services;
#[cfg(feature = "server")]
pub mod settings;
pub mod state;
#[cfg(feature = "server")]
pub mod telemetry;

use axum::Router;

pub use state::AppState;

/// The whole API, without the middleware that [`middleware`] adds around it.
pub fn router(state: AppState) -> Router {
    routes::routes().with_state(state)
}

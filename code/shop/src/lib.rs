//! The backend of a coffee shop: a menu, and orders for what is on it.
//!
//! The modules, from the outside to the inside: [`routes`] lead to [`handlers`], which
//! turn HTTP into calls of [`services`], which store data through a [`repository`].
//! The [`model`] holds the data and its rules. No module uses one that stands before it
//! in this list.
//!
//! Four things are here for the guide that this program comes from, and a program of
//! your own can do without them: the comments `ANCHOR`, which mark what a page shows;
//! `#[instrument]`, from which its diagrams are drawn; the clock and the ids of
//! requests as arguments, so that recorded answers stay the same; and the two Cargo
//! features, which leave out what a web page doesn't have.

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

//! The chapter [Handling errors in one place](../../../src/errors.md): the same shop, and
//! one form for everything that can go wrong.

pub mod controllers;
pub mod error;
pub mod extract;
pub mod layers;
pub mod problem;
pub mod routes;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use jiff::Timestamp;

use crate::data::{memory::Memory, repository::Repository, services::Shop};
use crate::legacy::{OPENING, opening_menu};

/// The shop with its books in memory, a clock that stands still, and requests that are
/// counted from 1.
pub fn app() -> Router {
    app_with(|| OPENING, books(), count_from_one())
}

/// The shop with a clock, a repository and a source of request ids.
// ANCHOR: app-with
pub fn app_with(
    now: impl Fn() -> Timestamp + Send + Sync + 'static,
    repository: Arc<dyn Repository>,
    request_id: impl Fn() -> u64 + Send + Sync + 'static,
) -> Router {
    let app = routes::routes(Shop::new(now, repository));
    layers::named(app, request_id)
}
// ANCHOR_END: app-with

// ANCHOR: served-with
/// The shop of [`app_with`] as a server has it, which answers for what is late or
/// panics.
#[cfg(feature = "server")]
pub fn served_with(
    now: impl Fn() -> Timestamp + Send + Sync + 'static,
    repository: Arc<dyn Repository>,
    request_id: impl Fn() -> u64 + Send + Sync + 'static,
) -> Router {
    let app = routes::routes(Shop::new(now, repository));
    // ANCHOR: nested
    layers::named(layers::guarded(app), request_id)
    // ANCHOR_END: nested
}
// ANCHOR_END: served-with

/// The shop of [`app`] as a server has it.
#[cfg(feature = "server")]
pub fn served() -> Router {
    served_with(|| OPENING, books(), count_from_one())
}

/// The shop as a server has it, with the clock of this machine and its books in a
/// database file, which is made where there is none.
///
/// # Errors
///
/// When the file cannot be opened or is no database of this shop.
#[cfg(all(feature = "server", feature = "sqlite"))]
pub fn open(
    file: &std::path::Path,
) -> Result<Router, crate::data::repository::StorageError> {
    let repository = crate::transactions::sqlite::Sqlite::open(file)?;
    Ok(served_with(
        Timestamp::now,
        Arc::new(repository),
        count_from_one(),
    ))
}

fn books() -> Arc<Memory> {
    Arc::new(Memory::new(opening_menu()))
}

/// Request ids that start at 1 with every shop. A service that restarts, or that runs
/// twice, passes random ones: two requests must not share an id in one log.
pub fn count_from_one() -> impl Fn() -> u64 + Send + Sync + 'static {
    let last = AtomicU64::new(0);
    move || last.fetch_add(1, Ordering::Relaxed) + 1
}

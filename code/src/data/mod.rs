//! The chapter [Working with data](../../../src/data.md): the shop keeps its books in
//! memory or in a SQLite database, behind one trait.

pub mod controllers;
pub mod memory;
pub mod repository;
pub mod routes;
pub mod services;
#[cfg(feature = "sqlite")]
pub mod sqlite;

use std::sync::Arc;

use axum::Router;
use jiff::Timestamp;

use crate::legacy::{OPENING, opening_menu};
use memory::Memory;
use repository::Repository;
use services::Shop;

// ANCHOR: app
/// The shop with its books in memory and a clock that stands still.
pub fn app() -> Router {
    app_with(|| OPENING, Arc::new(Memory::new(opening_menu())))
}
// ANCHOR_END: app

/// The shop with a clock and a repository. The repository numbers the orders, since only
/// it knows which numbers are taken.
// ANCHOR: app-with
pub fn app_with(
    now: impl Fn() -> Timestamp + Send + Sync + 'static,
    repository: Arc<dyn Repository>,
) -> Router {
    routes::routes(Shop::new(now, repository))
}
// ANCHOR_END: app-with

/// The shop with the clock of this machine and its books in a database file, which is
/// made where there is none.
///
/// # Errors
///
/// When the file cannot be opened or is no database of this shop.
#[cfg(feature = "sqlite")]
// ANCHOR: open
pub fn open(file: &std::path::Path) -> Result<Router, repository::StorageError> {
    let repository = sqlite::Sqlite::open(file)?;
    Ok(app_with(Timestamp::now, Arc::new(repository)))
}
// ANCHOR_END: open

//! The chapter [Two people want the last croissant](../../../src/transactions.md): the
//! shop checks the stock and takes from it in one step, however many ask at once.
//!
//! Routes, controllers and services are those of the chapter before. What is new is how
//! the repository writes.

#[cfg(feature = "sqlite")]
pub mod sqlite;

use axum::Router;

use crate::data;

/// The shop with its books in memory, where one lock is held over check and take.
pub fn app() -> Router {
    data::app()
}

// ANCHOR: open
/// The shop with the clock of this machine and its books in a database file, which is
/// made where there is none.
///
/// # Errors
///
/// When the file cannot be opened or is no database of this shop.
#[cfg(feature = "sqlite")]
pub fn open(
    file: &std::path::Path,
) -> Result<Router, data::repository::StorageError> {
    let repository = std::sync::Arc::new(sqlite::Sqlite::open(file)?);
    Ok(data::app_with(jiff::Timestamp::now, repository))
}
// ANCHOR_END: open

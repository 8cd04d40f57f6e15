//! Where the data is stored: in memory, or in PostgreSQL. Each feature has a trait
//! `Repository`, and both types here implement all of these traits.

use std::error::Error as StdError;

use thiserror::Error;

pub mod memory;
#[cfg(feature = "server")]
pub mod postgres;

/// Why data can't be read or written. If it is `Busy`, this transaction changed nothing, but
/// earlier transactions of the same request have. If it is `Failed`, the change may or may
/// not have been stored.
#[derive(Debug, Error)]
pub enum StorageError {
    /// Other requests kept the database or its connections busy for too long. The same
    /// request may succeed later.
    #[error("the database is busy")]
    Busy(#[source] Source),
    /// The database can't be reached, read or written.
    #[error("the database failed")]
    Failed(#[source] Source),
}

/// The cause of an error.
pub type Source = Box<dyn StdError + Send + Sync>;

//! What the customers need of their storage.

/// Stores accounts and sessions. Each method is one transaction.
pub trait Repository: Send + Sync {}

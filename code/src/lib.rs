//! Every snippet.

#[cfg(feature = "server")]
pub mod exercise;

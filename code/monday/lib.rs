//! The shop, as a library: tests and programs use it.

// ANCHOR: modules
pub mod requests;
pub mod structure;
pub mod data;
pub mod transactions;
pub mod errors;
pub mod settings;
// ANCHOR_END: modules

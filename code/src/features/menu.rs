//! The feature "menu".

// ANCHOR: modules
pub mod handlers;
pub mod model;
pub mod routes;
pub mod services;
// ANCHOR_END: modules

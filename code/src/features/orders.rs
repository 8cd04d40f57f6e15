//! The feature "orders".

pub mod handlers;
pub mod model;
pub mod routes;
pub mod services;

//! Declares the modules, and puts the app together.
//!
//! This is the shop of the chapter [Organizing the project](../../../src/structure.md).
//! In a project of your own, this file is `src/lib.rs`, and the others are beside it.

// ANCHOR: modules
pub mod error;
pub mod extract;
pub mod handlers;
pub mod model;
pub mod routes;
pub mod services;
pub mod state;
// ANCHOR_END: modules

use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use jiff::Timestamp;

use extract::StaffToken;
use services::Shop;
use state::AppState;

/// The time that the clock of [`app`] always shows: 2026-03-02, 08:15 UTC.
pub const OPENING: Timestamp = Timestamp::constant(1_772_439_300, 0);

/// The staff token of [`app`]. It's published here, so it protects nothing.
pub const STAFF_TOKEN: &str = "flat-white-and-a-croissant";

/// The shop with a fixed clock and ids that start at 1.
pub fn app() -> Router {
    app_with(|| OPENING, count_from_one(), STAFF_TOKEN)
}

/// Returns 1, then 2, then 3, and so on.
pub fn count_from_one() -> impl Fn() -> u64 + Send + Sync + 'static {
    let last = AtomicU64::new(0);
    move || last.fetch_add(1, Ordering::Relaxed) + 1
}

// ANCHOR: app-with
/// The shop with a clock, a source of order ids, and the token that staff must send.
pub fn app_with(
    clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    next_id: impl Fn() -> u64 + Send + Sync + 'static,
    staff_token: &str,
) -> Router {
    let state = AppState {
        shop: Shop::new(clock, next_id),
        staff_token: StaffToken::new(staff_token),
    };
    routes::routes().with_state(state)
}
// ANCHOR_END: app-with

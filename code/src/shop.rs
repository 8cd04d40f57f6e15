//! The shop of `code/shop`, put together for the pages: with its data in memory, a
//! fixed clock, request ids that count from 1, and a published staff token.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::{Router, http::HeaderValue};
use jiff::Timestamp;
use shop::AppState;
use shop::extract::StaffToken;
use shop::middleware::request_id;
use shop::model::opening_menu;
use shop::repository::memory::Memory;
use shop::services::Shop;

/// The time that the clock of [`app`] always shows: 2026-03-02, 08:15 UTC.
pub const OPENING: Timestamp = Timestamp::constant(1_772_439_300, 0);

/// The staff token of [`app`]. It's published here, so it protects nothing.
pub const STAFF_TOKEN: &str = "flat-white-and-a-croissant";

/// The shop as the pages play it: the same requests always get the same responses.
pub fn app() -> Router {
    request_id(shop::router(state()), count_from_one())
}

/// The shop with the layers that a server adds: log, timeout, panics.
#[cfg(feature = "server")]
pub fn served() -> Router {
    use shop::middleware::server_layers;

    server_layers(shop::router(state()), count_from_one(), Vec::new())
}

fn count_from_one() -> impl Fn() -> HeaderValue + Send + Sync + 'static {
    let last = AtomicU64::new(0);
    move || (last.fetch_add(1, Ordering::Relaxed) + 1).into()
}

fn state() -> AppState {
    AppState {
        shop: Shop::new(Arc::new(Memory::new(opening_menu())), || OPENING),
        staff_token: Some(StaffToken::new(STAFF_TOKEN.into())),
    }
}

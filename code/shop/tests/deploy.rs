//! The times in the files of `deploy` fit those in the code.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

const CADDYFILE: &str = include_str!("../deploy/Caddyfile");
const CADDYFILE_HTTP2: &str = include_str!("../deploy/Caddyfile-http2");
const UNIT: &str = include_str!("../deploy/shop.service");
const SERVER: &str = include_str!("../src/server.rs");

/// The number of seconds that stands between `before` and `after`.
#[track_caller]
fn seconds(text: &str, before: &str, after: &str) -> u64 {
    let (_, rest) = text.split_once(before).unwrap();
    let (number, _) = rest.split_once(after).unwrap();
    number.parse().unwrap()
}

/// The number of seconds of a constant in `src/server.rs`.
#[track_caller]
fn constant(name: &str) -> u64 {
    let before = format!("{name}: Duration = Duration::from_secs(");
    seconds(SERVER, &before, ")")
}

// ANCHOR: idle
#[test]
fn the_proxy_closes_an_idle_connection_before_the_shop_does() {
    let proxy = seconds(CADDYFILE, "keepalive ", "s\n");
    let shop = constant("HEADER_TIMEOUT");
    assert!(proxy < shop, "the proxy: {proxy} s, the shop: {shop} s");
}
// ANCHOR_END: idle

#[test]
fn the_proxy_for_http2_has_all_limits_of_the_ordinary_one() {
    let is_setting = |line: &&str| !line.trim_start().starts_with('#');
    for line in CADDYFILE.lines().filter(is_setting) {
        assert!(CADDYFILE_HTTP2.lines().any(|other| other == line), "{line}");
    }
}

#[test]
fn systemd_waits_until_the_last_requests_are_finished() {
    let systemd = seconds(UNIT, "TimeoutStopSec=", "\n");
    let shop = constant("SHUTDOWN_TIMEOUT");
    // `main.rs` waits one more second for the runtime.
    assert!(
        systemd > shop + 1,
        "systemd: {systemd} s, the shop: {shop} s"
    );
}

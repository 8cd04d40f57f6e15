//! Runs the tests that are at the end of some examples.
//!
//! With `test = true` for an example, Cargo would compile only its tests, and the program itself would be
//! missing from `target/debug/examples` after `cargo test`.

#[expect(dead_code, reason = "the tests don't call the example's `main`")]
#[path = "../examples/files-cache-control.rs"]
mod files_cache_control;

#[expect(dead_code, reason = "the tests don't call the example's `main`")]
#[path = "../examples/files-websocket.rs"]
mod files_websocket;

#[expect(dead_code, reason = "the tests don't call the example's `main`")]
#[path = "../examples/worker-server.rs"]
mod worker_server;

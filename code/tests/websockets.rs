//! Runs the tests that are at the end of `examples/files-websocket.rs`.
//!
//! With `test = true` for this example, Cargo would compile only its tests, and the program itself would be
//! missing from `target/debug/examples` after `cargo test`.

#[expect(dead_code, reason = "the tests don't call the example's `main`")]
#[path = "../examples/files-websocket.rs"]
mod files_websocket;

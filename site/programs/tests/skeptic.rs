//! The whole programs that pages show, compiled and run as shown. `build.rs` says which.

#![allow(
    unused_extern_crates,
    reason = "skeptic names itself the way that older editions asked for"
)]

include!(concat!(env!("OUT_DIR"), "/skeptic-tests.rs"));

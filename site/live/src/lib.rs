//! Exchanges, read and written, and the session that plays them against a chapter's app.
//!
//! The replay test drives [`Session`] natively. The page drives the same one, compiled
//! to WebAssembly: what was proved is what runs. [`Player`] is what it has in common with
//! a replay against a server.

use std::fmt;

pub mod exchange;
mod json;
mod message;
#[cfg(all(target_arch = "wasm32", feature = "session"))]
mod page;
mod player;
#[cfg(feature = "session")]
mod session;
#[cfg(feature = "session")]
mod spans;

#[cfg(feature = "session")]
#[doc(hidden)]
pub use code;
pub use json::layout;
#[cfg(all(target_arch = "wasm32", feature = "session"))]
pub use page::open;
pub use player::{Captures, Player, Prepared};
#[cfg(feature = "session")]
pub use session::{Answer, Session};
#[cfg(feature = "session")]
pub use spans::Span;

/// What is wrong with an exchange file or with a request, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1, of the text that was given.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    pub(crate) fn new(line: usize, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { line, message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for Problem {}

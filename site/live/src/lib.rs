//! Reads and writes exchanges, and plays them against a program.
//!
//! The replay tests use a [`Session`] natively, and the page uses the same one compiled to
//! WebAssembly, so that the tests prove the code that runs in the page. [`Player`] is the part that
//! is also used to replay exchanges against a server.

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

/// A problem with an exchange file or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line of the given text, counted from 1.
    pub line: usize,
    /// What is wrong, and how to fix it.
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

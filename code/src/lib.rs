//! Every snippet of *Rust Backend Basics*: one module a chapter, each with an
//! [`axum::Router`] of its own.

use axum::Router;

#[cfg(feature = "server")]
pub mod exercise;
pub mod requests;

/// A chapter of the guide that has an app.
pub struct Chapter {
    /// The name that the chapter, its module, its exchanges and its tests share.
    pub name: &'static str,
    /// Makes a fresh app: a shop that has just opened.
    pub app: fn() -> Router,
}

/// Every chapter with an app, in reading order.
pub const CHAPTERS: &[Chapter] = &[Chapter {
    name: "requests",
    app: requests::app,
}];

/// The chapter of that name, if there is one.
pub fn chapter(name: &str) -> Option<&'static Chapter> {
    CHAPTERS.iter().find(|chapter| chapter.name == name)
}

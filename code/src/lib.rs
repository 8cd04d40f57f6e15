//! Every snippet of *Rust Backend Basics*: one module a chapter, each with an
//! [`axum::Router`] of its own.

use axum::Router;

pub mod data;
pub mod errors;
#[cfg(feature = "server")]
pub mod exercise;
#[doc(hidden)]
pub mod legacy;
pub mod mistakes;
pub mod requests;
pub mod runtime;
pub mod structure;
pub mod transactions;

/// A chapter of the guide that has an app.
#[derive(Clone, Copy)]
pub struct Chapter {
    /// The name that the chapter, its module, its exchanges and its tests share.
    pub name: &'static str,
    /// Makes a fresh app: a shop that has just opened.
    pub app: fn() -> Router,
}

/// Every chapter with an app, in reading order.
pub const CHAPTERS: &[Chapter] = &[
    Chapter {
        name: "runtime",
        app: runtime::app,
    },
    Chapter {
        name: "requests",
        app: requests::app,
    },
    Chapter {
        name: "structure",
        app: structure::app,
    },
    Chapter {
        name: "data",
        app: data::app,
    },
    Chapter {
        name: "transactions",
        app: transactions::app,
    },
    Chapter {
        name: "errors",
        app: errors::app,
    },
    Chapter {
        name: "mistakes",
        app: mistakes::app,
    },
];

/// The chapter of that name, if there is one.
pub fn chapter(name: &str) -> Option<&'static Chapter> {
    CHAPTERS.iter().find(|chapter| chapter.name == name)
}

/// Makes an app as a server has it, which keeps its books in a database file.
#[cfg(feature = "sqlite")]
pub type Open =
    fn(&std::path::Path) -> Result<Router, data::repository::StorageError>;

#[cfg(feature = "sqlite")]
impl Chapter {
    /// What makes this chapter's app with a database file, where it can have one.
    pub fn open(&self) -> Option<Open> {
        match self.name {
            "data" => Some(data::open),
            "transactions" => Some(transactions::open),
            #[cfg(feature = "server")]
            "errors" => Some(errors::open),
            _ => None,
        }
    }
}

#[cfg(feature = "server")]
impl Chapter {
    /// A fresh app with what a server has and a page has not: layers that need a clock
    /// or threads.
    pub fn served(&self) -> Router {
        match self.name {
            "errors" => errors::served(),
            _ => (self.app)(),
        }
    }
}

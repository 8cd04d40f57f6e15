//! Joins the words and the code into pages.
//!
//! Imports point one way only: a module imports from those below it in this list.

pub mod serve {
    //! `cargo serve`: builds the guide, serves it on this machine, and builds it again when one of
    //! its files changes.

    mod server;

    mod watch;

    mod reload;

    mod builder;

    pub use server::{PORT, ServeOptions, serve};
}

pub mod publish;

pub mod book;

mod console;

pub mod pages {
    //! Chapters in, HTML out.

    pub mod page;

    mod figures;

    pub(crate) mod color;

    pub(crate) mod source_link;
}

pub mod chapters {
    //! The content of a chapter: its blocks, and the files that they include from.

    pub mod blocks;

    pub(crate) mod programs;

    pub mod anchors;
}

pub mod replay;

pub mod workspace;

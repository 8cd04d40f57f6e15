//! Joins the words and the code into pages.

pub mod anchors;
pub mod blocks;

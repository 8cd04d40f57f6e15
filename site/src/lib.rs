//! Joins the words and the code into pages.

use std::{collections::BTreeSet, path::Path};

use anyhow::Result;
use mdbook_driver::config::Config;

pub mod anchors;
pub mod blocks;
pub mod book;
mod colour;
mod console;
mod figures;
mod generated;
pub mod page;
mod programs;
mod publish;
pub mod replay;
mod repository;
pub mod serve;

/// Builds the console for stock mdBook, which runs the preprocessor and nothing else of the
/// tool. It goes among the sources, from where mdBook copies it. `console = false` under `[preprocessor.site]` leaves it out, as `--no-console` does;
/// mdBook reads that from the environment, too: `MDBOOK_PREPROCESSOR__SITE__CONSOLE=false`.
///
/// # Errors
///
/// When the samples do not compile.
pub fn console_for_mdbook(root: &Path, config: &Config, asked: &BTreeSet<String>) -> Result<()> {
    let folder = root.join(&config.book.src).join(console::FOLDER);
    if config.get("preprocessor.site.console")? == Some(false) {
        return console::remove(&folder);
    }
    console::build(root, &folder, asked, console::Linked::Small)?;
    Ok(())
}

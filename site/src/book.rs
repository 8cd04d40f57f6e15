//! The book, built in process.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mdbook_driver::{MDBook, config::Config};

use crate::{console, page::Site};

/// What to build.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether the pages get a console that answers their exchanges.
    pub console: bool,
}

/// The repository's root: where `book.toml` stands.
pub fn root() -> PathBuf {
    let site = Path::new(env!("CARGO_MANIFEST_DIR"));
    site.parent().unwrap_or(site).to_path_buf()
}

/// The book's settings. They name the preprocessor as a command, for stock mdBook: whoever
/// builds in process puts [`Site`] in its place, which has the same name.
///
/// # Errors
///
/// When `book.toml` cannot be read.
pub fn settings(root: &Path) -> Result<Config> {
    let file = root.join("book.toml");
    Config::from_disk(&file).with_context(|| format!("{} cannot be used", file.display()))
}

/// Builds the book into `dest`.
///
/// # Errors
///
/// When a chapter has a mistake: each with its file, its line and its mend, a line for each.
pub fn build(root: &Path, dest: &Path, options: &Options) -> Result<()> {
    let mut config = settings(root)?;
    // As stock mdBook does: whoever publishes the guide says where it will be.
    config.update_from_env()?;
    config.build.build_dir = dest.to_path_buf();
    let generated = root.join(&config.book.src).join("generated");
    // First, so that nothing is written where the chapters are not: a folder that is being
    // moved away would be made anew.
    let mut book = MDBook::load_with_config(root, config)?;
    if options.console {
        console::build(root, &generated)?;
    } else {
        console::remove(&generated)?;
    }
    book.with_preprocessor(Site);
    if let Err(error) = book.build() {
        // mdBook wraps each step's words round the cause; the cause is what an author mends.
        bail!("{}", error.root_cause());
    }
    Ok(())
}

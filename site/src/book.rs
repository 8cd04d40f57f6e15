//! The book, built in process.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use mdbook_driver::{MDBook, config::Config};

use crate::{
    console::{self, Linked},
    page::Site,
    publish,
};

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

/// Builds the book into `dest`, with what is published beside its pages.
///
/// # Errors
///
/// When a chapter has a mistake, or the samples do not compile.
pub fn build(root: &Path, dest: &Path, options: &Options) -> Result<()> {
    let (book, asked) = render(root, dest)?;
    publish::finish(&book, dest)?;
    if options.console {
        console::build(root, &dest.join(console::FOLDER), &asked, Linked::Small)?;
    }
    Ok(())
}

/// Builds the pages without their console into `dest`, and says which chapters' apps they ask.
///
/// # Errors
///
/// When a chapter has a mistake: each with its file, its line and its mend, a line for each.
pub fn pages(root: &Path, dest: &Path) -> Result<BTreeSet<String>> {
    render(root, dest).map(|(_, asked)| asked)
}

/// Builds the pages, and gives the book that they were made of, as it was written.
fn render(root: &Path, dest: &Path) -> Result<(MDBook, BTreeSet<String>)> {
    let mut config = settings(root)?;
    // As stock mdBook does: whoever publishes the guide says where it will be.
    config.update_from_env()?;
    config.build.build_dir = dest.to_path_buf();
    let mut book = MDBook::load_with_config(root, config)?;
    let site = Site::default();
    book.with_preprocessor(site.clone());
    if let Err(error) = book.build() {
        // mdBook wraps each step's words round the cause; the cause is what an author mends.
        bail!("{}", error.root_cause());
    }
    // Stock mdBook's, which are among the sources: they may be of another day.
    console::remove(&dest.join(console::FOLDER))?;
    Ok((book, site.asked()))
}

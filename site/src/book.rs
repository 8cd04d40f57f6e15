//! The book, built in process.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result, bail};
use mdbook_driver::{MDBook, config::Config};

use crate::{
    console::{self, Linked},
    pages::page::Site,
};

/// The book's settings. They name the preprocessor as a command, for stock mdBook. A build in process
/// adds [`Site`], which has the same name and takes the place of that command.
///
/// # Errors
///
/// When `book.toml` cannot be read.
pub fn settings(root: &Path) -> Result<Config> {
    let file = root.join("book.toml");
    Config::from_disk(&file).with_context(|| format!("{} cannot be used", file.display()))
}

/// A book that was built.
pub(crate) struct Built {
    /// The book as it was written, before its includes were expanded.
    pub written: MDBook,
    /// The programs that its pages need.
    pub programs: BTreeSet<String>,
}

/// Builds the pages into `dest`, without their console.
///
/// # Errors
///
/// When the chapters have mistakes: a line for each, with its file, its line and how to fix it.
pub(crate) fn build(root: &Path, dest: &Path) -> Result<Built> {
    let mut config = settings(root)?;
    // As stock mdBook does: a publishing workflow says where the pages will be.
    config.update_from_env()?;
    config.build.build_dir = dest.to_path_buf();
    let mut written = MDBook::load_with_config(root, config)?;
    let site = Site::default();
    written.with_preprocessor(site.clone());
    if let Err(error) = written.build() {
        // mdBook adds a message at each step. An author needs only the cause.
        bail!("{}", error.root_cause());
    }
    // Stock mdBook leaves a console among the sources, which may be out of date.
    console::remove(&dest.join(console::FOLDER))?;
    Ok(Built {
        written,
        programs: site.programs(),
    })
}

/// Builds the console for stock mdBook, which runs nothing of this tool but the preprocessor. The
/// console goes into the sources, from where mdBook copies it.
///
/// `console = false` under `[preprocessor.site]` leaves it out, as `--no-console` does. So does the
/// environment variable `MDBOOK_PREPROCESSOR__SITE__CONSOLE=false`, which mdBook reads.
///
/// # Errors
///
/// When the samples do not compile.
pub fn console_for_mdbook(root: &Path, config: &Config, programs: &BTreeSet<String>) -> Result<()> {
    let folder = root.join(&config.book.src).join(console::FOLDER);
    if config.get("preprocessor.site.console")? == Some(false) {
        return console::remove(&folder);
    }
    console::build(root, &folder, programs, Linked::Small)?;
    Ok(())
}

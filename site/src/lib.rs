//! Joins the words and the code into pages.

pub mod anchors;
pub mod blocks;
pub mod book;
mod colour;
mod console;
mod figures;
mod generated;
pub mod page;
pub mod replay;
mod repository;
pub mod serve;

/// Builds the console for stock mdBook, which runs the preprocessor and nothing else of the
/// tool. `console = false` under `[preprocessor.site]` leaves it out, as `--no-console` does;
/// mdBook reads that from the environment, too: `MDBOOK_PREPROCESSOR__SITE__CONSOLE=false`.
///
/// # Errors
///
/// When the samples do not compile.
pub fn console_for_mdbook(
    root: &std::path::Path,
    config: &mdbook_driver::config::Config,
) -> anyhow::Result<()> {
    if config.get("preprocessor.site.console")? == Some(false) {
        return Ok(());
    }
    console::build(root, &root.join(&config.book.src).join("generated"))
}

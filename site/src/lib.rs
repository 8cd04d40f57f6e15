//! Joins the words and the code into pages.

pub mod anchors;
pub mod blocks;
pub mod book;
mod colour;
mod console;
mod figures;
mod generated;
pub mod page;
mod repository;

/// Builds the console for stock mdBook, which runs the preprocessor and nothing else of the
/// tool. `SITE_CONSOLE=0` leaves it out, as `--no-console` does.
///
/// # Errors
///
/// When the samples do not compile.
pub fn console_for_mdbook(
    root: &std::path::Path,
    config: &mdbook_driver::config::Config,
) -> anyhow::Result<()> {
    let generated = root.join(&config.book.src).join("generated");
    if std::env::var("SITE_CONSOLE").is_ok_and(|value| value == "0") {
        return Ok(());
    }
    console::build(root, &generated)
}

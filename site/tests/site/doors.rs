//! The two doors: in process, as `cargo serve` builds, and through the command in book.toml,
//! as stock mdBook does. What comes out is the same.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use mdbook_driver::MDBook;

use crate::support::{copy, pages};

#[test]
fn stock_mdbook_gives_the_same_pages() -> Result<()> {
    let copy = copy()?;
    let (ours, stock) = (tempfile::tempdir()?, tempfile::tempdir()?);
    site::publish::build(
        copy.path(),
        ours.path(),
        &site::publish::Options { console: false },
    )?;
    build_as_stock_mdbook(copy.path(), stock.path())?;

    let mut pages = pages(copy.path())?;
    pages.extend(["index.html", "404.html", "print.html"].map(str::to_owned));
    assert!(pages.len() >= 6, "{pages:?}");
    for page in pages {
        let [ours, stock] = [main(ours.path(), &page)?, main(stock.path(), &page)?];
        assert!(!ours.contains("{{#include"), "{page}: an include is left");
        if let Some((ours, stock)) = ours.lines().zip(stock.lines()).find(|(a, b)| a != b) {
            panic!("{page}\n cargo serve: {ours}\nstock mdBook: {stock}");
        }
        assert!(ours == stock, "{page}: one has more lines");
    }
    Ok(())
}

/// mdBook's own way to run a preprocessor, without Cargo: that would wait for the Cargo which
/// runs this test.
fn build_as_stock_mdbook(root: &Path, dest: &Path) -> Result<()> {
    let mut config = site::book::settings(root)?;
    config.build.build_dir = dest.to_owned();
    // mdBook splits the command as a shell does, to which `\` means something.
    let program = env!("CARGO_BIN_EXE_site").replace('\\', "/");
    config.set(
        "preprocessor.site.command",
        format!("'{program}' preprocess"),
    )?;
    config.set("preprocessor.site.console", false)?;
    MDBook::load_with_config(root, config)?.build()
}

fn main(folder: &Path, page: &str) -> Result<String> {
    let html = fs::read_to_string(folder.join(page)).with_context(|| page.to_owned())?;
    let (_, after) = html
        .split_once("<main>")
        .with_context(|| format!("{page} has no <main>"))?;
    let (main, _) = after
        .split_once("</main>")
        .with_context(|| format!("{page} has no </main>"))?;
    Ok(main.to_owned())
}

/// The settings of stock mdBook run the tool, and nothing else.
#[test]
fn the_settings_name_the_preprocessor() -> Result<()> {
    let settings = fs::read_to_string(site::workspace::root().join("book.toml"))?;
    let sections = settings
        .lines()
        .filter(|line| line.starts_with("[preprocessor"));
    assert_eq!(sections.collect::<Vec<_>>(), ["[preprocessor.site]"]);
    let command = settings
        .lines()
        .find_map(|line| line.strip_prefix("command = "));
    let command = command.context("book.toml names a command")?;
    assert!(command.starts_with("\"cargo run "), "{command}");
    assert!(
        command.ends_with("--package site -- preprocess\""),
        "{command}"
    );
    Ok(())
}

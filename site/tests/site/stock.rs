//! What the theme replaces of stock mdBook: whether it is still what it was when it was replaced.

use std::fs;

use anyhow::{Context, Result};
use mdbook_driver::config::HtmlConfig;
use mdbook_html::theme::Theme;
use similar::TextDiff;

/// A copy of mdBook's own template, as it was when `site/theme/index.hbs` was written. A new mdBook
/// may give the template other data, or put something into it that readers should have.
#[test]
fn the_template_underneath_is_the_one_that_the_theme_was_made_for() -> Result<()> {
    let root = tempfile::tempdir()?;
    for folder in ["theme/css", "theme/fonts"] {
        fs::create_dir_all(root.path().join(folder))?;
    }
    Theme::copy_theme(&HtmlConfig::default(), root.path())?;
    let now = fs::read_to_string(root.path().join("theme/index.hbs"))?;

    let record = site::workspace::root().join("site/tests/site/stock-index.hbs");
    let then = fs::read_to_string(&record).context("the record of mdBook's template")?;
    let diff = TextDiff::from_lines(&then, &now);
    assert!(
        then == now,
        "mdBook's template has changed. See what site/theme/index.hbs wants of it, then put the new \
         one into {}.\n{}",
        record.display(),
        diff.unified_diff()
    );
    Ok(())
}

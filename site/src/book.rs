//! The book, built in process.

use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

use anyhow::{Context, Result, bail};
use mdbook_driver::{MDBook, config::Config};
use mdbook_html::HtmlHandlebars;
use mdbook_renderer::{RenderContext, Renderer};
use regex::Regex;
use tempfile::TempDir;

use crate::{
    chapters::anchors::pattern,
    console::{self, Linked},
    pages::page::{Mistakes, Site},
    workspace::{Ignored, slashes},
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
    written.with_renderer(Html(Ignored::read(root)));
    if let Err(error) = written.build() {
        // mdBook adds a message at each step. Of a mistake in a chapter, an author needs only its file,
        // its line and its message. Of another error, one of the steps names the file.
        match error.downcast_ref::<Mistakes>() {
            Some(mistakes) => bail!("{mistakes}"),
            None => return Err(error),
        }
    }
    // Stock mdBook leaves a console among the sources, which may be out of date.
    console::remove(&dest.join(console::FOLDER))?;
    Ok(Built {
        written,
        programs: site.programs(),
    })
}

/// mdBook's renderer, with two corrections. It copies everything that is not Markdown from the sources:
/// if editors have left files there, it gets a copy of the sources without them. And its contents have
/// an item too many around the title of each part, which is no valid HTML.
struct Html(Ignored);

/// The title of a part in mdBook's contents.
static PART: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"<li class="chapter-item expanded "><li class="part-title">([^<]*)</li></li>"#)
});

impl Renderer for Html {
    fn name(&self) -> &str {
        "html"
    }

    fn render(&self, context: &RenderContext) -> Result<()> {
        let sources = context.root.join(&context.config.book.src);
        let copy = TempDir::with_prefix("sources-")?;
        if self.is_littered(&context.root, &sources)? {
            self.copy(&context.root, &sources, copy.path())?;
            let mut of_copy = context.clone();
            of_copy.config.book.src = copy.path().to_path_buf();
            HtmlHandlebars::new().render(&of_copy)?;
        } else {
            HtmlHandlebars::new().render(context)?;
        }
        // The links to edit a page may have the path of the copy.
        let [copied, written] = [copy.path(), &context.config.book.src].map(slashes);
        for entry in fs::read_dir(&context.destination)? {
            let file = entry?.path();
            if file
                .extension()
                .is_some_and(|extension| extension == "html")
            {
                let html = fs::read_to_string(&file)?.replace(&copied, &written);
                let html = PART.replace_all(&html, r#"<li class="part-title">$1</li>"#);
                fs::write(&file, &*html)?;
            }
        }
        Ok(())
    }
}

impl Html {
    /// Whether a folder has files that the book must not have.
    fn is_littered(&self, root: &Path, folder: &Path) -> Result<bool> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let is_folder = entry.file_type()?.is_dir();
            let path = entry.path();
            if self.0.has(root, &path, is_folder) || is_folder && self.is_littered(root, &path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Copies a folder without the files that the book must not have.
    fn copy(&self, root: &Path, from: &Path, to: &Path) -> Result<()> {
        for entry in fs::read_dir(from)? {
            let path = entry?.path();
            let Some(name) = path.file_name() else {
                continue;
            };
            if self.0.has(root, &path, path.is_dir()) {
                continue;
            }
            let to = to.join(name);
            if path.is_dir() {
                fs::create_dir(&to)?;
                self.copy(root, &path, &to)?;
            } else {
                fs::copy(&path, &to)
                    .with_context(|| format!("{} cannot be copied", path.display()))?;
            }
        }
        Ok(())
    }
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

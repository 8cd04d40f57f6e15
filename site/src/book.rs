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

/// mdBook's renderer, with three corrections. It copies everything that is not Markdown from the sources:
/// if editors have left files there, it gets a copy of the sources without them. Its contents have
/// an item too many around the title of each part, which is no valid HTML. And its pages don't show where
/// they stand in the guide.
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
                fs::write(&file, show_place(&html, &file))?;
            }
        }
        Ok(())
    }
}

/// Shows where a page stands in the guide, without a script: marks its link in the contents, so that the
/// style sheet can unfold its chapter, and puts a link to the chapter above it. (Stock mdBook's pages have
/// only the mark, which the script adds.)
fn show_place(html: &str, file: &Path) -> String {
    const LINK: &str = r#"<span class="chapter-link-wrapper"><a href=""#;
    const PAGES: &str = r#"<ol class="section">"#;
    // The link to skip to the content passes the link to the chapter, too.
    const CONTENT: &str = r#"<div id="UI-content""#;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    // The first page of the guide is written twice, and once it is called index.html.
    let link = if name == "index.html" {
        LINK.to_owned()
    } else {
        format!("{LINK}{name}\"")
    };
    let Some((before, after)) = html.split_once(&link) else {
        return html.to_owned();
    };
    let marked = link.replace("<a ", r#"<a aria-current="page" "#);
    let chapter = before
        .rsplit_once(PAGES)
        .filter(|(_, pages)| !pages.contains("</ol>"))
        .and_then(|(chapters, _)| chapters.rsplit_once(LINK)?.1.split_once("</a>"));
    let after = match chapter {
        Some((chapter, _)) => {
            let link = format!(
                r#"<nav class="chapter-of" aria-label="Chapter"><a href="{chapter}</a></nav>"#
            );
            after.replacen(CONTENT, &format!("{link}\n\n        {CONTENT}"), 1)
        }
        None => after.to_owned(),
    };
    [before, &marked, &after].concat()
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

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENTS: &str = concat!(
        r#"<ol class="chapter"><li><span class="chapter-link-wrapper"><a href="state.html">State</a></span>"#,
        r#"<ol class="section"><li><span class="chapter-link-wrapper"><a href="mutex.html">Mutex</a></span></li></ol>"#,
        r#"<li><span class="chapter-link-wrapper"><a href="data.html">Data</a></span></li></ol><div id="UI-content">"#,
    );

    fn current(html: &str) -> Vec<&str> {
        html.split(r#"<a aria-current="page" href=""#)
            .skip(1)
            .filter_map(|link| link.split('"').next())
            .collect()
    }

    #[test]
    fn a_page_of_a_chapter_has_a_mark_in_the_contents_and_a_link_to_its_chapter() {
        let html = show_place(CONTENTS, Path::new("book/mutex.html"));
        assert_eq!(current(&html), ["mutex.html"]);
        let link =
            r#"<nav class="chapter-of" aria-label="Chapter"><a href="state.html">State</a></nav>"#;
        assert!(html.contains(link), "{html}");
    }

    #[test]
    fn the_first_page_of_a_chapter_has_only_the_mark() {
        for (file, marked) in [
            ("state.html", "state.html"),
            ("data.html", "data.html"),
            ("index.html", "state.html"),
        ] {
            let html = show_place(CONTENTS, Path::new(file));
            assert_eq!(current(&html), [marked]);
            assert!(!html.contains("chapter-of"), "{file}: {html}");
        }
    }

    #[test]
    fn a_page_that_the_contents_do_not_name_stays_as_it_is() {
        assert_eq!(show_place(CONTENTS, Path::new("404.html")), CONTENTS);
    }
}

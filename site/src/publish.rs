//! Builds the guide for publishing. mdBook makes the pages. This adds a description and an address to
//! each of them, the versions that the samples were tested with, a sitemap, and the chapters as
//! Markdown.

use std::{env, fs, path::Path, sync::LazyLock};

use anyhow::{Context, Result, ensure};
use mdbook_driver::{
    MDBook,
    book::{BookItem, Chapter},
};
use regex::{NoExpand, Regex};

use crate::{
    book,
    chapters::{
        anchors::pattern,
        blocks::{self, included},
    },
    console::{self, Linked},
    pages::{
        color::{escape, unescape},
        source_link::Repository,
    },
    workspace::workspace,
};

/// The environment variable with the address of the published pages, such as
/// `https://shop.example/guide/`. Without it there are no canonical addresses and no sitemap, because
/// both need absolute addresses.
const ADDRESS: &str = "SITE_ADDRESS";

/// The greatest length of a description in letters, unless its first sentence is longer. Search
/// engines show about this many.
const LONGEST: usize = 200;

/// The preview image of the guide in the theme's folder, 1200 by 630 pixels.
const CARD: &str = "card.png";

/// The packages whose versions each page shows.
const TESTED: [&str; 4] = ["axum", "tokio", "serde", "rusqlite"];

/// Options of a build.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether the pages get a console that answers their exchanges.
    pub console: bool,
}

/// Builds the guide into `dest`, with the files that are published beside its pages.
///
/// # Errors
///
/// When a chapter has a mistake, or the samples do not compile.
pub fn build(root: &Path, dest: &Path, options: &Options) -> Result<()> {
    let built = book::build(root, dest)?;
    let folder = dest.join(console::FOLDER);
    if options.console {
        console::build(root, &folder, &built.programs, Linked::Small)?;
    }
    finish(&built.written, dest, console::version(&folder)?.as_deref())
}

/// Completes the built pages in `dest`, and removes files that no page uses. `console` is the version
/// of the console that the pages load.
///
/// # Errors
///
/// When a page does not have the structure that the theme gives it, a chapter is in a subfolder,
/// `Cargo.lock` lacks a package, or a file cannot be read or written.
fn finish(written: &MDBook, dest: &Path, console: Option<&str>) -> Result<()> {
    let config = &written.config;
    let chapters: Vec<(&Chapter, &Path)> = written
        .book
        .iter()
        .filter_map(|item| match item {
            BookItem::Chapter(chapter) => Some((chapter, chapter.path.as_deref()?)),
            _ => None,
        })
        .collect();
    let address = env::var(ADDRESS).ok().filter(|address| !address.is_empty());
    let address = address.map(|address| address.trim_end_matches('/').to_owned() + "/");
    let title = config.book.title.as_deref().unwrap_or_default();
    let about = config.book.description.as_deref().unwrap_or_default();
    let site = Published {
        title,
        address: address.as_deref(),
    };
    let tested = tested(&written.root)?;

    let mut list = format!("# {title}\n\n> {about}\n\n");
    let mut map = String::new();
    for (number, (chapter, file)) in chapters.into_iter().enumerate() {
        ensure!(
            file.components().count() == 1,
            "{}: a chapter must not be in a subfolder, because the contents in each page link to all \
             chapters by name",
            file.display()
        );
        let page = file.with_extension("html").display().to_string();
        let mut described = String::new();
        rewrite(&dest.join(&page), |html| {
            let (html, description) = site.describe(html, &page, &chapter.name)?;
            described = description;
            signed(&with_version(html, console), &tested)
        })?;
        if number == 0 {
            // The first chapter is also the index. Its canonical address is that of the chapter.
            fs::copy(dest.join(&page), dest.join("index.html"))?;
        }
        fs::write(dest.join(file), markdown(written, chapter)?)?;
        let prefix = site.address.unwrap_or_default();
        list += &format!(
            "- [{}]({prefix}{}): {described}\n",
            chapter.name,
            file.display()
        );
        map += &format!(
            "  <url><loc>{}</loc></url>\n",
            escape(&format!("{prefix}{page}"))
        );
    }
    for page in ["404.html", "print.html"].map(|page| dest.join(page)) {
        if page.is_file() {
            rewrite(&page, |html| signed(html, &tested))?;
        }
    }
    fs::write(dest.join("llms.txt"), list)?;
    if site.address.is_some() {
        fs::copy(written.root.join("site/theme").join(CARD), dest.join(CARD))?;
        let map = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{map}</urlset>\n"
        );
        fs::write(dest.join("sitemap.xml"), map)?;
    }
    remove_unused_files(dest)
}

/// Rewrites the file of a page.
fn rewrite(page: &Path, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let file = || page.display().to_string();
    let html = fs::read_to_string(page).with_context(file)?;
    let changed = change(&html).with_context(file)?;
    fs::write(page, changed).with_context(file)
}

/// The title and the address of the guide.
struct Published<'a> {
    title: &'a str,
    address: Option<&'a str>,
}

impl Published<'_> {
    /// Adds the metadata of a page to its head. Returns the page and its description.
    fn describe(&self, html: &str, page: &str, chapter: &str) -> Result<(String, String)> {
        static PARAGRAPH: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)<main>.*?<p>(.*?)</p>"));
        static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"<[^>]*>"));
        static OF_THE_BOOK: LazyLock<Regex> =
            LazyLock::new(|| pattern(r#"<meta name="description" content="[^"]*">"#));
        let first = PARAGRAPH.captures(html);
        let first = first.context("this page has no paragraph, so it has no description")?;
        let text = TAG.replace_all(&first[1], "").replace('\n', " ");
        let described = shortened(&unescape(&text));

        let head = self.head(page, chapter, &described).join("\n        ");
        let with = OF_THE_BOOK.replace(html, NoExpand(&head));
        ensure!(with != html, "this page has no description to replace");
        Ok((with.into_owned(), described))
    }

    /// The metadata in the head of a page.
    fn head(&self, page: &str, chapter: &str, described: &str) -> Vec<String> {
        let element = |name: &str, attributes: &[(&str, &str)]| {
            let attributes = attributes
                .iter()
                .map(|(name, value)| format!(" {name}=\"{}\"", escape(value)));
            format!("<{name}{}>", attributes.collect::<String>())
        };
        let named =
            |name: &str, content: &str| element("meta", &[("name", name), ("content", content)]);
        let og = |name: &str, content: &str| {
            element(
                "meta",
                &[("property", &format!("og:{name}")), ("content", content)],
            )
        };
        let markdown = Path::new(page).with_extension("md").display().to_string();
        let mut head = vec![
            named("description", described),
            og("title", chapter),
            og("description", described),
            og("type", "article"),
            og("site_name", self.title),
            element(
                "link",
                &[
                    ("rel", "alternate"),
                    ("type", "text/markdown"),
                    ("href", &markdown),
                ],
            ),
        ];
        if let Some(address) = self.address {
            let whole = format!("{address}{page}");
            head.extend([
                element("link", &[("rel", "canonical"), ("href", &whole)]),
                og("url", &whole),
                og("image", &format!("{address}{CARD}")),
                og("image:width", "1200"),
                og("image:height", "630"),
                og("image:alt", self.title),
                named("twitter:card", "summary_large_image"),
            ]);
        }
        head
    }
}

/// A sentence in HTML with the versions that the samples were tested with, and the commit if it is
/// known. The tests use the versions in `Cargo.lock` and the workspace's version of Rust.
fn tested(root: &Path) -> Result<String> {
    let lock = fs::read_to_string(workspace(root).join("Cargo.lock")).context("Cargo.lock")?;
    let lock: toml::Table = lock.parse().context("Cargo.lock")?;
    let mut versions = vec![format!("Rust {}", env!("CARGO_PKG_RUST_VERSION"))];
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let packages = packages.context("Cargo.lock has no packages")?;
    for name in TESTED {
        let of = |package: &toml::Value, key| package.get(key)?.as_str().map(str::to_owned);
        let mut named = packages
            .iter()
            .filter(|package| of(package, "name").as_deref() == Some(name));
        let version = named.next().and_then(|package| of(package, "version"));
        let version = version.with_context(|| format!("Cargo.lock has no {name}"))?;
        ensure!(
            named.next().is_none(),
            "Cargo.lock has more than one {name}"
        );
        versions.push(format!("{name} {version}"));
    }
    let last = versions.pop().unwrap_or_default();
    let commit = Repository::from_environment().commit();
    let commit = commit.map(|(address, short)| {
        format!(
            ", at commit <a href=\"{}\">{}</a>",
            escape(&address),
            escape(&short)
        )
    });
    Ok(format!(
        "<p>The samples were tested with {} and {last}{}.</p>",
        versions.join(", "),
        commit.unwrap_or_default()
    ))
}

/// Names the version of the console in a page.
fn with_version(html: String, console: Option<&str>) -> String {
    match console {
        Some(version) => html.replacen("<html ", &format!("<html data-console=\"{version}\" "), 1),
        None => html,
    }
}

/// Adds a line to the footer of a page.
fn signed(html: &str, line: &str) -> Result<String> {
    let parts = html.rsplit_once("</footer>");
    let (above, below) = parts.context("this page has no footer")?;
    Ok(format!("{above}{line}\n            </footer>{below}"))
}

/// As many sentences from the start of the text as fit.
fn shortened(text: &str) -> String {
    let mut short = String::new();
    for sentence in text.split_inclusive(". ") {
        let letters = short.chars().count() + sentence.chars().count();
        if !short.is_empty() && letters > LONGEST {
            break;
        }
        short += sentence;
    }
    short.trim_end().to_owned()
}

/// A chapter as Markdown, with its includes expanded.
fn markdown(written: &MDBook, chapter: &Chapter) -> Result<String> {
    let source = chapter.source_path.clone().unwrap_or_default();
    let file = written.config.book.src.join(source);
    let text = &chapter.content;
    let mut expanded = String::new();
    let mut done = 0;
    for block in blocks::read(text) {
        let (_, lines) = included(&written.root, &file, &block)?;
        let lines: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        expanded += &text[done..block.range.start];
        expanded += &format!("```{}\n{}\n```", block.language, lines.join("\n"));
        done = block.range.end;
    }
    Ok(expanded + &text[done..])
}

/// Removes the scripts and style sheets that no page loads. mdBook copies all that it has.
fn remove_unused_files(dest: &Path) -> Result<()> {
    let mut pages = String::new();
    let mut candidates = Vec::new();
    for folder in ["", "css", "fonts"] {
        let folder = dest.join(folder);
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(folder)? {
            let file = entry?.path();
            let extension = file.extension().unwrap_or_default();
            if file.ends_with("toc.html") || extension == "js" || extension == "css" {
                candidates.push(file);
            } else if extension == "html" {
                pages += &fs::read_to_string(file)?;
            }
        }
    }
    for file in candidates {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if !pages.contains(&*name) {
            fs::remove_file(&file)?;
        }
    }
    for folder in ["css", "fonts"] {
        // This fails if the folder is not empty, as it should.
        let _ = fs::remove_dir(dest.join(folder));
    }
    Ok(())
}

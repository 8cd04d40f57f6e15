//! What a published guide has beside its pages: a description and an address for each, the versions
//! that the samples were tested with, a map of the site, and the chapters as Markdown for who reads
//! them without a browser. mdBook makes none of it.

use std::{env, fs, path::Path, sync::LazyLock};

use anyhow::{Context, Result};
use mdbook_driver::{
    MDBook,
    book::{BookItem, Chapter},
};
use regex::Regex;

use crate::{
    blocks::{self, pattern},
    colour::escape,
    generated::workspace,
    page::included,
    repository::Repository,
};

/// The environment variable that says where the pages will be, such as
/// `https://shop.example/guide/`. Without it they have no canonical address, and there is no
/// sitemap: both want whole addresses.
const ADDRESS: &str = "SITE_ADDRESS";

/// The longest description, in letters. Search engines show about so many.
const LONGEST: usize = 200;

/// The picture that a link to the guide is shown with, among the theme's files. 1200 by 630 pixels.
const CARD: &str = "card.png";

/// What a sample's reader wants to know the version of.
const TESTED: [&str; 4] = ["axum", "tokio", "serde", "rusqlite"];

/// Adds to the built pages in `dest` what is published with them, and takes away what no page asks
/// for.
///
/// # Errors
///
/// When a page is not as the theme makes it, or a file cannot be written.
pub fn finish(written: &MDBook, dest: &Path) -> Result<()> {
    let config = &written.config;
    let chapters: Vec<&Chapter> = written
        .book
        .iter()
        .filter_map(|item| match item {
            BookItem::Chapter(chapter) if chapter.path.is_some() => Some(chapter),
            _ => None,
        })
        .collect();
    let address = env::var(ADDRESS).ok().filter(|address| !address.is_empty());
    let address = address.map(|address| address.trim_end_matches('/').to_owned() + "/");
    let title = config.book.title.clone().unwrap_or_default();
    let about = config.book.description.clone().unwrap_or_default();
    let site = Published {
        dest,
        title: &title,
        about: &about,
        address: address.as_deref(),
    };
    if address.is_some() {
        fs::copy(written.root.join("site/theme").join(CARD), dest.join(CARD))?;
    }
    let tested = tested(&written.root)?;

    let mut list = format!("# {title}\n\n> {about}\n\n");
    let mut map = String::new();
    for (number, chapter) in chapters.iter().enumerate() {
        let file = chapter.path.clone().unwrap_or_default();
        let page = file.with_extension("html");
        let described = site.describe(&page, &chapter.name)?;
        sign(&dest.join(&page), &tested)?;
        if number == 0 {
            // The same page under the shortest name. Its address is that of the chapter.
            fs::copy(dest.join(&page), dest.join("index.html"))?;
        }
        fs::write(dest.join(&file), markdown(written, chapter)?)?;
        let prefix = address.as_deref().unwrap_or_default();
        list += &format!(
            "- [{}]({prefix}{}): {described}\n",
            chapter.name,
            file.display()
        );
        if let Some(address) = &address {
            map += &format!("  <url><loc>{address}{}</loc></url>\n", page.display());
        }
    }
    for page in ["404.html", "print.html"] {
        sign(&dest.join(page), &tested)?;
    }
    fs::write(dest.join("llms.txt"), list)?;
    if !map.is_empty() {
        let map = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{map}</urlset>\n"
        );
        fs::write(dest.join("sitemap.xml"), map)?;
    }
    take_away_what_no_page_asks_for(dest)
}

/// Where the guide is built to, and what it says of itself.
struct Published<'a> {
    dest: &'a Path,
    title: &'a str,
    about: &'a str,
    address: Option<&'a str>,
}

impl Published<'_> {
    /// Gives a page its own description, the title and the addresses that a link to it is shown
    /// with. Says the description.
    fn describe(&self, page: &Path, chapter: &str) -> Result<String> {
        static PARAGRAPH: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)<main>.*?<p>(.*?)</p>"));
        static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"<[^>]*>"));
        let file = self.dest.join(page);
        let html = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let first = PARAGRAPH
            .captures(&html)
            .with_context(|| format!("{} has no paragraph to be described by", page.display()))?;
        let text = TAG.replace_all(&first[1], "").replace('\n', " ");
        let described = shortened(&text);

        // As mdBook's template engine writes it.
        let of_the_book = format!(
            "<meta name=\"description\" content=\"{}\">",
            escape(self.about)
        );
        let head = self.head(page, chapter, &described).join("\n        ");
        let with = html.replacen(&of_the_book, &head, 1);
        anyhow::ensure!(
            with != html,
            "{} has no description to replace",
            page.display()
        );
        fs::write(&file, with)?;
        Ok(described)
    }

    /// What a page's head says of it. `described` is HTML, as it was found in the page.
    fn head(&self, page: &Path, chapter: &str, described: &str) -> Vec<String> {
        let named = |kind: &str, name: &str, content: &str| {
            let content = content.replace('"', "&quot;");
            format!("<meta {kind}=\"{name}\" content=\"{content}\">")
        };
        let og = |name: &str, content: &str| named("property", &format!("og:{name}"), content);
        let markdown = page.with_extension("md");
        let mut head = vec![
            named("name", "description", described),
            og("title", &escape(chapter)),
            og("description", described),
            og("type", "article"),
            og("site_name", &escape(self.title)),
            format!(
                "<link rel=\"alternate\" type=\"text/markdown\" href=\"{}\">",
                markdown.display()
            ),
        ];
        if let Some(address) = self.address {
            let whole = format!("{address}{}", page.display());
            head.push(format!(
                "<link rel=\"canonical\" href=\"{}\">",
                escape(&whole)
            ));
            head.push(og("url", &escape(&whole)));
            head.push(og("image", &escape(&format!("{address}{CARD}"))));
            head.push(og("image:width", "1200"));
            head.push(og("image:height", "630"));
            head.push(og("image:alt", &escape(self.title)));
            head.push(named("name", "twitter:card", "summary_large_image"));
        }
        head
    }
}

/// The versions that the samples were tested with, and the commit where it is known, in HTML: the
/// tests compile with `Cargo.lock`, and with the Rust that the workspace names.
fn tested(root: &Path) -> Result<String> {
    let lock = fs::read_to_string(workspace(root).join("Cargo.lock")).context("Cargo.lock")?;
    let lock: toml::Table = lock.parse().context("Cargo.lock")?;
    let mut versions = vec![format!("Rust {}", env!("CARGO_PKG_RUST_VERSION"))];
    let packages = lock["package"].as_array().context("Cargo.lock: package")?;
    for name in TESTED {
        let named = |package: &&toml::Value| package["name"].as_str() == Some(name);
        let package = packages.iter().find(named);
        let version = package.and_then(|package| package["version"].as_str());
        let version = version.with_context(|| format!("Cargo.lock has no {name}"))?;
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

/// Puts a line at the foot of a page.
fn sign(page: &Path, line: &str) -> Result<()> {
    let html = fs::read_to_string(page).with_context(|| page.display().to_string())?;
    let (above, below) = html
        .rsplit_once("</footer>")
        .with_context(|| format!("{} has no footer", page.display()))?;
    fs::write(page, format!("{above}{line}\n            </footer>{below}"))?;
    Ok(())
}

/// The first sentences, as many as fit.
fn shortened(text: &str) -> String {
    let mut short = String::new();
    for sentence in text.split_inclusive(". ") {
        if !short.is_empty() && (short.len() + sentence.len()) > LONGEST {
            break;
        }
        short += sentence;
    }
    short.trim_end().to_owned()
}

/// A chapter with what its blocks show, as it could stand in a file of its own.
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

/// mdBook publishes all its scripts and style sheets, whatever the template loads.
fn take_away_what_no_page_asks_for(dest: &Path) -> Result<()> {
    let mut pages = String::new();
    let mut candidates = Vec::new();
    for folder in [dest.to_owned(), dest.join("css")] {
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
    // Only where nothing is left in it.
    let _ = fs::remove_dir(dest.join("css"));
    Ok(())
}

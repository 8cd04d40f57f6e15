//! What a published guide has beside its pages: a description and an address for each, a map of the
//! site, and the chapters as Markdown for who reads them without a browser. mdBook makes none of it.

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
    page::included,
};

/// The environment variable that says where the pages will be, such as
/// `https://shop.example/guide/`. Without it they have no canonical address, and there is no
/// sitemap: both want whole addresses.
const ADDRESS: &str = "SITE_ADDRESS";

/// The longest description, in letters. Search engines show about so many.
const LONGEST: usize = 200;

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

    let mut list = format!("# {title}\n\n> {about}\n\n");
    let mut map = String::new();
    for (number, chapter) in chapters.iter().enumerate() {
        let file = chapter.path.clone().unwrap_or_default();
        let page = file.with_extension("html");
        let described = describe(dest, &page, &chapter.name, &about, address.as_deref())?;
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

/// Gives a page its own description, the title and the addresses that a link to it is shown with.
/// Says the description.
fn describe(
    dest: &Path,
    page: &Path,
    title: &str,
    about: &str,
    address: Option<&str>,
) -> Result<String> {
    static PARAGRAPH: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)<main>.*?<p>(.*?)</p>"));
    static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"<[^>]*>"));
    let file = dest.join(page);
    let html = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let first = PARAGRAPH
        .captures(&html)
        .with_context(|| format!("{} has no paragraph to be described by", page.display()))?;
    let text = TAG.replace_all(&first[1], "").replace('\n', " ");
    let described = shortened(&text);

    let attribute = described.replace('"', "&quot;");
    let mut head = format!("<meta name=\"description\" content=\"{attribute}\">");
    head += &format!(
        "\n        <meta property=\"og:title\" content=\"{}\">",
        escape(title)
    );
    head += &format!("\n        <meta property=\"og:description\" content=\"{attribute}\">");
    head += "\n        <meta property=\"og:type\" content=\"article\">";
    let markdown = page.with_extension("md");
    head += &format!(
        "\n        <link rel=\"alternate\" type=\"text/markdown\" href=\"{}\">",
        markdown.display()
    );
    if let Some(address) = address {
        let whole = format!("{address}{}", page.display());
        head += &format!("\n        <link rel=\"canonical\" href=\"{whole}\">");
        head += &format!("\n        <meta property=\"og:url\" content=\"{whole}\">");
    }
    // As mdBook's template engine writes it.
    let of_the_book = format!("<meta name=\"description\" content=\"{}\">", escape(about));
    let with = html.replacen(&of_the_book, &head, 1);
    anyhow::ensure!(
        with != html,
        "{} has no description to replace",
        page.display()
    );
    fs::write(&file, with)?;
    Ok(described)
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

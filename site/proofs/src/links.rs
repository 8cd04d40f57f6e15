//! Links: each leads to a page, a file or a place that exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;
use mdbook_driver::MDBook;
use mdbook_markdown::pulldown_cmark::{Event, Tag};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use site::chapters::anchors::Problem;
use site::workspace::slashes;

use crate::html;
use crate::walk::{Page, Walk, files};

/// The target of a link, and its line.
#[derive(Debug, PartialEq, Eq)]
pub struct Link {
    /// The first line is 1.
    pub line: usize,
    /// As written.
    pub target: String,
}

/// The links and images of a page of Markdown, and of the HTML in it.
pub fn of_markdown(text: &str) -> Vec<Link> {
    let parser = new_cmark_parser(text, &MarkdownOptions::default());
    let mut links: Vec<Link> = parser
        .into_offset_iter()
        .filter_map(|(event, range)| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(Link {
                line: html::line_of(text, range.start),
                target: dest_url.to_string(),
            }),
            _ => None,
        })
        .collect();
    for piece in html::pieces(text) {
        links.extend(piece.tag.links.into_iter().map(|target| Link {
            line: piece.line,
            target,
        }));
    }
    links.sort_by_key(|link| link.line);
    links
}

/// Chapters that SUMMARY.md does not name, and entries of it without a chapter.
pub fn summary(walk: &Walk) -> Vec<Problem> {
    let file = Path::new("src/SUMMARY.md");
    let mut named = BTreeSet::new();
    let mut problems = Vec::new();
    for link in of_markdown(&walk.summary) {
        // mdBook shows an entry without a path as a draft: a chapter that will be written.
        if link.target.is_empty() {
            continue;
        }
        let chapter = join(Path::new("src"), &link.target);
        if walk.root.join(&chapter).is_file() {
            named.insert(chapter);
        } else {
            problems.push(Problem::new(
                file,
                link.line,
                format!(
                    "there is no chapter {}. Write it, or fix the path",
                    slashes(&chapter)
                ),
            ));
        }
    }
    // mdBook shows this page in the place of one that does not exist.
    named.insert(PathBuf::from("src/404.md"));
    for page in &walk.pages {
        if !named.contains(&page.file) {
            problems.push(Problem::new(
                &page.file,
                1,
                "src/SUMMARY.md does not name this chapter, so no reader finds it. Add it there, \
                 or remove the file",
            ));
        }
    }
    problems
}

/// Renders the book at `root` into a folder, as `cargo serve` does, without making the console.
pub fn render(root: &Path, folder: &Path) -> Result<()> {
    let mut config = site::book::settings(root)?;
    config.build.build_dir = folder.to_path_buf();
    let mut book = MDBook::load_with_config(root, config)?;
    book.with_preprocessor(site::pages::page::Site::default());
    book.build()
}

/// The rendered book: everything that a link can lead to.
pub struct Rendered {
    /// Every file, from the folder of the pages.
    files: BTreeSet<PathBuf>,
    /// By page, its ids.
    ids: BTreeMap<PathBuf, BTreeSet<String>>,
    /// By page, the links of its HTML.
    links: BTreeMap<PathBuf, Vec<Link>>,
}

impl Rendered {
    /// Reads the pages that mdBook rendered into a folder. The folder is not needed afterwards.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut rendered = Self {
            files: files(folder, "")?.into_iter().collect(),
            ids: BTreeMap::new(),
            links: BTreeMap::new(),
        };
        for file in &rendered.files {
            if file.extension().is_none_or(|extension| extension != "html") {
                continue;
            }
            let tags = html::tags(&fs::read_to_string(folder.join(file))?);
            let ids = tags.iter().filter_map(|tag| tag.id.clone()).collect();
            let links = tags
                .into_iter()
                .flat_map(|tag| {
                    let line = tag.line;
                    let links = tag.links.into_iter();
                    links.map(move |target| Link { line, target })
                })
                .collect();
            rendered.ids.insert(file.clone(), ids);
            rendered.links.insert(file.clone(), links);
        }
        Ok(rendered)
    }

    /// The problems of a page's links: those of its Markdown with their lines, and those that the
    /// tool adds with the lines of the rendered page.
    pub fn check(&self, page: &Page) -> Vec<Problem> {
        let Page {
            file: page, text, ..
        } = page;
        let from_src = page.strip_prefix("src").unwrap_or(page);
        let html = from_src.with_extension("html");
        let mut written = BTreeSet::new();
        let mut problems = Vec::new();
        for link in of_markdown(text) {
            written.insert(as_rendered(&link.target));
            if let Err(message) = self.follow(&html, &as_rendered(&link.target)) {
                let message = message.replace(&as_rendered(&link.target), &link.target);
                problems.push(Problem::new(page, link.line, message));
            }
        }
        for link in self.links.get(&html).into_iter().flatten() {
            if written.contains(&link.target) {
                continue;
            }
            if let Err(message) = self.follow(&html, &link.target) {
                problems.push(Problem::new(
                    page,
                    1,
                    format!("line {} of the rendered page: {message}", link.line),
                ));
            }
        }
        problems.dedup();
        problems
    }

    fn follow(&self, page: &Path, target: &str) -> Result<(), String> {
        if let Some(verdict) = external(target) {
            return verdict;
        }
        let (path, fragment) = match target.split_once('#') {
            Some((path, fragment)) => (path, Some(fragment)),
            None => (target, None),
        };
        let path = path.split('?').next().unwrap_or_default();
        let file = if path.is_empty() {
            page.to_path_buf()
        } else {
            join(page.parent().unwrap_or(Path::new("")), path)
        };
        let file = if path.ends_with('/') || file == Path::new("") {
            file.join("index.html")
        } else {
            file
        };
        if !self.files.contains(&file) {
            return Err(format!(
                "the link {target} leads to {}, which the book does not have. Fix the path, or \
                 link to a page of the book by its .md",
                slashes(&file)
            ));
        }
        let Some(fragment) = fragment.filter(|fragment| !fragment.is_empty()) else {
            return Ok(());
        };
        match self.ids.get(&file) {
            Some(ids) if !ids.contains(fragment) => Err(format!(
                "the link {target} points to `#{fragment}`, but {} has no such id. Use the id of \
                 a heading there{}",
                slashes(&file),
                nearest(ids, fragment)
            )),
            _ => Ok(()),
        }
    }
}

/// The problems of the links of a file that people read in the repository, such as README.md.
pub fn in_repository(root: &Path, file: &Path) -> io::Result<Vec<Problem>> {
    let text = fs::read_to_string(root.join(file))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut problems = Vec::new();
    for link in of_markdown(&text) {
        let verdict = external(&link.target).unwrap_or_else(|| {
            let path = link.target.split('#').next().unwrap_or_default();
            let target = join(folder, path);
            if path.is_empty() || root.join(&target).exists() {
                return Ok(());
            }
            Err(format!(
                "the link {} leads to {}, which the repository does not have. Fix the path",
                link.target,
                slashes(&target)
            ))
        });
        if let Err(message) = verdict {
            problems.push(Problem::new(file, link.line, message));
        }
    }
    Ok(problems)
}

/// Judges a link out of the book by its form, because no test of this guide needs a network.
fn external(target: &str) -> Option<Result<(), String>> {
    if target.starts_with("mailto:") || target.starts_with("data:") {
        return Some(Ok(()));
    }
    if let Some(rest) = target.strip_prefix("https://") {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let well_formed = host.contains('.') && !target.contains(char::is_whitespace);
        return Some(if well_formed {
            Ok(())
        } else {
            Err(format!("{target} is not the address of a page. Fix it"))
        });
    }
    if target.starts_with("http://localhost") || target.starts_with("http://127.0.0.1") {
        return Some(Ok(()));
    }
    if target.starts_with("http://") {
        return Some(Err(format!("{target} is not encrypted. Link to https://")));
    }
    if target.starts_with("//") || target.starts_with("javascript:") {
        return Some(Err(format!(
            "{target} is not a link of this book. Write it out"
        )));
    }
    None
}

/// The target of a link in the rendered book: mdBook turns a link to a chapter into one to its page.
fn as_rendered(target: &str) -> String {
    if external(target).is_some() {
        return target.to_owned();
    }
    let (path, fragment) = match target.split_once('#') {
        Some((path, fragment)) => (path, format!("#{fragment}")),
        None => (target, String::new()),
    };
    match path.strip_suffix(".md") {
        Some(page) => format!("{page}.html{fragment}"),
        None => target.to_owned(),
    }
}

/// The path of a relative link, or of another relative path, without dots.
pub fn join(folder: &Path, target: &str) -> PathBuf {
    let mut path = if target.starts_with('/') {
        PathBuf::new()
    } else {
        folder.to_path_buf()
    };
    for component in Path::new(target).components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(name) => path.push(name),
            _ => {}
        }
    }
    path
}

fn nearest(ids: &BTreeSet<String>, wanted: &str) -> String {
    let first = wanted.split('-').next().unwrap_or(wanted);
    let near: Vec<&str> = ids
        .iter()
        .filter(|id| id.contains(first))
        .map(String::as_str)
        .take(3)
        .collect();
    if near.is_empty() {
        String::new()
    } else {
        format!(": {}", near.join(", "))
    }
}

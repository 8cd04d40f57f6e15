//! The code blocks of a chapter, read as CommonMark.
//!
//! The preprocessor, which turns blocks into figures, and the proofs, which decide which blocks are
//! allowed, both use this reader. It does not decide what is allowed.

use std::{
    fmt,
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use mdbook_markdown::{
    MarkdownOptions, new_cmark_parser,
    pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd},
};
use regex::Regex;

use super::anchors::{Line, Problem, Source, pattern};
use crate::workspace::slashes;

/// A code block, or a raw `<pre>`, of a chapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The line of the chapter that opens the block, counted from 1.
    pub line: usize,
    /// The byte range of the block in the chapter, including its fences.
    pub range: Range<usize>,
    /// How the block is written.
    pub fence: Fence,
    /// The info string as written: `rust,mark=total`.
    pub info: String,
    /// The first word of the info string, or empty.
    pub language: String,
    /// The other words of the info string: `["mark=total"]`.
    pub attributes: Vec<String>,
    /// The containers of the block, from the outside in. Empty at the top level of the chapter.
    pub containers: Vec<Container>,
    /// The lines between the fences, before any include is expanded.
    pub body: String,
    /// The include in the body, or the reason why the body is not an include.
    pub include: Result<Include, NotAnInclude>,
}

impl Block {
    /// Whether the info string has the `name` attribute.
    pub fn has(&self, name: &str) -> bool {
        self.attributes.iter().any(|attribute| attribute == name)
    }

    /// The value of the `key=…` attribute.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find_map(|attribute| attribute.strip_prefix(key)?.strip_prefix('='))
    }

    /// The lines of the block that `line=6` or `line=6-7` names, counted from 1.
    pub fn lines(&self) -> Option<RangeInclusive<usize>> {
        let lines = self.value("line")?;
        let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
        Some(first.parse().ok()?..=last.parse().ok()?)
    }
}

/// How a block is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// Three or more backticks.
    Backtick,
    /// Three or more tildes.
    Tilde,
    /// Four spaces before every line.
    Indented,
    /// A `<pre>` element in raw HTML.
    Pre,
}

/// A part of a chapter that contains other parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Container {
    /// A list of any kind.
    List,
    /// A quote or an admonition.
    Quote,
    /// A footnote's text.
    Footnote,
    /// A raw HTML element, by its name in lower case: `details`.
    Html(String),
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List => f.write_str("a list"),
            Self::Quote => f.write_str("a quote"),
            Self::Footnote => f.write_str("a footnote"),
            Self::Html(name) => write!(f, "<{name}>"),
        }
    }
}

/// `{{#include PATH}}` or `{{#include PATH:ANCHOR}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// The path as written, relative to the chapter's folder.
    pub path: PathBuf,
    /// The anchor, if the include names one.
    pub anchor: Option<String>,
}

/// Why the body of a block is not exactly one include.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAnInclude {
    /// The code is in the chapter itself.
    Inline,
    /// There is more than one include, or other text beside it.
    MoreThanOne,
    /// Lines are named by their numbers.
    LineRange,
    /// Another of mdBook's helpers is used.
    Helper(String),
    /// There is no path, or more than a path and an anchor.
    Malformed,
}

impl fmt::Display for NotAnInclude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline => f.write_str(
                "this code is in the chapter, where it is not compiled or run. Move it to a file of \
                 `code`, and write `{{#include ../code/FILE:ANCHOR}}` here",
            ),
            Self::MoreThanOne => f.write_str(
                "a block must contain one include and nothing else. Move the other lines to the \
                 included file, or to another block",
            ),
            Self::LineRange => f.write_str(
                "this include names lines by their numbers, which change with the next edit. Put \
                 `ANCHOR: name` and `ANCHOR_END: name` comments around the lines, and include `FILE:name`",
            ),
            Self::Helper(name) => {
                write!(f, "`{{{{#{name}}}}}` is not allowed in this guide. Write `{{{{#include …}}}}`")
            }
            Self::Malformed => f.write_str(
                "this include is malformed. Write `{{#include ../code/FILE}}` or \
                 `{{#include ../code/FILE:ANCHOR}}`. An anchor has letters, digits, `-` and `_`",
            ),
        }
    }
}

/// All code blocks of a chapter, from top to bottom.
pub fn read(chapter: &str) -> Vec<Block> {
    let mut walk = Walk {
        chapter,
        lines: Lines::new(chapter),
        containers: Vec::new(),
        blocks: Vec::new(),
        open: None,
    };
    // mdBook's smart punctuation is off here, but it changes only text between blocks.
    let parser = new_cmark_parser(chapter, &MarkdownOptions::default());
    for (event, range) in parser.into_offset_iter() {
        walk.event(event, range);
    }
    walk.blocks
}

/// The lines of `chapter` with an `{{#include}}`, or another helper that inserts code, outside of all
/// blocks. Such an include could insert blocks that [`read`] does not find. An escaped one
/// (`\{{#include}}`) is text and does not count.
pub fn stray_includes(chapter: &str, blocks: &[Block]) -> Vec<usize> {
    static BRINGS_CODE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\\?\{\{\s*#(include|rustdoc_include|playground|playpen)\s"));
    let lines = Lines::new(chapter);
    BRINGS_CODE
        .find_iter(chapter)
        .filter(|found| !found.as_str().starts_with('\\'))
        .filter(|found| {
            !blocks
                .iter()
                .any(|block| block.range.contains(&found.start()))
        })
        .map(|found| lines.line_of(found.start()))
        .collect()
}

struct Walk<'a> {
    chapter: &'a str,
    lines: Lines,
    containers: Vec<Container>,
    blocks: Vec<Block>,
    open: Option<(Fence, String, String)>,
}

impl Walk<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => self.open = Some(self.opened(&kind, &range)),
            Event::End(TagEnd::CodeBlock) => {
                if let Some((fence, info, body)) = self.open.take() {
                    self.push(range, fence, info, body);
                }
            }
            Event::Text(text) => {
                if let Some((_, _, body)) = &mut self.open {
                    body.push_str(&text);
                }
            }
            // A tag may span several lines, and each line is an event. So read the whole block.
            Event::Start(Tag::HtmlBlock) => self.html(range),
            Event::InlineHtml(_) => self.html(range),
            Event::Start(tag) => self.containers.extend(container(&tag)),
            Event::End(end) => self.close(end),
            _ => {}
        }
    }

    fn opened(&self, kind: &CodeBlockKind<'_>, range: &Range<usize>) -> (Fence, String, String) {
        let (fence, info) = match kind {
            CodeBlockKind::Indented => (Fence::Indented, String::new()),
            CodeBlockKind::Fenced(info) => {
                let tilde = self.chapter[range.clone()].trim_start().starts_with('~');
                let fence = if tilde { Fence::Tilde } else { Fence::Backtick };
                (fence, info.to_string())
            }
        };
        (fence, info, String::new())
    }

    fn push(&mut self, range: Range<usize>, fence: Fence, info: String, body: String) {
        let mut words = info.split(',').map(|word| word.trim().to_owned());
        self.blocks.push(Block {
            line: self.lines.line_of(range.start),
            language: words.next().unwrap_or_default(),
            attributes: words.filter(|word| !word.is_empty()).collect(),
            containers: self.containers.clone(),
            include: include(&body),
            range,
            fence,
            info,
            body,
        });
    }

    fn close(&mut self, end: TagEnd) {
        let container = match end {
            TagEnd::List(_) | TagEnd::DefinitionList => Container::List,
            TagEnd::BlockQuote(_) => Container::Quote,
            TagEnd::FootnoteDefinition => Container::Footnote,
            _ => return,
        };
        // An element that is not closed inside of a list ends with the list.
        if let Some(at) = self.containers.iter().rposition(|open| *open == container) {
            self.containers.truncate(at);
        }
    }

    /// Keeps track of the elements that raw HTML opens and closes. A `<pre>` counts as a block.
    fn html(&mut self, range: Range<usize>) {
        let (chapter, offset) = (self.chapter, range.start);
        static TAG: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r#"(?s)<!--.*?-->|<(/?)([a-zA-Z][a-zA-Z0-9-]*)(?:"[^"]*"|'[^']*'|[^'">])*?(/?)>"#,
            )
        });
        for tag in TAG.captures_iter(&chapter[range]) {
            let (Some(whole), Some(name)) = (tag.get(0), tag.get(2)) else {
                continue; // a comment
            };
            let name = name.as_str().to_ascii_lowercase();
            if !tag[1].is_empty() {
                let closed = Container::Html(name);
                if let Some(at) = self.containers.iter().rposition(|open| *open == closed) {
                    self.containers.truncate(at);
                }
            } else if tag[3].is_empty() && !is_void(&name) {
                if name == "pre" {
                    let start = offset + whole.start();
                    self.push(
                        start..start + whole.len(),
                        Fence::Pre,
                        String::new(),
                        String::new(),
                    );
                }
                self.containers.push(Container::Html(name));
            }
        }
    }
}

fn container(tag: &Tag<'_>) -> Option<Container> {
    match tag {
        Tag::List(_) | Tag::DefinitionList => Some(Container::List),
        Tag::BlockQuote(_) => Some(Container::Quote),
        Tag::FootnoteDefinition(_) => Some(Container::Footnote),
        _ => None,
    }
}

/// Whether the element has no end tag.
fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
    )
}

fn include(body: &str) -> Result<Include, NotAnInclude> {
    // mdBook's pattern, so that this finds the same helpers as mdBook.
    static HELPER: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\\?\{\{\s*#([a-zA-Z0-9_]+)\s*([^}]*)\}\}"));
    let mut helpers = HELPER
        .captures_iter(body)
        .filter(|helper| !helper[0].starts_with('\\'));
    let Some(helper) = helpers.next() else {
        return Err(NotAnInclude::Inline);
    };
    if helpers.next().is_some() || helper[0] != *body.trim() {
        return Err(NotAnInclude::MoreThanOne);
    }
    if helper[1] != *"include" {
        return Err(NotAnInclude::Helper(helper[1].to_owned()));
    }
    target(helper[2].trim())
}

fn target(target: &str) -> Result<Include, NotAnInclude> {
    static ANCHOR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[\w-]+$"));
    let (path, anchor) = match target.split_once(':') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (target, None),
    };
    if path.is_empty() || target.contains(char::is_whitespace) {
        return Err(NotAnInclude::Malformed);
    }
    if anchor.is_some_and(|anchor| anchor.chars().all(|c| c.is_ascii_digit() || c == ':')) {
        return Err(NotAnInclude::LineRange);
    }
    if anchor.is_some_and(|anchor| !ANCHOR.is_match(anchor)) {
        return Err(NotAnInclude::Malformed);
    }
    Ok(Include {
        path: path.into(),
        anchor: anchor.map(str::to_owned),
    })
}

/// The byte offsets at which the lines of a text start, without the first.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at + 1).collect())
    }

    /// The line of a byte, counted from 1.
    fn line_of(&self, byte: usize) -> usize {
        self.0.partition_point(|start| *start <= byte) + 1
    }
}

/// The file that an include in `chapter` names. Both are paths from the repository's root. Returns
/// `None` if the file is outside of the repository.
pub fn included_file(chapter: &Path, include: &Include) -> Option<PathBuf> {
    use std::path::Component::{CurDir, Normal, ParentDir};
    let mut file = chapter.parent()?.to_path_buf();
    for component in include.path.components() {
        match component {
            CurDir => {}
            Normal(name) => file.push(name),
            ParentDir => {
                if !file.pop() {
                    return None;
                }
            }
            _ => return None,
        }
    }
    Some(file)
}

/// The file that a block of a chapter includes, and the lines that the block shows.
///
/// # Errors
///
/// When the block is not an include, or its file or anchor does not exist.
pub(crate) fn included(
    root: &Path,
    chapter: &Path,
    block: &Block,
) -> Result<(Source, Vec<Line>), Problem> {
    let problem = |message: String| Problem::new(chapter, block.line, message);
    let include = block
        .include
        .as_ref()
        .map_err(|not| problem(not.to_string()))?;
    let file = included_file(chapter, include)
        .ok_or_else(|| problem("the included file is outside of the repository".into()))?;
    let source = Source::read(root, &file).map_err(|error| {
        let file = slashes(&file);
        problem(format!(
            "{file} cannot be read ({error}). Include a file that exists"
        ))
    })?;
    let lines = source
        .shown(include.anchor.as_deref())
        .map_err(|unshown| unshown.at(chapter, block.line))?;
    Ok((source, lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(chapter: &str) -> Block {
        let mut blocks = read(chapter);
        assert_eq!(blocks.len(), 1, "{blocks:#?}");
        blocks.remove(0)
    }

    #[test]
    fn an_include_with_an_anchor() {
        let chapter = "# Title\n\n```rust,mark=total\n{{#include ../code/src/a.rs:order}}\n```\n";
        let block = one(chapter);
        assert_eq!(
            (block.line, block.fence, &*block.language),
            (3, Fence::Backtick, "rust")
        );
        assert_eq!(block.value("mark"), Some("total"));
        assert_eq!(block.containers, []);
        let include = Include {
            path: "../code/src/a.rs".into(),
            anchor: Some("order".into()),
        };
        assert_eq!(block.include, Ok(include));
        assert_eq!(&chapter[block.range], &chapter[9..chapter.len() - 1]);
    }

    #[test]
    fn every_kind_of_fence_is_a_block() {
        let chapter = "~~~text\na\n~~~\n\n    indented\n\n```\nb\n```\n\n<pre>c</pre>\n";
        let kinds: Vec<_> = read(chapter).iter().map(|b| (b.line, b.fence)).collect();
        assert_eq!(
            kinds,
            [
                (1, Fence::Tilde),
                (5, Fence::Indented),
                (7, Fence::Backtick),
                (11, Fence::Pre)
            ]
        );
    }

    #[test]
    fn the_containers_of_a_block() {
        let fence = "```text\na\n```";
        let inside = |chapter: &str| one(chapter).containers;
        assert_eq!(
            inside("- item\n\n  ```text\n  a\n  ```\n"),
            [Container::List]
        );
        assert_eq!(inside("> ```text\n> a\n> ```\n"), [Container::Quote]);
        assert_eq!(
            inside("> [!NOTE]\n> ```text\n> a\n> ```\n"),
            [Container::Quote]
        );
        assert_eq!(
            inside("x[^1]\n\n[^1]: note\n\n    ```text\n    a\n    ```\n"),
            [Container::Footnote]
        );
        assert_eq!(
            inside("term\n: text\n\n  ```text\n  a\n  ```\n"),
            [Container::List]
        );
        assert_eq!(
            inside(&format!(
                "<details class=\"a>b\">\n<summary>s</summary>\n\n{fence}\n\n</details>\n"
            )),
            [Container::Html("details".into())]
        );
        assert_eq!(
            inside(&format!("<aside\n  class=\"a\">\n\n{fence}\n")),
            [Container::Html("aside".into())]
        );
        assert_eq!(
            inside(&format!("<aside>\n\n<br>text\n\n</aside>\n\n{fence}\n")),
            []
        );
        assert_eq!(inside(&format!("<!-- <aside> -->\n\n{fence}\n")), []);
    }

    #[test]
    fn a_body_that_is_not_an_include() {
        let why = |body: &str| one(&format!("```rust\n{body}\n```\n")).include.err();
        assert_eq!(why("let x = 1;"), Some(NotAnInclude::Inline));
        assert_eq!(why("\\{{#include ../a.rs}}"), Some(NotAnInclude::Inline));
        assert_eq!(
            why("{{#include ../a.rs}}\nlet x = 1;"),
            Some(NotAnInclude::MoreThanOne)
        );
        assert_eq!(
            why("{{#include ../a.rs}}\n{{#include ../b.rs}}"),
            Some(NotAnInclude::MoreThanOne)
        );
        assert_eq!(
            why("{{#include ../a.rs:3:7}}"),
            Some(NotAnInclude::LineRange)
        );
        assert_eq!(
            why("{{#include ../a.rs::7}}"),
            Some(NotAnInclude::LineRange)
        );
        assert_eq!(why("{{#include ../a.rs:}}"), Some(NotAnInclude::LineRange));
        assert_eq!(
            why("{{#include ../a.rs:one:two}}"),
            Some(NotAnInclude::Malformed)
        );
        assert_eq!(why("{{#include}}"), Some(NotAnInclude::Malformed));
        assert_eq!(
            why("{{#include ../a.rs more}}"),
            Some(NotAnInclude::Malformed)
        );
        let helper = NotAnInclude::Helper("rustdoc_include".into());
        assert_eq!(why("{{#rustdoc_include ../a.rs:x}}"), Some(helper));
        assert_eq!(why("{{#include ../a.rs}}"), None);
    }

    #[test]
    fn includes_outside_of_blocks() {
        let chapter =
            "Text\n\n{{#include a.md}}\n\n`\\{{#include b}}`\n\n```rust\n{{#include c}}\n```\n";
        assert_eq!(stray_includes(chapter, &read(chapter)), [3]);
    }

    #[test]
    fn included_files_stay_in_the_repository() {
        let file = |path: &str| {
            included_file(
                Path::new("src/a.md"),
                &Include {
                    path: path.into(),
                    anchor: None,
                },
            )
        };
        assert_eq!(file("../code/./src/a.rs"), Some("code/src/a.rs".into()));
        assert_eq!(file("../../code/a.rs"), None);
        assert_eq!(file("/etc/passwd"), None);
    }
}

//! The tags of a piece of HTML, read with the tokenizer that mdBook itself uses.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag as HtmlTag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer,
};
use mdbook_markdown::pulldown_cmark::{Event, Tag as MarkdownTag};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};

/// An opening or closing tag.
#[derive(Debug)]
pub struct Tag {
    /// The line of the text that it ends in; the first is 1.
    pub line: usize,
    /// Its name in lower case.
    pub name: String,
    /// Whether it is `</name>`.
    pub closing: bool,
    /// Whether it has no content and no closing tag.
    pub void: bool,
    /// The values of its `href` and `src`.
    pub links: Vec<String>,
    /// The value of its `id`.
    pub id: Option<String>,
    /// The value of its `class`, empty if it has none.
    pub class: String,
}

const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// The tags of a piece of HTML, in order.
pub fn tags(html: &str) -> Vec<Tag> {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Sink::default(), Default::default());
    // The tokenizer stops early only to run a script, and the sink never asks for that.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

#[derive(Default)]
struct Sink(RefCell<Vec<Tag>>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        let Token::TagToken(tag) = token else {
            return TokenSinkResult::Continue;
        };
        let opening = tag.kind == TagKind::StartTag;
        let content = match &*tag.name {
            "script" if opening => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" if opening => TokenSinkResult::RawData(RawKind::Rawtext),
            _ => TokenSinkResult::Continue,
        };
        self.0.borrow_mut().push(read(&tag, line as usize));
        content
    }
}

fn read(tag: &HtmlTag, line: usize) -> Tag {
    let value = |wanted: &str| {
        tag.attrs
            .iter()
            .find(|attribute| &*attribute.name.local == wanted)
            .map(|attribute| attribute.value.to_string())
    };
    Tag {
        line,
        name: tag.name.to_string(),
        closing: tag.kind == TagKind::EndTag,
        void: tag.self_closing || VOID.contains(&&*tag.name),
        links: [value("href"), value("src")]
            .into_iter()
            .flatten()
            .collect(),
        id: value("id"),
        class: value("class").unwrap_or_default(),
    }
}

/// A tag of the HTML that stands in a page of Markdown.
#[derive(Debug)]
pub struct Piece {
    /// The line of the page; the first is 1.
    pub line: usize,
    /// The tag.
    pub tag: Tag,
}

/// The tags of the HTML that stands in a page of Markdown, outside of its blocks of code.
pub fn pieces(markdown: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let parser = new_cmark_parser(markdown, &MarkdownOptions::default());
    for (event, range) in parser.into_offset_iter() {
        // A block of HTML is read at once, because a tag may continue in the next line.
        let is_html = matches!(
            event,
            Event::Start(MarkdownTag::HtmlBlock) | Event::InlineHtml(_)
        );
        if is_html {
            let first = line_of(markdown, range.start);
            found.extend(tags(&markdown[range]).into_iter().map(|tag| Piece {
                line: first + tag.line - 1,
                tag,
            }));
        }
    }
    found
}

/// The lines of fences that are no blocks: without a blank line before it, a fence is a part of the
/// HTML above.
pub fn swallowed_fences(markdown: &str) -> Vec<usize> {
    let parser = new_cmark_parser(markdown, &MarkdownOptions::default());
    parser
        .into_offset_iter()
        .filter(|(event, _)| matches!(event, Event::Html(_)))
        .flat_map(|(_, range)| {
            let first = line_of(markdown, range.start);
            let lines = markdown[range].lines().enumerate();
            lines
                .filter(|(_, line)| line.trim_start().starts_with("```"))
                .map(|(index, _)| first + index)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The line of a byte; the first is 1.
pub fn line_of(text: &str, byte: usize) -> usize {
    text[..byte].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::tags;

    #[test]
    fn comments_and_scripts_hold_no_tags() {
        let found = tags("<!-- <pre> --><script>let a = '<b>';</script><i class=x>");
        let names: Vec<&str> = found.iter().map(|tag| tag.name.as_str()).collect();
        assert_eq!(names, ["script", "script", "i"]);
    }

    #[test]
    fn links_and_ids_are_read_however_they_are_quoted() {
        let found = tags("<a href='x.html?a=1&amp;b=2' id=top>\n<img src=\"y.svg\"/>");
        assert_eq!(found[0].links, ["x.html?a=1&b=2"]);
        assert_eq!(found[0].id.as_deref(), Some("top"));
        assert_eq!((found[1].line, found[1].void), (2, true));
        assert_eq!(found[1].links, ["y.svg"]);
    }
}

//! A sentence before each block: a reader who meets code without a word does not know what to
//! look at.
//!
//! Since the block or the heading above it, in the same element or in one around it, there must
//! be a paragraph. Headings, summaries and tags don't count. Three kinds of blocks need no sentence:
//! a compiler's message under its sample, the blocks of a `<details>`, which its summary
//! introduces, and the second half of a pair.
//!
//! A column of a table needs a heading, too: a screen reader says it before each cell.

use std::path::PathBuf;

use mdbook_markdown::pulldown_cmark::{Event, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use site::chapters::anchors::Problem;
use site::chapters::blocks::Block;

use crate::html;
use crate::walk::{self, Page, Walk};

/// The fewest words that make a sentence. A label has fewer.
const WORDS: usize = 3;

/// Finds the blocks of every page that no sentence introduces, and the columns without a heading.
pub fn check(walk: &Walk) -> Vec<Problem> {
    walk.pages.iter().flat_map(of_page).collect()
}

fn of_page(page: &Page) -> Vec<Problem> {
    let mut reader = Reader::new(page);
    let mut in_head = false;
    let parser = new_cmark_parser(&page.text, &MarkdownOptions::default());
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::HtmlBlock) | Event::InlineHtml(_) => {
                reader.html(&page.text[range]);
            }
            Event::Start(Tag::CodeBlock(_)) => reader.block(range.start),
            Event::Start(Tag::Heading { .. }) => reader.forget(),
            Event::Start(Tag::List(_) | Tag::BlockQuote(_) | Tag::FootnoteDefinition(_)) => {
                reader.aside += 1;
            }
            Event::End(TagEnd::List(_) | TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition) => {
                reader.aside -= 1;
            }
            Event::Start(Tag::Paragraph | Tag::TableCell) => reader.words = 0,
            Event::Text(text) | Event::Code(text) => {
                reader.words += text.split_whitespace().count();
            }
            Event::End(TagEnd::Paragraph) => reader.paragraph(),
            Event::Start(Tag::TableHead) => in_head = true,
            Event::End(TagEnd::TableHead) => in_head = false,
            Event::End(TagEnd::TableCell) if in_head => reader.column(range.start),
            _ => {}
        }
    }
    reader.problems
}

struct Reader<'a> {
    page: &'a Page,
    /// The elements that are open, the page itself first.
    open: Vec<Element>,
    /// How many lists, quotes and footnotes are open: a paragraph in one introduces no block.
    aside: usize,
    /// How many words the paragraph has so far.
    words: usize,
    /// The file that the block above names.
    above: Option<PathBuf>,
    problems: Vec<Problem>,
}

/// An element of HTML, or the page.
#[derive(Default)]
struct Element {
    name: String,
    /// Whether a paragraph stands in it since the last block or heading.
    sentence: bool,
    /// How many blocks it has so far, where it is a pair.
    pair: Option<usize>,
}

impl<'a> Reader<'a> {
    fn new(page: &'a Page) -> Self {
        Self {
            page,
            open: vec![Element::default()],
            aside: 0,
            words: 0,
            above: None,
            problems: Vec::new(),
        }
    }

    fn html(&mut self, html: &str) {
        for tag in html::tags(html) {
            if tag.closing {
                let open = self.open.iter().rposition(|open| open.name == tag.name);
                self.open.truncate(open.unwrap_or(self.open.len()));
            } else if !tag.void {
                let pair = tag.class.split_whitespace().any(|class| class == "pair");
                self.open.push(Element {
                    name: tag.name,
                    sentence: false,
                    pair: pair.then_some(0),
                });
            }
        }
    }

    fn paragraph(&mut self) {
        if self.aside == 0
            && self.words >= WORDS
            && let Some(element) = self.open.last_mut()
        {
            element.sentence = true;
        }
    }

    fn column(&mut self, start: usize) {
        if self.words == 0 {
            self.problems.push(Problem::new(
                &self.page.file,
                html::line_of(&self.page.text, start),
                "a column of this table has no heading. Write into the first row what its cells are: \
                 a screen reader says it before each of them",
            ));
        }
    }

    fn forget(&mut self) {
        for element in &mut self.open {
            element.sentence = false;
        }
        self.above = None;
    }

    fn block(&mut self, start: usize) {
        let mut blocks = self.page.blocks.iter();
        let Some(block) = blocks.find(|block| block.range.start == start) else {
            return;
        };
        let introduced = self.open.iter().any(|element| element.sentence);
        let named = walk::named(&self.page.file, block).map(|(file, _)| file);
        if !introduced && !self.is_exempt(block, named.as_ref()) {
            self.problems.push(Problem::new(
                &self.page.file,
                block.line,
                "no sentence introduces this block. Before it, and after the heading or the block \
                 above, write a paragraph that says what to look at",
            ));
        }
        self.forget();
        self.above = named;
        for pair in self.open.iter_mut().filter_map(|open| open.pair.as_mut()) {
            *pair += 1;
        }
    }

    fn is_exempt(&self, block: &Block, named: Option<&PathBuf>) -> bool {
        let sample = named.map(|file| file.with_extension("rs"));
        let under_its_sample = block.has("message") && self.above.is_some() && sample == self.above;
        let in_details = self.open.iter().any(|open| open.name == "details");
        let second_of_pair = self
            .open
            .iter()
            .any(|open| open.pair.is_some_and(|n| n > 0));
        under_its_sample || in_details || second_of_pair
    }
}

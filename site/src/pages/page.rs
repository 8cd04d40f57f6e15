//! The preprocessor: it replaces the blocks of a chapter with figures.

use std::{
    collections::BTreeSet,
    error, fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use live::exchange::{self, Exchange};
use mdbook_driver::{
    book::{Book, Chapter},
    builtin_preprocessors::LinkPreprocessor,
    errors::{Error, Result},
};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use regex::Regex;

use super::{
    figures::{self, Asked, Code, Origin},
    source_link::Repository,
};
use crate::{
    chapters::{
        anchors::{Anchor, Line, Problem, Source, pattern},
        blocks::{self, Block, included},
        programs::Programs,
    },
    workspace::{self, slashes},
};

/// The preprocessor. mdBook's own must be off, because this one runs them itself at the right moment.
#[derive(Debug, Clone, Default)]
pub struct Site {
    programs: Arc<Mutex<BTreeSet<String>>>,
}

impl Site {
    /// The programs that the pages need, once this preprocessor or a clone of it has made them.
    /// mdBook takes ownership of a preprocessor, so its caller keeps a clone.
    pub fn programs(&self) -> BTreeSet<String> {
        let programs = self.programs.lock();
        programs.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Preprocessor for Site {
    fn name(&self) -> &str {
        "site"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let sources = context.root.join(&context.config.book.src);
        let repository = Repository::from_environment();
        let programs = Programs::read(&context.root);
        let mut used = Used::default();
        let mut problems = Vec::new();
        book.for_each_chapter_mut(|chapter| {
            let Some(page) = Page::new(
                &context.root,
                &context.config.book.src,
                chapter,
                &repository,
                &programs,
            ) else {
                return;
            };
            match page.expand(&chapter.content, &mut used) {
                Ok(content) => chapter.content = content,
                Err(found) => problems.extend(found),
            }
        });
        if !problems.is_empty() {
            return Err(Error::new(Mistakes(problems)));
        }
        workspace::write_generated(&context.root, &sources.join("generated"), &used.files)?;
        *self.programs.lock().unwrap_or_else(PoisonError::into_inner) = used.programs;
        LinkPreprocessor::new().run(context, book)
    }
}

/// The mistakes in the chapters: a line for each, with its file, its line and how to fix it.
#[derive(Debug)]
pub struct Mistakes(Vec<Problem>);

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        formatter.write_str(&lines.join("\n"))
    }
}

impl error::Error for Mistakes {}

/// The files and programs that the pages need.
#[derive(Default)]
struct Used {
    /// The files that they show.
    files: BTreeSet<PathBuf>,
    /// The programs that answer their exchanges.
    programs: BTreeSet<String>,
}

/// A chapter that becomes a page.
struct Page<'a> {
    root: &'a Path,
    /// The file of the chapter, from the repository's root.
    file: PathBuf,
    /// The path from the page to the folder of all pages: empty, or one or more `../`.
    up: String,
    repository: &'a Repository,
    programs: &'a Programs,
}

impl<'a> Page<'a> {
    /// Returns `None` for a draft chapter, which has no file.
    fn new(
        root: &'a Path,
        src: &Path,
        chapter: &Chapter,
        repository: &'a Repository,
        programs: &'a Programs,
    ) -> Option<Self> {
        let source = chapter.source_path.as_ref()?;
        let depth = chapter.path.as_ref()?.components().count();
        Some(Self {
            root,
            file: src.join(source),
            up: "../".repeat(depth - 1),
            repository,
            programs,
        })
    }

    /// The chapter with its includes expanded.
    fn expand(&self, content: &str, used: &mut Used) -> Result<String, Vec<Problem>> {
        let blocks = blocks::read(content);
        let mut problems: Vec<Problem> = blocks::stray_includes(content, &blocks)
            .into_iter()
            .map(|line| {
                let message =
                    "an include must be alone in a fence: ```LANGUAGE, then the include, then ```";
                Problem::new(&self.file, line, message)
            })
            .collect();
        let mut text = |range: Range<usize>| {
            let first = content[..range.start].matches('\n').count() + 1;
            titled(&content[range]).unwrap_or_else(|(line, message)| {
                problems.push(Problem::new(&self.file, first + line, message));
                String::new()
            })
        };
        let mut unshown = Vec::new();
        let mut expanded = String::new();
        let mut done = 0;
        for block in &blocks {
            expanded += &text(done..block.range.start);
            done = block.range.end;
            match self.figure(block, used) {
                // Blank lines make the figure a block of its own in Markdown.
                Ok(figure) => expanded += &format!("\n{figure}\n"),
                Err(problem) => unshown.push(problem),
            }
        }
        expanded += &text(done..content.len());
        if expanded.contains(PROVED) {
            let sentence = workspace::proved(self.root).unwrap_or_default();
            expanded = expanded.replace(PROVED, &format!("<p class=\"proved\">{sentence}</p>"));
        }
        problems.extend(unshown);
        if problems.is_empty() {
            Ok(expanded)
        } else {
            problems.sort_by_key(|problem| problem.line);
            Err(problems)
        }
    }

    fn figure(&self, block: &Block, used: &mut Used) -> Result<String, Problem> {
        let (source, lines) = included(self.root, &self.file, block)?;
        let file = source.file.clone();
        used.files.insert(file.clone());

        let anchored = block
            .include
            .as_ref()
            .is_ok_and(|include| include.anchor.is_some());
        let origin = Origin {
            file: slashes(&file),
            link: self
                .repository
                .link(&file, anchored.then_some(&*lines), &self.up),
        };
        match block.language.as_str() {
            "http" => self.exchanges(block, &source, &lines, &origin, &mut used.programs),
            "mermaid" => {
                let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
                Ok(figures::diagram(&origin, &texts))
            }
            _ => self.listing(block, &source, dedented(lines), &origin),
        }
    }

    fn listing(
        &self,
        block: &Block,
        source: &Source,
        lines: Vec<Line>,
        origin: &Origin,
    ) -> Result<String, Problem> {
        let problem = |message: String| Problem::new(&self.file, block.line, message);
        let mut code = Code {
            language: &block.language,
            lines,
            marked: Vec::new(),
        };
        if let Some(name) = block.value("mark") {
            let Anchor { opened, closed, .. } = source.anchor(name).ok_or_else(|| {
                problem(format!("{} has no anchor `{name}` to mark", origin.file))
            })?;
            code.marked.push(*opened..=*closed);
        }
        if block.has("message") {
            let helps = block.lines().ok_or_else(|| {
                problem(
                    "a message must name the line that helps: `text,message,line=6` or `line=6-7`"
                        .into(),
                )
            })?;
            if *helps.start() == 0 || *helps.end() > code.lines.len() {
                return Err(problem(format!(
                    "{} has {} lines",
                    origin.file,
                    code.lines.len()
                )));
            }
            code.marked.push(helps.clone());
            return Ok(figures::message(origin, &code, &helps));
        }
        let note = block.has("compile_fail").then_some("does not compile");
        Ok(figures::listing(origin, &code, note))
    }

    fn exchanges(
        &self,
        block: &Block,
        source: &Source,
        lines: &[Line],
        origin: &Origin,
        programs: &mut BTreeSet<String>,
    ) -> Result<String, Problem> {
        let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let exchanges = exchange::read(&text.join("\n")).map_err(|problem| {
            let line = lines.get(problem.line - 1).map_or(1, |line| line.number);
            Problem::new(&source.file, line, problem.message)
        })?;
        if block.has("challenge") {
            let [first @ .., start, solution] = exchanges.as_slice() else {
                let message = "a challenge ends with two exchanges: the request to start from, and \
                               a solution";
                return Err(Problem::new(&source.file, 1, message));
            };
            let chapter = stem(&self.file);
            let program = self.programs.of(&chapter);
            programs.insert(program.to_owned());
            let asked = Asked {
                chapter: &chapter,
                program,
            };
            return Ok(figures::challenge(origin, asked, first, start, solution));
        }
        let chapter = stem(&source.file);
        let program = self.programs.of(&chapter);
        if exchanges.iter().any(|exchange| !exchange.server) {
            programs.insert(program.to_owned());
        }
        let asked = Asked {
            chapter: &chapter,
            program,
        };
        if block.has("scheduler") {
            return Ok(figures::scheduler(origin, asked, &exchanges));
        }
        let figure = |one: &Exchange| figures::exchange(origin, asked, one, block.has("predict"));
        Ok(exchanges
            .iter()
            .map(figure)
            .collect::<Vec<_>>()
            .join("\n\n"))
    }
}

/// The name of a file without its extension, which is the name of a chapter.
fn stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// A chapter has this in the place of the sentence that says with what and when it was proved.
const PROVED: &str = "<p class=\"proved\"></p>";

/// The kinds of asides: a class, and the title that says the same without a color.
const ASIDES: [(&str, &str); 4] = [
    ("express", "Coming from Express"),
    ("rust", "Rust note"),
    ("not-yet", "You don't need this yet"),
    ("try", "Try this"),
];

/// The opening tag of an aside, at the start of a line, and its attributes.
static ASIDE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^ {0,3}<aside\b([^>]*)>"));

/// Gives each aside its title and its accessible name. The error says on which line of the text
/// an aside is of no known kind.
fn titled(markdown: &str) -> Result<String, (usize, String)> {
    let mut titled = String::new();
    let mut done = 0;
    for tag in ASIDE.captures_iter(markdown) {
        let attributes = tag[1].trim();
        let Some((class, title)) = ASIDES
            .iter()
            .find(|(class, _)| attributes == format!("class=\"{class}\""))
        else {
            let classes = ASIDES.map(|(class, _)| format!("<aside class=\"{class}\">"));
            let message = format!(
                "{} is not a kind of aside. Write one of {}",
                &tag[0].trim(),
                classes.join(", ")
            );
            let before = &markdown[..tag.get_match().start()];
            return Err((before.matches('\n').count(), message));
        };
        titled += &markdown[done..tag.get_match().start()];
        // The blank line ends the HTML, so that the text of the aside is read as Markdown.
        titled += &format!(
            "<aside class=\"{class}\" role=\"note\" aria-label=\"{title}\">\n\
             <p class=\"title\">{title}</p>\n\n"
        );
        done = tag.get_match().end();
    }
    titled += &markdown[done..];
    Ok(titled)
}

/// The lines without the indentation that they share, so that a part of a function starts at the left
/// edge.
fn dedented(mut lines: Vec<Line>) -> Vec<Line> {
    let indent = |line: &Line| line.text.len() - line.text.trim_start_matches(' ').len();
    let written = lines.iter().filter(|line| !line.text.trim().is_empty());
    let common = written.map(indent).min().unwrap_or(0);
    for line in &mut lines {
        line.text = line.text.get(common..).unwrap_or_default().to_owned();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aside_gets_a_title_and_a_name() {
        let markdown = "before\n\n<aside class=\"rust\">\n\n**A guard.** Text\n\n</aside>\n";
        let wanted = "before\n\n<aside class=\"rust\" role=\"note\" aria-label=\"Rust note\">\n\
                      <p class=\"title\">Rust note</p>\n\n\n\n**A guard.** Text\n\n</aside>\n";
        assert_eq!(titled(markdown).as_deref(), Ok(wanted));
    }

    #[test]
    fn an_aside_of_no_known_kind_is_a_problem_of_its_line() {
        for tag in ["<aside>", "<aside class=\"note\">", "<aside class='rust'>"] {
            let (line, message) = titled(&format!("one\n\n{tag}\n")).expect_err(tag);
            assert_eq!(line, 2);
            assert!(message.starts_with(tag), "{message}");
        }
    }
}

//! The anchors of an included file, read as mdBook reads them.
//!
//! For a missing anchor mdBook shows an empty block, and for one that is not closed it shows the rest
//! of the file. Here both are problems.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;

use crate::workspace::slashes;

/// A problem at a line of a file, and how to fix it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, from the repository's root.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and how to fix it.
    pub message: String,
}

impl Problem {
    /// A problem at a line of a file.
    pub fn new(file: impl Into<PathBuf>, line: usize, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", slashes(&self.file), self.line, self.message)
    }
}

impl std::error::Error for Problem {}

/// Lines between two comments, `ANCHOR: name` and `ANCHOR_END: name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its name.
    pub name: String,
    /// The line of the comment that opens it, counted from 1.
    pub opened: usize,
    /// The line of the comment that closes it.
    pub closed: usize,
}

/// A line of a file that a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, counted from 1.
    pub number: usize,
    /// Its text.
    pub text: String,
}

/// A file that chapters include from.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file, from the repository's root.
    pub file: PathBuf,
    /// Its anchors without problems, sorted by the line that opens them.
    pub anchors: Vec<Anchor>,
    /// The problems of its anchors.
    pub problems: Vec<Problem>,
    lines: Vec<String>,
}

impl Source {
    /// Reads the anchors of a text that is the content of `file`.
    pub fn parse(file: impl Into<PathBuf>, text: &str) -> Self {
        let file = file.into();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut open: Vec<(String, usize)> = Vec::new();
        let mut anchors: Vec<Anchor> = Vec::new();
        let mut problems = Vec::new();
        let mut seen: Vec<(String, usize)> = Vec::new();

        for (number, line) in (1..).zip(&lines) {
            let problem = |message| Problem::new(&file, number, message);
            match comment(line) {
                Some(Comment::Opens(name)) => {
                    if let Some((_, first)) = seen.iter().find(|(seen, _)| seen == name) {
                        problems.push(problem(format!(
                            "anchor `{name}` is opened twice, first at line {first}. Give one of them another name"
                        )));
                    } else {
                        seen.push((name.to_owned(), number));
                        open.push((name.to_owned(), number));
                    }
                }
                Some(Comment::Closes(name)) => match open.iter().rposition(|(open, _)| open == name) {
                    Some(at) => {
                        let (name, opened) = open.remove(at);
                        anchors.push(Anchor { name, opened, closed: number });
                    }
                    // An anchor that is opened twice has already been reported.
                    None if seen.iter().any(|(seen, _)| seen == name) => {}
                    None => problems.push(problem(format!(
                        "anchor `{name}` is closed but never opened. Add `ANCHOR: {name}` above its first line, or remove this comment"
                    ))),
                },
                None => {}
            }
        }
        problems.extend(open.into_iter().map(|(name, opened)| {
            Problem::new(
                &file,
                opened,
                format!(
                    "anchor `{name}` is never closed. Add `ANCHOR_END: {name}` below its last line"
                ),
            )
        }));
        problems.sort_by_key(|problem| problem.line);
        anchors.sort_by_key(|anchor| anchor.opened);
        Self {
            file,
            anchors,
            problems,
            lines,
        }
    }

    /// Reads `file`, a path from the repository's root.
    pub fn read(root: &Path, file: impl Into<PathBuf>) -> std::io::Result<Self> {
        let file = file.into();
        let text = std::fs::read_to_string(root.join(&file))?;
        Ok(Self::parse(file, &text))
    }

    /// The anchor of that name.
    pub fn anchor(&self, name: &str) -> Option<&Anchor> {
        self.anchors.iter().find(|anchor| anchor.name == name)
    }

    /// The lines that an include shows: those of the anchor, or all of them. Lines with an
    /// anchor's comment are left out.
    ///
    /// # Errors
    ///
    /// When there is nothing to show. [`Unshown::at`] adds the place if it is in the chapter.
    pub fn shown(&self, anchor: Option<&str>) -> Result<Vec<Line>, Unshown> {
        if let Some(problem) = self.problems.first() {
            return Err(Unshown::Problem(problem.clone()));
        }
        let range = match anchor {
            None => 0..self.lines.len(),
            Some(name) => {
                let anchor = self.anchor(name).ok_or_else(|| self.missing(name))?;
                anchor.opened..anchor.closed - 1
            }
        };
        let shown: Vec<Line> = self.lines[range.clone()]
            .iter()
            .zip(range.start + 1..)
            .filter(|(text, _)| comment(text).is_none())
            .map(|(text, number)| Line {
                number,
                text: text.clone(),
            })
            .collect();
        if shown.iter().all(|line| line.text.trim().is_empty()) {
            return Err(Unshown::Include(match anchor {
                Some(name) => format!(
                    "anchor `{name}` of {} contains no line. Move its comments",
                    slashes(&self.file)
                ),
                None => format!("{} is empty. Include another file", slashes(&self.file)),
            }));
        }
        Ok(shown)
    }

    fn missing(&self, name: &str) -> Unshown {
        let file = slashes(&self.file);
        let names: Vec<_> = self
            .anchors
            .iter()
            .map(|anchor| format!("`{}`", anchor.name))
            .collect();
        let has = match names.len() {
            0 => "It has none".to_owned(),
            _ => format!("It has {}", names.join(", ")),
        };
        Unshown::Include(format!(
            "{file} has no anchor `{name}`. {has}. Name one of them, or put `ANCHOR: {name}` and `ANCHOR_END: {name}` comments around the lines"
        ))
    }
}

/// Why an include shows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unshown {
    /// The included file is wrong.
    Problem(Problem),
    /// The include is wrong.
    Include(String),
}

impl Unshown {
    /// The problem, at the place of the include if the include is wrong.
    pub fn at(self, chapter: impl Into<PathBuf>, line: usize) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Include(message) => Problem::new(chapter, line, message),
        }
    }
}

enum Comment<'a> {
    Opens(&'a str),
    Closes(&'a str),
}

/// These are mdBook's two patterns (`links/take_lines.rs` in mdbook-driver). As in mdBook, only the
/// first match in a line counts.
fn comment(line: &str) -> Option<Comment<'_>> {
    static OPENS: LazyLock<Regex> = LazyLock::new(|| pattern(r"ANCHOR:\s*(?P<name>[\w_-]+)"));
    static CLOSES: LazyLock<Regex> = LazyLock::new(|| pattern(r"ANCHOR_END:\s*(?P<name>[\w_-]+)"));
    let name = |regex: &Regex| Some(regex.captures(line)?.name("name")?.range());
    if let Some(range) = name(&CLOSES) {
        return Some(Comment::Closes(&line[range]));
    }
    name(&OPENS).map(|range| Comment::Opens(&line[range]))
}

/// A regular expression that is a constant in the source.
pub(crate) fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant that every test run compiles")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "a\n// ANCHOR: outer\nb\n// ANCHOR: inner\nc\n// ANCHOR_END: inner\n\nd\n// ANCHOR_END: outer\ne\n";

    fn numbers(source: &Source, anchor: Option<&str>) -> Vec<usize> {
        let shown = source.shown(anchor).expect("the anchor holds lines");
        shown.iter().map(|line| line.number).collect()
    }

    #[test]
    fn lines_of_an_anchor_keep_their_numbers() {
        let source = Source::parse("code/a.rs", FILE);
        assert_eq!(source.problems, []);
        assert_eq!(numbers(&source, Some("outer")), [3, 5, 7, 8]);
        assert_eq!(numbers(&source, Some("inner")), [5]);
        assert_eq!(numbers(&source, None), [1, 3, 5, 7, 8, 10]);
    }

    fn problems(text: &str) -> Vec<String> {
        Source::parse("code/a.rs", text)
            .problems
            .iter()
            .map(Problem::to_string)
            .collect()
    }

    #[test]
    fn an_anchor_opened_twice() {
        let text = "// ANCHOR: a\nx\n// ANCHOR_END: a\n// ANCHOR: a\ny\n// ANCHOR_END: a\n";
        assert_eq!(
            problems(text),
            [
                "code/a.rs:4: anchor `a` is opened twice, first at line 1. Give one of them another name"
            ]
        );
    }

    #[test]
    fn an_anchor_left_open() {
        assert_eq!(
            problems("x\n# ANCHOR: a\ny\n"),
            ["code/a.rs:2: anchor `a` is never closed. Add `ANCHOR_END: a` below its last line"]
        );
    }

    #[test]
    fn an_anchor_closed_only() {
        let told = problems("x\n# ANCHOR_END: a\n");
        assert!(
            told[0].starts_with("code/a.rs:2: anchor `a` is closed but never opened."),
            "{told:?}"
        );
    }

    #[test]
    fn an_anchor_that_is_not_there() {
        let source = Source::parse("code/a.rs", FILE);
        let told = source
            .shown(Some("out"))
            .map_err(|unshown| unshown.at("src/a.md", 7).to_string());
        let message = told.expect_err("there is no such anchor");
        assert!(
            message
                .starts_with("src/a.md:7: code/a.rs has no anchor `out`. It has `outer`, `inner`."),
            "{message}"
        );
    }

    #[test]
    fn an_anchor_without_lines() {
        let source = Source::parse("code/a.rs", "// ANCHOR: a\n\n// ANCHOR_END: a\n");
        assert!(matches!(source.shown(Some("a")), Err(Unshown::Include(_))));
    }
}

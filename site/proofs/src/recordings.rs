//! A recorded output says what happened: its words come from the program under test, not from the
//! test that writes the file.
//!
//! A test names the file of `code/output` that it writes. No two words that stand together in a
//! string of that test may stand together in the file, because then the test would say them
//! even if something else happened. One word alone may be a choice between two outcomes, such as `ok`, and a
//! string inside of `assert_eq!` and its like is compared with what happened.
//!
//! Two kinds of words are marked in the file, and so for the reader: `# ` before the narrator's
//! own, `> ` before an input that the test gives to the program. A mark holds to the end of its
//! column; columns are two spaces apart. `# ` at the start of a line holds for the whole line. A
//! page that shows such a file says in its text what the mark means.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use site::chapters::anchors::Problem;
use site::workspace::slashes;

use crate::walk::Walk;

/// Before words of the narrator, and before an input.
const MARKS: [&str; 2] = ["# ", "> "];

/// Finds the words that a test records without anything having said them, and the pages that do
/// not explain a mark.
pub fn check(walk: &Walk) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in walk.below("code/output", "txt") {
        let writers: Vec<_> = walk.tests.iter().filter(|test| test.names(file)).collect();
        if writers.is_empty() {
            continue;
        }
        let recorded = fs::read_to_string(walk.root.join(file)).unwrap_or_default();
        for test in writers {
            problems.extend(literals(file, &recorded, &test.file, &test.text));
        }
        problems.extend(unexplained(walk, file, &recorded));
    }
    problems
}

/// The strings of a test whose words stand in the file that it writes.
fn literals(file: &Path, recorded: &str, test: &Path, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (line, string) in strings(text) {
        for words in fragments(&string) {
            let mut rows = (1..).zip(recorded.lines());
            let Some((row, _)) = rows.find(|(_, row)| says(&unmarked(row), &words)) else {
                continue;
            };
            let message = format!(
                "the test itself says `{words}`, which is recorded in {}:{row}. Record what the \
                 program says. Where it is a comment or an input, mark it there with `# ` or `> `",
                slashes(file)
            );
            problems.push(Problem::new(test, line, message));
        }
    }
    problems
}

/// The pages that show a file with marks and do not say what they mean.
fn unexplained(walk: &Walk, file: &Path, recorded: &str) -> Vec<Problem> {
    let marks = MARKS.iter().filter(|mark| {
        let mut rows = recorded.lines();
        rows.any(|row| columns(row).any(|column| column.starts_with(**mark)))
    });
    let mut problems = Vec::new();
    for mark in marks.map(|mark| mark.trim_end()) {
        let mut seen = BTreeSet::new();
        for shown in walk.shown.iter().filter(|shown| shown.file == file) {
            let page = walk.pages.iter().find(|page| page.file == shown.page);
            let told = page.is_some_and(|page| page.text.contains(&format!("`{mark}`")));
            if !told && seen.insert(&shown.page) {
                let message = format!(
                    "{} has lines or columns that start with `{mark}`, and this page does not say \
                     what that means. Write `{mark}`, with the backticks, and explain it",
                    slashes(file)
                );
                problems.push(Problem::new(&shown.page, shown.line, message));
            }
        }
    }
    problems
}

/// The columns of a row.
fn columns(row: &str) -> impl Iterator<Item = &str> {
    row.split("  ")
        .map(str::trim)
        .filter(|column| !column.is_empty())
}

/// A row without the columns that have a mark.
fn unmarked(row: &str) -> String {
    if row.starts_with("# ") {
        return String::new();
    }
    let marked = |column: &&str| MARKS.iter().any(|mark| column.starts_with(mark));
    let kept: Vec<&str> = columns(row).filter(|column| !marked(column)).collect();
    kept.join("  ")
}

/// Whether a row has these words, and not only as a part of longer ones.
fn says(row: &str, words: &str) -> bool {
    row.match_indices(words).any(|(at, _)| {
        let part = |next: Option<char>| next.is_some_and(char::is_alphanumeric);
        !part(row[..at].chars().next_back()) && !part(row[at + words.len()..].chars().next())
    })
}

/// The strings of a Rust source, each with its line, but not those inside of an assertion.
fn strings(source: &str) -> Vec<(usize, String)> {
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r##"(?xs)
            //[^\n]* | /\*.*?\*/ | '(?:[^'\\]|\\[^']+)'
            | r\#"(?<hash>.*?)"\# | r"(?<raw>.*?)" | "(?<text>(?:[^"\\]|\\.)*)"
            | (?<assertion>\bassert\w*!\() | [()]"##;
        Regex::new(pattern).expect("a constant pattern is valid")
    });
    let mut strings = Vec::new();
    // How many parentheses are open inside of an assertion, its own included.
    let mut depth = 0_usize;
    for token in TOKEN.captures_iter(source) {
        let whole = token.get_match();
        match whole.as_str() {
            "(" if depth > 0 => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ if token.name("assertion").is_some() => depth += 1,
            _ => {}
        }
        let raw = token.name("hash").or_else(|| token.name("raw"));
        let text = match (raw, token.name("text")) {
            (Some(raw), _) => raw.as_str().to_owned(),
            (None, Some(text)) => unescaped(text.as_str()),
            (None, None) => continue,
        };
        if depth == 0 {
            let line = source[..whole.start()].matches('\n').count() + 1;
            strings.push((line, text));
        }
    }
    strings
}

/// A string as the program has it, as far as words are concerned.
fn unescaped(text: &str) -> String {
    static ESCAPE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?s)\\(\n\s*|.)").expect("a constant pattern is valid"));
    let plain = ESCAPE.replace_all(text, |escape: &regex::Captures<'_>| match &escape[1] {
        "n" => "\n".to_owned(),
        "t" => "\t".to_owned(),
        newline if newline.starts_with('\n') => String::new(),
        other => other.to_owned(),
    });
    plain.into_owned()
}

/// The parts of a string that have at least two words, in each of its lines and columns and
/// between its placeholders.
fn fragments(string: &str) -> Vec<String> {
    static PLACEHOLDER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\{[^{}]*\}|\n|  ").expect("a constant pattern is valid"));
    let parts = PLACEHOLDER.split(string).map(str::trim);
    let is_word = |word: &&str| word.contains(char::is_alphanumeric);
    let several = parts.filter(|part| part.split_whitespace().filter(is_word).count() > 1);
    several.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_as_rust_reads_them() {
        let source = "// \"a comment\"\nlet a = \"one \\\n     two\\n\\\"three\\\"\";\nlet q = '\"';\n\
                      fn f<'a>(x: &'a str) {}\nassert_eq!(f(\"no\"), \"(no\");\nr#\"four \"five\"\"#; /* \"six\" */ b\"seven\"";
        let found = strings(source);
        let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["one two\n\"three\"", "four \"five\"", "seven"]);
        assert_eq!(found[0].0, 2);
    }

    #[test]
    fn only_words_together_count() {
        let found = |string: &str| fragments(string).join("|");
        assert_eq!(found("reads: {} left"), "");
        assert_eq!(
            found("{who} waits for {:>3} s\nand then goes"),
            "waits for|and then goes"
        );
        assert_eq!(found("ok"), "");
        assert_eq!(found("memory  sqlite  in a file"), "in a file");
        assert_eq!(found("BEGIN IMMEDIATE: waits"), "BEGIN IMMEDIATE: waits");
    }

    #[test]
    fn a_mark_holds_to_the_end_of_its_column() {
        assert_eq!(unmarked("# Ada   Bo   1 left"), "");
        assert_eq!(unmarked("> BEGIN    # Bo waits    1 left"), "1 left");
        assert!(says("3   has it, he says", "has it"));
        assert!(!says("has item", "has it"));
    }
}

//! Exchange files: plain HTTP messages (RFC 9112), alternately a request and its answer.
//!
//! ```text
//! ### Order two flat whites
//! # capture order = header location
//! POST /orders HTTP/1.1
//! content-type: application/json
//!
//! {"customer": "Ada", "item": "flat-white", "quantity": 2}
//!
//! HTTP/1.1 201 Created
//! location: /orders/1
//!
//! { "id": 1 }
//! ```
//!
//! - `### Title` starts an exchange. `### Title (server)` means that a page cannot answer it.
//! - Other lines before a message that start with `#` are comments, for example mdBook's anchors.
//!   `# capture` lines take a value from the answer; see [`crate::Player`].
//! - A request leaves out `host` and `content-length`, which the client adds. An answer leaves out
//!   `date`, `connection` and `content-length`.
//! - A request ends at the first line that starts with `HTTP/`, where its answer starts. So no line
//!   of a body may start with `HTTP/` or `###`.

use std::ops::Range;

use crate::Problem;

/// A request and, once recorded, its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What the exchange shows.
    pub title: String,
    /// Whether only a server can answer, because the answer needs a clock or threads.
    pub server: bool,
    /// The line of the title, counted from 1.
    pub line: usize,
    /// The `# capture` lines and the request, as written.
    pub request: String,
    /// The recorded answer, as written.
    pub answer: Option<String>,
    /// The lines of the answer, counted from 0. Without an answer this is the empty range of its place.
    pub answer_lines: Range<usize>,
}

/// Reads an exchange file, or the part of one that a chapter shows.
///
/// # Errors
///
/// When there is text before the first title, or a title has no request.
pub fn read(text: &str) -> Result<Vec<Exchange>, Problem> {
    let lines: Vec<&str> = text.lines().collect();
    let starts: Vec<usize> = (0..lines.len())
        .filter(|&line| is_title(lines[line]))
        .collect();
    let before = starts.first().copied().unwrap_or(lines.len());
    if let Some(line) = (0..before).find(|&line| !is_between(lines[line])) {
        return Err(Problem::new(
            line + 1,
            "an exchange must start with a line `### Title`",
        ));
    }
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| read_one(&lines, start, end))
        .collect()
}

/// The file with new answers, as `SNAPSHOTS=overwrite` writes it.
///
/// # Errors
///
/// When the text is not an exchange file, or the number of exchanges is not that of `answers`.
pub fn record(text: &str, answers: &[String]) -> Result<String, Problem> {
    let exchanges = read(text)?;
    if exchanges.len() != answers.len() {
        let (have, want) = (answers.len(), exchanges.len());
        return Err(Problem::new(
            1,
            format!("{have} answers for {want} exchanges"),
        ));
    }
    let mut lines: Vec<&str> = text.lines().collect();
    // From the last to the first, so that the earlier ranges stay valid.
    for (exchange, answer) in exchanges.iter().zip(answers).rev() {
        let blank = exchange.answer.is_none().then_some("");
        let new = blank.into_iter().chain(answer.trim_end().lines());
        lines.splice(exchange.answer_lines.clone(), new);
    }
    Ok(lines.join("\n") + "\n")
}

fn read_one(lines: &[&str], start: usize, end: usize) -> Result<Exchange, Problem> {
    let title = lines[start].trim_start_matches('#').trim();
    let (title, server) = match title.strip_suffix("(server)") {
        Some(title) => (title.trim_end(), true),
        None => (title, false),
    };
    if title.is_empty() {
        return Err(Problem::new(start + 1, "an exchange needs a title"));
    }
    let (first, end) = trim(lines, start + 1, end);
    let answer = (first..end).find(|&line| lines[line].starts_with("HTTP/"));
    let (_, request_end) = trim(lines, first, answer.unwrap_or(end));
    // Anchors between the title and the request are not a part of the request.
    let shown = |line: &&&str| !is_anchor(line);
    let request: Vec<&str> = lines[first..request_end]
        .iter()
        .filter(shown)
        .copied()
        .collect();
    if request.iter().all(|line| is_between(line)) {
        return Err(Problem::new(start + 1, format!("`{title}` has no request")));
    }
    Ok(Exchange {
        title: title.to_owned(),
        server,
        line: start + 1,
        request: request.join("\n"),
        answer: answer.map(|answer| lines[answer..end].join("\n")),
        answer_lines: answer.unwrap_or(end)..end,
    })
}

/// The range from `start` to `end` without blank lines at its start and end, and without the comments
/// before the next title.
fn trim(lines: &[&str], start: usize, end: usize) -> (usize, usize) {
    let blank = |line: &usize| lines[*line].trim().is_empty();
    let first = (start..end).find(|line| !blank(line)).unwrap_or(end);
    let last = (first..end).rev().find(|line| !is_between(lines[*line]));
    (first, last.map_or(first, |line| line + 1))
}

fn is_title(line: &str) -> bool {
    line.starts_with("###")
}

/// Whether a line is blank or a comment, and so not a part of a message.
pub(crate) fn is_between(line: &str) -> bool {
    line.trim().is_empty() || (line.starts_with('#') && !is_title(line))
}

fn is_anchor(line: &str) -> bool {
    line.starts_with('#') && (line.contains("ANCHOR:") || line.contains("ANCHOR_END:"))
}

//! Syntax highlighting when the book is built, so that the pages need no script for it.
//!
//! Each highlighted token is a `<span>` of one of these classes, whose colors are in the theme: `c-comment`, `c-keyword`, `c-string`, `c-number`, `c-type`,
//! `c-function`, `c-macro`, `c-attribute`, `c-property` (a name in JSON or of a header),
//! `c-status` (of an answer), `c-inserted` and `c-deleted` (in a difference).

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::{LazyLock, Mutex, PoisonError},
};

use regex::Regex;
use synoptic::{Highlighter, TokOpt, from_extension};

use crate::chapters::anchors::pattern;

/// The lines as highlighted HTML. Lines of an unknown language are not highlighted.
pub fn lines(language: &str, lines: &[&str]) -> Vec<String> {
    match language {
        "http" => message(lines),
        "json" => lines.iter().map(|line| json(line)).collect(),
        "console" => lines.iter().map(|line| terminal(line)).collect(),
        _ => tokens(language, lines)
            .unwrap_or_else(|| lines.iter().map(|line| escape(line)).collect()),
    }
}

/// Escapes text for HTML inside of Markdown. That includes `{{#`, which starts a helper of mdBook.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace("{{#", "&#123;{#")
}

/// Replaces the entities that [`escape`] and mdBook write with their characters.
pub fn unescape(html: &str) -> String {
    html.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&#123;", "{")
        .replace("&amp;", "&")
}

fn span(class: &str, text: &str) -> String {
    format!("<span class=\"c-{class}\">{}</span>", escape(text))
}

/// The lines highlighted by the grammar of the language, if there is one.
///
/// A grammar has about twenty regular expressions, and each caches its states. Keeping the grammars
/// from block to block makes the build of the book a third shorter.
fn tokens(language: &str, lines: &[&str]) -> Option<Vec<String>> {
    static GRAMMARS: Mutex<BTreeMap<String, Highlighter>> = Mutex::new(BTreeMap::new());
    let extension = match language {
        "rust" => "rs",
        "javascript" => "js",
        "toml" | "sql" | "js" | "diff" | "dockerfile" | "html" | "css" => language,
        _ => return None,
    };
    let mut grammars = GRAMMARS.lock().unwrap_or_else(PoisonError::into_inner);
    let grammar = match grammars.entry(extension.to_owned()) {
        Entry::Occupied(kept) => kept.into_mut(),
        Entry::Vacant(free) => free.insert(from_extension(extension, 4)?),
    };
    let owned: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    grammar.run(&owned); // replaces the lines of the block before
    let colored = |(number, line): (usize, &String)| {
        let tokens = grammar.line(number, line).into_iter();
        tokens.map(token).collect()
    };
    Some(owned.iter().enumerate().map(colored).collect())
}

fn token(token: TokOpt) -> String {
    let (text, kind) = match token {
        TokOpt::None(text) => return escape(&text),
        TokOpt::Some(text, kind) => (text, kind),
    };
    let class = match kind.as_str() {
        "comment" | "keyword" | "string" | "function" | "macro" | "attribute" => kind.as_str(),
        "boolean" => "keyword",
        "character" => "string",
        "digit" => "number",
        "struct" => "type",
        "table" => "attribute",
        "insertion" => "inserted",
        "deletion" => "deleted",
        _ => return escape(&text),
    };
    span(class, &text)
}

/// An HTTP message: its head, then its body, which is highlighted if it is JSON.
fn message(lines: &[&str]) -> Vec<String> {
    let blank = lines.iter().position(|line| line.is_empty());
    let (head, body) = lines.split_at(blank.unwrap_or(lines.len()));
    let is_json = body.iter().any(|line| line.starts_with(['{', '[']));
    let body = body
        .iter()
        .map(|line| if is_json { json(line) } else { escape(line) });
    head.iter()
        .map(|line| head_line(line))
        .chain(body)
        .collect()
}

fn head_line(line: &str) -> String {
    if line.starts_with('#') {
        return span("comment", line);
    }
    if let Some((version, status)) = line.split_once(' ')
        && version.starts_with("HTTP/")
    {
        return format!("{version} {}", span("status", status));
    }
    let word = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let (name, rest) = line.split_at(word.unwrap_or(line.len()));
    match rest.chars().next() {
        Some(':') => span("property", name) + &escape(rest),
        Some(' ') => span("keyword", name) + &escape(rest),
        _ => escape(line),
    }
}

fn json(line: &str) -> String {
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r#"(?P<string>"(?:[^"\\]|\\.)*")(?P<colon>\s*:)?|(?P<number>-?\b\d[\d.eE+-]*)|\b(?:true|false|null)\b"#,
        )
    });
    let mut html = String::new();
    let mut done = 0;
    for found in TOKEN.captures_iter(line) {
        let whole = found.get_match();
        html += &escape(&line[done..whole.start()]);
        html += &match (found.name("string"), found.name("colon")) {
            (Some(name), Some(colon)) => span("property", name.as_str()) + colon.as_str(),
            (Some(string), None) => span("string", string.as_str()),
            _ if found.name("number").is_some() => span("number", whole.as_str()),
            _ => span("keyword", whole.as_str()),
        };
        done = whole.end();
    }
    html + &escape(&line[done..])
}

/// A line of a terminal: a command, or its output.
fn terminal(line: &str) -> String {
    match line.strip_prefix("$ ") {
        Some(command) => span("comment", "$ ") + &span("function", command),
        None => escape(line),
    }
}

#[cfg(test)]
mod tests {
    use super::{escape, lines, unescape};

    #[test]
    fn unescape_reverses_escape() {
        let written = "Bo's <b> & \"tea\" {{#include &lt;}}";
        assert_eq!(unescape(&escape(written)), written);
        assert_eq!(unescape("Bo&#39;s &#x27;tea&#x27;"), "Bo's 'tea'");
    }

    #[test]
    fn rust_is_colored_over_lines() {
        let colored = lines("rust", &["/* a", "b */ fn tea() {}"]);
        assert_eq!(colored[0], "<span class=\"c-comment\">/* a</span>");
        assert!(
            colored[1].contains("<span class=\"c-keyword\">fn</span>"),
            "{colored:?}"
        );
    }

    #[test]
    fn a_message_has_a_head_and_a_body() {
        let colored = lines("http", &["HTTP/1.1 200 OK", "a: \"b\"", "", "{ \"c\": 1 }"]);
        assert_eq!(
            colored,
            [
                "HTTP/1.1 <span class=\"c-status\">200 OK</span>",
                "<span class=\"c-property\">a</span>: &quot;b&quot;",
                "",
                "{ <span class=\"c-property\">&quot;c&quot;</span>: <span class=\"c-number\">1</span> }",
            ]
        );
    }

    #[test]
    fn text_that_is_no_json_has_no_colors() {
        let colored = lines(
            "http",
            &["HTTP/1.1 404 Not Found", "", "No \"tea\" at 7 < 8"],
        );
        assert_eq!(colored[2], "No &quot;tea&quot; at 7 &lt; 8");
    }

    #[test]
    fn no_text_becomes_a_tag_or_one_of_mdbook_s_helpers() {
        for language in [
            "rust", "text", "toml", "console", "http", "json", "sql", "js", "diff",
        ] {
            let html = lines(language, &["<b>& {{#include x}} \"<i>\""]).concat();
            let bare = html.replace("<span class=\"c-", "").replace("</span>", "");
            assert!(
                !bare.contains("<b>") && !bare.contains("<i>"),
                "{language}: {html}"
            );
            assert!(!html.contains("{{#"), "{language}: {html}");
        }
    }
}

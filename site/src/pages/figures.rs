//! Figures: the HTML of an included block.
//!
//! Raw HTML in Markdown ends at a blank line, unless it starts with `<pre>`, which ends at
//! `</pre>`. So each `<pre>` here starts a line and has a blank line before and after it.

use std::ops::RangeInclusive;

use live::exchange::Exchange;

use super::color::{self, escape};
use crate::chapters::anchors::Line;

/// The file that a block comes from, for its caption.
pub struct Origin {
    /// The file, from the repository's root: `code/src/requests.rs`.
    pub file: String,
    /// A link to the whole file.
    pub link: String,
}

/// A file or a part of it, with some lines marked.
pub fn listing(origin: &Origin, block: &Code<'_>, note: Option<&str>) -> String {
    let class = if note.is_some() {
        "listing fails"
    } else {
        "listing"
    };
    let note = note.map_or(String::new(), |note| {
        format!("<span class=\"note\">{note}</span>")
    });
    let caption = format!("{note}{}", origin.anchor());
    figure(class, "", origin, &caption, &pre("", block))
}

/// A message of the compiler: its headline and the lines that help, and the full message folded.
pub fn message(origin: &Origin, block: &Code<'_>, helps: &RangeInclusive<usize>) -> String {
    let (first, last) = (*helps.start(), *helps.end());
    let mut short: Vec<usize> = if first > 1 { vec![1] } else { Vec::new() };
    short.extend(first..=last);
    let part = |numbers: &[usize]| Code {
        language: block.language,
        lines: numbers
            .iter()
            .filter_map(|number| block.lines.get(number - 1).cloned())
            .collect(),
        marked: block.marked.clone(),
    };
    let whole = format!(
        "<details>\n<summary>The full message</summary>\n\n{}\n\n</details>",
        pre("", block)
    );
    let shown = format!("{}\n\n{whole}", pre("", &part(&short)));
    figure("listing message", "", origin, &origin.anchor(), &shown)
}

/// The chapter that exchanges belong to, and the program that answers them.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub chapter: &'a str,
    pub program: &'a str,
}

impl Asked<'_> {
    fn attributes(self) -> String {
        let Self { chapter, program } = self;
        format!("data-chapter=\"{chapter}\" data-program=\"{program}\"")
    }
}

/// An exchange: the request, then the answer. The answer is folded if the reader should predict it.
pub fn exchange(origin: &Origin, asked: Asked<'_>, exchange: &Exchange, predict: bool) -> String {
    let answer = exchange.answer.as_deref().map_or(String::new(), answer);
    let answer = if predict {
        folded("Recorded response", &answer)
    } else {
        answer
    };
    let shown = format!("{}\n\n{answer}", request(exchange));
    let attributes = format!(
        "id=\"exchange-{}\" {}{}",
        slug(&exchange.title),
        asked.attributes(),
        if exchange.server { " data-server" } else { "" },
    );
    let caption = format!("{} {}", inline(&exchange.title), origin.anchor());
    figure("exchange", &attributes, origin, &caption, &shown)
}

/// A challenge: the requests that each try sends first, the request to start from, and a solution
/// with the expected answer.
pub fn challenge(
    origin: &Origin,
    asked: Asked<'_>,
    first: &[Exchange],
    start: &Exchange,
    solution: &Exchange,
) -> String {
    let wanted = solution.answer.as_deref().map_or(String::new(), answer);
    let solved = format!("{}\n\n{wanted}", request(solution));
    let mut shown = format!("{}\n\n{}", request(start), folded("One solution", &solved));
    if !first.is_empty() {
        let first: Vec<String> = first.iter().map(sent_first).collect();
        let first = folded("Each try sends these requests first", &first.join("\n\n"));
        shown = format!("{first}\n\n{shown}");
    }
    let attributes = format!(
        "id=\"challenge-{}\" {}",
        slug(&solution.title),
        asked.attributes()
    );
    let caption = format!("{} {}", inline(&start.title), origin.anchor());
    figure("challenge", &attributes, origin, &caption, &shown)
}

/// Two tasks that the reader polls: the recorded polls as a list, and the exchanges folded.
pub fn scheduler(origin: &Origin, asked: Asked<'_>, exchanges: &[Exchange]) -> String {
    let polls: String = exchanges.iter().map(poll).collect();
    let first = exchanges.first();
    let title = first.map_or("", |exchange| exchange.title.as_str());
    let path = first.and_then(|exchange| exchange.request.split(' ').nth(1));
    let attributes = format!(
        "id=\"scheduler-{}\" {}",
        slug(path.unwrap_or(title)),
        asked.attributes()
    );
    let caption = format!("{} {}", inline("Two tasks"), origin.anchor());
    figure(
        "scheduler",
        &attributes,
        origin,
        &caption,
        &format!("<ol>\n{polls}</ol>"),
    )
}

/// A poll as an item of a list: the title of the request, and what the answer says.
fn poll(exchange: &Exchange) -> String {
    let answer = exchange.answer.as_deref().unwrap_or_default();
    let body = answer.split_once("\n\n").map_or("", |(_, body)| body);
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let numbers = body["numbers"].as_object().map(|numbers| {
        let numbers = numbers
            .iter()
            .map(|(name, value)| format!("{name} {value}"));
        numbers.collect::<Vec<_>>().join(", ")
    });
    let line = exchange.request.lines().next().unwrap_or_default();
    // The last poll has the result of both tasks.
    let outcome = body["outcome"]
        .as_str()
        .map(|outcome| format!(" <strong>{}</strong>", escape(outcome)));
    format!(
        "<li data-request=\"{}\"><b>{}</b> <span>{}</span> <i>{}</i>{}</li>\n",
        escape(line),
        escape(&exchange.title),
        escape(body["step"].as_str().unwrap_or_default()),
        escape(&numbers.unwrap_or_default()),
        outcome.unwrap_or_default(),
    )
}

/// A diagram: its steps as a list, and the source that a script draws when the reader asks for it.
pub fn diagram(origin: &Origin, source: &[&str]) -> String {
    let named = source
        .first()
        .and_then(|line| line.strip_prefix("%%")?.split_once(':'));
    let (made_from, title) = named.unwrap_or(("", "Diagram"));
    let title = title.trim();
    let steps: String = source.iter().filter_map(|line| step(line)).collect();
    let shown = format!(
        "<ol>\n{steps}</ol>\n\n<pre class=\"mermaid-source\" hidden>{}</pre>",
        escape(&source.join("\n"))
    );
    let is_a_request = made_from.trim().ends_with(".http");
    let suffix = if is_a_request { ": call trace" } else { "" };
    let title = format!("{title}{suffix}");
    let caption = format!("{} {}", inline(&title), origin.anchor());
    figure("diagram", "", origin, &caption, &shown)
}

/// A message of a sequence diagram, `client->>requests: POST /orders`, a step of a state diagram,
/// `placed --> paid: payments`, or an edge of a flowchart, `axum -->|depends on| hyper`, as an item of
/// a list.
fn step(line: &str) -> Option<String> {
    if let Some((from, edge)) = line.split_once("-->|") {
        let (what, to) = edge.split_once('|')?;
        let [from, what, to] = [from, what, to].map(|part| escape(part.trim()));
        return Some(format!("<li><b>{from}</b> {what} <b>{to}</b></li>\n"));
    }
    let (arrow, what) = line.split_once(':')?;
    let (from, to) = arrow
        .split_once("-->>")
        .or_else(|| arrow.split_once("->>"))
        .or_else(|| arrow.split_once("-->"))?;
    let [from, to, what] = [from, to, what].map(|part| match part.trim() {
        "[*]" => "start".to_owned(),
        part => escape(part),
    });
    Some(format!("<li><b>{from} → {to}</b> {what}</li>\n"))
}

/// Code to be shown.
pub struct Code<'a> {
    /// Its language, as the fence names it.
    pub language: &'a str,
    /// Its lines with their numbers in the file.
    pub lines: Vec<Line>,
    /// The lines to mark, by their numbers in the file.
    pub marked: Vec<RangeInclusive<usize>>,
}

impl Origin {
    /// A link to the file. Its name may break after a slash, for small screens.
    fn anchor(&self) -> String {
        let file = escape(&self.file).replace('/', "/<wbr>");
        format!("<a href=\"{}\">{file}</a>", escape(&self.link))
    }
}

fn figure(class: &str, attributes: &str, origin: &Origin, caption: &str, shown: &str) -> String {
    let file = escape(&origin.file);
    let space = if attributes.is_empty() { "" } else { " " };
    format!(
        "<figure class=\"{class}\"{space}{attributes} data-file=\"{file}\">\n<figcaption>{caption}</figcaption>\n\n\
         {shown}\n\n</figure>"
    )
}

fn folded(summary: &str, shown: &str) -> String {
    format!("<details>\n<summary>{summary}</summary>\n\n{shown}\n\n</details>")
}

fn request(exchange: &Exchange) -> String {
    pre("class=\"request\"", &http(&exchange.request))
}

/// A request of a challenge that the reader doesn't edit.
fn sent_first(exchange: &Exchange) -> String {
    pre("class=\"first\"", &http(&exchange.request))
}

fn answer(answer: &str) -> String {
    let status = answer.split(' ').nth(1).unwrap_or_default();
    let attributes = format!(
        "class=\"answer\" data-status=\"{}\"",
        escape(status.trim_end())
    );
    pre(&attributes, &http(answer))
}

fn http(text: &str) -> Code<'_> {
    let numbered = text.lines().zip(1..);
    let lines = numbered.map(|(text, number)| Line {
        number,
        text: text.to_owned(),
    });
    Code {
        language: "http",
        lines: lines.collect(),
        marked: Vec::new(),
    }
}

fn pre(attributes: &str, code: &Code<'_>) -> String {
    let texts: Vec<&str> = code.lines.iter().map(|line| line.text.as_str()).collect();
    let mut shown = String::new();
    for (line, html) in code.lines.iter().zip(color::lines(code.language, &texts)) {
        let marked = code.marked.iter().any(|range| range.contains(&line.number));
        shown += &if marked {
            format!("<mark>{html}</mark>\n")
        } else {
            html + "\n"
        };
    }
    let space = if attributes.is_empty() { "" } else { " " };
    // With `tabindex` the block can have the focus, so that the arrow keys scroll it.
    format!(
        "<pre{space}{attributes}><code data-language=\"{}\" tabindex=\"0\">{shown}</code></pre>",
        code.language
    )
}

/// A title as HTML, with code between backticks.
fn inline(title: &str) -> String {
    let mut html = String::from("<span>");
    for (position, part) in title.split('`').enumerate() {
        let part = escape(part);
        html += &if position % 2 == 1 {
            format!("<code>{part}</code>")
        } else {
            part
        };
    }
    html + "</span>"
}

fn slug(title: &str) -> String {
    let lower = title.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

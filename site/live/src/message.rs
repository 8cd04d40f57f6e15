//! Converts requests and answers between text and the types of the `http` crate.

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};

use crate::{Problem, exchange::is_between, layout};

/// The largest number of headers in a request.
const MOST_HEADERS: usize = 64;

/// Headers that are not recorded, because they differ between servers or change with time.
const UNRECORDED: [header::HeaderName; 3] =
    [header::CONTENT_LENGTH, header::DATE, header::CONNECTION];

/// A request, and the values to capture from its answer.
pub(crate) struct Parsed {
    pub(crate) captures: Vec<Capture>,
    pub(crate) request: Request<Body>,
}

/// A value to capture from an answer, and its name.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) line: usize,
}

/// The place of a captured value in the answer.
#[derive(Debug)]
pub(crate) enum Source {
    /// A header.
    Header(String),
    /// A JSON Pointer (RFC 6901) into the body.
    Pointer(String),
}

/// Reads `# capture` lines and one HTTP/1.1 request (RFC 9112). Lines may end in LF alone.
///
/// # Errors
///
/// When the text is not a request. The problem has the line.
pub(crate) fn read_request(text: &str) -> Result<Parsed, Problem> {
    let text = text.replace("\r\n", "\n");
    let comments = text.lines().take_while(|line| is_between(line)).count();
    let mut captures = Vec::new();
    for (number, line) in text.lines().take(comments).enumerate() {
        captures.extend(read_capture(line, number + 1)?);
    }
    let message: Vec<&str> = text.split('\n').skip(comments).collect();
    let request = read_message(&message.join("\n"), comments + 1)?;
    Ok(Parsed { captures, request })
}

fn read_capture(line: &str, number: usize) -> Result<Option<Capture>, Problem> {
    let words: Vec<&str> = line
        .trim_start_matches('#')
        .split_ascii_whitespace()
        .collect();
    let source = match words.as_slice() {
        ["capture", _, "=", "header", header] => Source::Header((*header).to_owned()),
        ["capture", _, "=", pointer] if pointer.starts_with('/') => {
            Source::Pointer((*pointer).to_owned())
        }
        ["capture", ..] => {
            let message = "write a capture as `# capture NAME = /pointer/into/json` \
                           or `# capture NAME = header HEADER`";
            return Err(Problem::new(number, message));
        }
        _ => return Ok(None),
    };
    Ok(Some(Capture {
        name: words[1].to_owned(),
        source,
        line: number,
    }))
}

fn read_message(text: &str, first_line: usize) -> Result<Request<Body>, Problem> {
    let (head, body) = match text.split_once("\n\n") {
        Some((head, body)) => (head, body.trim_end_matches('\n')),
        None => (text.trim_end_matches('\n'), ""),
    };
    if head.is_empty() {
        let message = "the request is empty: start it with a line such as `GET /menu HTTP/1.1`";
        return Err(Problem::new(first_line, message));
    }
    let wire = head.replace('\n', "\r\n") + "\r\n\r\n";
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(wire.as_bytes()) {
        Ok(httparse::Status::Complete(_)) => build(&parsed, body, first_line),
        Ok(httparse::Status::Partial) => Err(Problem::new(first_line, "the request is incomplete")),
        Err(error) => Err(explain(error, &parsed, head, first_line)),
    }
}

/// The problem with the line that `httparse` has probably rejected.
fn explain(
    error: httparse::Error,
    parsed: &httparse::Request<'_, '_>,
    head: &str,
    first_line: usize,
) -> Problem {
    use httparse::Error;
    // The version is the last part of the first line that is read.
    if parsed.version.is_none() {
        let got = head.lines().next().unwrap_or_default();
        let message =
            format!("`{got}` is not a request line. Write `METHOD /path HTTP/1.1` ({error})");
        return Problem::new(first_line, message);
    }
    let is_bad = |line: &str| {
        has_control(line) || line.split_once(':').is_none_or(|(name, _)| !is_token(name))
    };
    let bad = head.lines().skip(1).position(is_bad).unwrap_or(0) + 1;
    let message = match error {
        Error::TooManyHeaders => format!("a request can have at most {MOST_HEADERS} headers here"),
        _ => format!(
            "this line is not a header. Write `name: value`, and an empty line before the body ({error})"
        ),
    };
    Problem::new(first_line + bad, message)
}

fn has_control(line: &str) -> bool {
    line.chars().any(|c| c.is_control() && c != '\t')
}

/// Whether it is a token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn build(
    parsed: &httparse::Request<'_, '_>,
    body: &str,
    first_line: usize,
) -> Result<Request<Body>, Problem> {
    let (method, path) = (
        parsed.method.unwrap_or_default(),
        parsed.path.unwrap_or_default(),
    );
    let mut request = Request::builder().method(method).uri(path);
    for header in parsed.headers.iter() {
        request = request.header(header.name, header.value);
    }
    request
        .body(Body::from(body.to_owned()))
        .map_err(|error| Problem::new(first_line, format!("this is not a request: {error}")))
}

/// The answer as it is recorded: its status line, its headers, and its body formatted for reading.
pub(crate) fn write_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut text = format!("HTTP/1.1 {} {reason}", status.as_u16())
        .trim_end()
        .to_owned();
    for (name, value) in headers {
        if !UNRECORDED.contains(name) {
            let value = String::from_utf8_lossy(value.as_bytes());
            text.push_str(&format!("\n{name}: {value}"));
        }
    }
    if !body.is_empty() {
        text.push_str("\n\n");
        let body = String::from_utf8_lossy(body);
        let json = is_json(headers).then(|| layout(&body)).flatten();
        text.push_str(json.as_deref().unwrap_or(&body));
    }
    text
}

/// Whether the content type is JSON or ends with `+json`, such as `application/problem+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE);
    let media_type = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = media_type.split(';').next().unwrap_or("").trim();
    essence == "application/json" || essence.ends_with("+json")
}

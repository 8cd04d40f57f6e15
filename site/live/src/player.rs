//! Requests in turn, whoever answers them: a chapter's app, or a server behind a socket.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, Response},
};

use crate::{
    Problem, json,
    message::{self, Capture, Source},
};

/// The longest run of padding that a request may ask for, in letters.
const MOST_PADDING: usize = 4 * 1024 * 1024;

/// The values that were captured from the answers so far.
///
/// In a request, `{{name}}` stands for the value that an earlier exchange captured under
/// that name, and `{{padding 20000}}` for that many letters x.
#[derive(Debug, Default)]
pub struct Player {
    /// Names and values. The one that was captured last counts.
    values: Vec<(String, String)>,
}

/// A request that can be sent, and what to take from its answer.
#[derive(Debug)]
pub struct Prepared {
    /// The request, without `host` and `content-length`.
    pub request: Request<Body>,
    /// For [`Player::take`].
    pub captures: Captures,
}

/// What a request wants to know of its answer.
#[derive(Debug)]
pub struct Captures(Vec<Capture>);

impl Player {
    /// Reads a request, given as an exchange file writes it, with its values filled in.
    ///
    /// # Errors
    ///
    /// When the text is no request, or uses a value that nothing captured.
    pub fn prepare(&self, request: &str) -> Result<Prepared, Problem> {
        let parsed = message::read_request(&self.fill_in(request)?)?;
        Ok(Prepared {
            request: parsed.request,
            captures: Captures(parsed.captures),
        })
    }

    /// Keeps the values that the exchange names, and writes the answer as it is recorded.
    ///
    /// # Errors
    ///
    /// When the answer does not have what the exchange captures.
    pub fn take(
        &mut self,
        captures: &Captures,
        answer: &Response<Bytes>,
    ) -> Result<String, Problem> {
        let (status, headers, body) = (answer.status(), answer.headers(), answer.body());
        // An answer that refused has none of the values: only a successful one is asked.
        if status.is_success() {
            self.capture(captures, headers, body)?;
        }
        Ok(message::write_answer(status, headers, body))
    }

    /// The text with values for the names in double braces.
    fn fill_in(&self, text: &str) -> Result<String, Problem> {
        let mut filled = Vec::new();
        for (number, line) in text.split('\n').enumerate() {
            filled.push(self.fill_in_line(line, number + 1)?);
        }
        Ok(filled.join("\n"))
    }

    fn fill_in_line(&self, line: &str, number: usize) -> Result<String, Problem> {
        let mut filled = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("{{") {
            // JSON may close two objects in a row, so only a name in between counts.
            let Some((name, after)) = after.split_once("}}") else {
                break;
            };
            filled.push_str(before);
            filled.push_str(&self.value(name.trim(), number)?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn value(&self, name: &str, line: usize) -> Result<String, Problem> {
        if let Some(count) = name.strip_prefix("padding ") {
            return match count.trim().parse() {
                Ok(count) if count <= MOST_PADDING => Ok("x".repeat(count)),
                _ => Err(Problem::new(
                    line,
                    format!("`padding` takes a number of letters, at most {MOST_PADDING}"),
                )),
            };
        }
        let mut latest = self.values.iter().rev();
        let found = latest.find(|(captured, _)| captured == name);
        found.map(|(_, value)| value.clone()).ok_or_else(|| {
            let message = format!(
                "nothing has given `{name}` a value yet; send the exchange that captures it first"
            );
            Problem::new(line, message)
        })
    }

    fn capture(
        &mut self,
        captures: &Captures,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Problem> {
        for capture in &captures.0 {
            let value = match &capture.source {
                Source::Header(name) => header(headers, name),
                Source::Pointer(pointer) => std::str::from_utf8(body)
                    .ok()
                    .and_then(|body| json::member(body, pointer)),
            };
            let Some(value) = value else {
                let message = format!("the answer has no `{}` to capture", capture.name);
                return Err(Problem::new(capture.line, message));
            };
            self.values.push((capture.name.clone(), value));
        }
        Ok(())
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

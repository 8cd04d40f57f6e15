//! Plays exchanges one after the other against a program or a server, and keeps captured values.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, Request, Response},
};

use crate::{
    Problem, json,
    message::{self, Capture, Source},
};

/// The largest number of letters that `{{padding N}}` can stand for.
const MOST_PADDING: usize = 4 * 1024 * 1024;

/// The values that were captured from the answers so far.
///
/// In a request, `{{name}}` stands for the value that an earlier exchange captured under
/// that name, and `{{padding 20000}}` for 20,000 letters x.
#[derive(Debug, Default)]
pub struct Player {
    /// Names and values. The last value of a name counts.
    values: Vec<(String, String)>,
}

/// A request that can be sent, and the values to capture from its answer.
#[derive(Debug)]
pub struct Prepared {
    /// The request, without `host` and `content-length`.
    pub request: Request<Body>,
    /// For [`Player::take`].
    pub captures: Captures,
}

/// The values to capture from an answer.
#[derive(Debug)]
pub struct Captures(Vec<Capture>);

impl Player {
    /// Reads a request in the format of an exchange file, and fills in captured values.
    ///
    /// # Errors
    ///
    /// When the text is not a request, or uses a value that was not captured.
    pub fn prepare(&self, request: &str) -> Result<Prepared, Problem> {
        let parsed = message::read_request(&self.fill_in(request)?)?;
        Ok(Prepared {
            request: parsed.request,
            captures: Captures(parsed.captures),
        })
    }

    /// Captures values from the answer. Returns the answer as it is recorded, and a problem if the answer
    /// does not have a value to capture.
    pub fn take(
        &mut self,
        captures: &Captures,
        answer: &Response<Bytes>,
    ) -> (String, Result<(), Problem>) {
        let (status, headers, body) = (answer.status(), answer.headers(), answer.body());
        // An error response has none of the values.
        let captured = if status.is_success() {
            self.capture(captures, headers, body)
        } else {
            Ok(())
        };
        (message::write_answer(status, headers, body), captured)
    }

    /// Replaces the names in double braces with their values.
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
            // `{{` without `}}` in the same line is text.
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
                    format!("`padding` needs a number of letters, at most {MOST_PADDING}"),
                )),
            };
        }
        let mut latest = self.values.iter().rev();
        let found = latest.find(|(captured, _)| captured == name);
        found.map(|(_, value)| value.clone()).ok_or_else(|| {
            let message =
                format!("`{name}` has no value yet: first send the request that captures it");
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
                let message = format!("the response has no `{}` to capture", capture.name);
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

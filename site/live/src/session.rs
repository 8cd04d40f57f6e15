//! A session: requests in turn to one app, as the reader of a page sends them.

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
};
use code::Chapter;
use http_body_util::BodyExt;
use tower::ServiceExt;
use tracing::instrument::WithSubscriber;

use crate::{
    Problem, Span, json,
    message::{self, Capture, Source},
    spans::Recorder,
};

/// The longest run of padding that a request may ask for, in letters.
const MOST_PADDING: usize = 4 * 1024 * 1024;

/// An app, and the values that were captured from its answers.
///
/// In a request, `{{name}}` stands for the value that an earlier exchange captured under
/// that name, and `{{padding 20000}}` for that many letters x.
pub struct Session {
    make: fn() -> Router,
    app: Router,
    /// Names and values. The one that was captured last counts.
    values: Vec<(String, String)>,
}

/// What the app answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The answer as it is recorded: status line, headers, a blank line, body.
    pub text: String,
    /// The spans that the request opened, in order.
    pub spans: Vec<Span>,
}

impl Session {
    /// A session with a fresh app of that chapter.
    pub fn new(chapter: &Chapter) -> Self {
        Self::with(chapter.app)
    }

    /// A session with the app that `make` makes, and makes again at each reset.
    pub fn with(make: fn() -> Router) -> Self {
        Self {
            make,
            app: make(),
            values: Vec::new(),
        }
    }

    /// Starts again with a fresh app and no captured values.
    pub fn reset(&mut self) {
        *self = Self::with(self.make);
    }

    /// Sends a request, given as an exchange file writes it, and waits for the answer.
    ///
    /// # Errors
    ///
    /// When the text is no request, uses a value that nothing captured, or captures one
    /// that the answer does not have. The session goes on.
    pub async fn send(&mut self, request: &str) -> Result<Answer, Problem> {
        let parsed = message::read_request(&self.fill_in(request)?)?;
        let recorder = Recorder::default();
        let answered = self.app.clone().oneshot(parsed.request);
        // The router's own error is `Infallible`: there is always an answer.
        let Ok(response) = answered.with_subscriber(recorder.clone()).await;

        let (head, body) = response.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                let message = format!("the answer's body broke off: {error}");
                return Err(Problem::new(1, message));
            }
        };
        self.capture(&parsed.captures, head.status, &head.headers, &body)?;
        Ok(Answer {
            status: head.status.as_u16(),
            text: message::write_answer(head.status, &head.headers, &body),
            spans: recorder.spans(),
        })
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

    /// Keeps the values that the exchange names. An answer that refused has none of them:
    /// only a successful one is asked.
    fn capture(
        &mut self,
        captures: &[Capture],
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), Problem> {
        if !status.is_success() {
            return Ok(());
        }
        for capture in captures {
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

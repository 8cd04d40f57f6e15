//! A session: requests to one app, one after the other, as the reader of a page sends them.

use axum::{Router, http::Response};
use code::Program;
use http_body_util::BodyExt;
use tower::ServiceExt;
use tracing::instrument::WithSubscriber;

use crate::{Player, Problem, Span, player::Prepared, spans::Recorder};

/// An app, and the values that were captured from its answers. It needs no socket.
pub struct Session {
    make: Box<dyn Fn() -> Router + Send>,
    app: Router,
    player: Player,
}

/// The answer of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The answer as it is recorded: status line, headers, a blank line, body.
    pub text: String,
    /// The spans that the request opened, the first one first.
    pub spans: Vec<Span>,
}

impl Session {
    /// A session with a fresh app of that program.
    pub fn new(program: &Program) -> Self {
        Self::with(program.app)
    }

    /// A session with an app from `make`, which is called again at each reset.
    pub fn with(make: impl Fn() -> Router + Send + 'static) -> Self {
        Self {
            app: make(),
            make: Box::new(make),
            player: Player::default(),
        }
    }

    /// Starts again with a new app and without captured values.
    pub fn reset(&mut self) {
        self.app = (self.make)();
        self.player = Player::default();
    }

    /// Sends a request in the format of an exchange file, and waits for the answer.
    ///
    /// # Errors
    ///
    /// When the text is not a request, uses a value that was not captured, or captures one that the
    /// answer does not have. The session can be used after an error.
    pub async fn send(&mut self, request: &str) -> Result<Answer, Problem> {
        let (answer, captured) = self.try_capture(request).await?;
        captured.map(|()| answer)
    }

    /// Does the same, but returns the answer even if it does not have a value to capture.
    ///
    /// # Errors
    ///
    /// When the text is not a request, or uses a value that was not captured.
    pub async fn try_capture(
        &mut self,
        request: &str,
    ) -> Result<(Answer, Result<(), Problem>), Problem> {
        let Prepared { request, captures } = self.player.prepare(request)?;
        let recorder = Recorder::default();
        let answered = self.app.clone().oneshot(request);
        // The error type of a router is `Infallible`, so there is always an answer.
        let Ok(response) = answered.with_subscriber(recorder.clone()).await;

        let (head, body) = response.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => {
                let message = format!("the body of the response ended early: {error}");
                return Err(Problem::new(1, message));
            }
        };
        let response = Response::from_parts(head, body);
        let (text, captured) = self.player.take(&captures, &response);
        let answer = Answer {
            status: response.status().as_u16(),
            text,
            spans: recorder.spans(),
        };
        Ok((answer, captured))
    }
}

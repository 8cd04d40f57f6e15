//! A session: requests in turn to one app, as the reader of a page sends them.

use axum::{Router, http::Response};
use code::Program;
use http_body_util::BodyExt;
use tower::ServiceExt;
use tracing::instrument::WithSubscriber;

use crate::{Player, Problem, Span, player::Prepared, spans::Recorder};

/// An app, and the values that were captured from its answers: a [`Player`] that needs
/// no socket.
pub struct Session {
    make: Box<dyn Fn() -> Router + Send>,
    app: Router,
    player: Player,
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
    /// A session with a fresh app of that program.
    pub fn new(program: &Program) -> Self {
        Self::with(program.app)
    }

    /// A session with the app that `make` makes, and makes again at each reset.
    pub fn with(make: impl Fn() -> Router + Send + 'static) -> Self {
        Self {
            app: make(),
            make: Box::new(make),
            player: Player::default(),
        }
    }

    /// Starts again with a fresh app and no captured values.
    pub fn reset(&mut self) {
        self.app = (self.make)();
        self.player = Player::default();
    }

    /// Sends a request, given as an exchange file writes it, and waits for the answer.
    ///
    /// # Errors
    ///
    /// When the text is no request, uses a value that nothing captured, or captures one
    /// that the answer does not have. The session goes on.
    pub async fn send(&mut self, request: &str) -> Result<Answer, Problem> {
        let Prepared { request, captures } = self.player.prepare(request)?;
        let recorder = Recorder::default();
        let answered = self.app.clone().oneshot(request);
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
        let answer = Response::from_parts(head, body);
        Ok(Answer {
            status: answer.status().as_u16(),
            text: self.player.take(&captures, &answer)?,
            spans: recorder.spans(),
        })
    }
}

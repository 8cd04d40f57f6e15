//! The session for JavaScript.
//!
//! A page loads one module for each program that its exchanges need, so that the size of a console
//! does not depend on the other programs. `site` links the modules: each is this crate and a
//! function that calls [`open`] with the program's app.

use std::{
    pin::pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use axum::Router;
use wasm_bindgen::prelude::*;

/// The function that makes the app of this module's program.
static APP: OnceLock<fn() -> Router> = OnceLock::new();

/// Sets the app for the sessions of this module. Only the first call has an effect.
pub fn open(app: fn() -> Router) {
    APP.get_or_init(|| app);
}

/// A session with a program's app, in the page.
#[wasm_bindgen]
pub struct Session(crate::Session);

/// The answer of the app.
#[wasm_bindgen]
pub struct Answer {
    answer: crate::Answer,
    missing: Option<String>,
}

#[wasm_bindgen]
impl Session {
    /// A session with a fresh app of the module's program.
    ///
    /// # Errors
    ///
    /// When the module has not been opened.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<Session, JsError> {
        let app = APP
            .get()
            .ok_or_else(|| JsError::new("the module has no program"))?;
        Ok(Self(crate::Session::with(*app)))
    }

    /// Starts again with a new app.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// Sends a request and returns the answer.
    ///
    /// # Errors
    ///
    /// When the text is not a request, or the program waits for a clock or a thread.
    pub fn send(&mut self, request: &str) -> Result<Answer, JsError> {
        match finish(self.0.try_capture(request)) {
            Some(Ok((answer, captured))) => Ok(Answer {
                answer,
                missing: captured.err().map(|problem| problem.message),
            }),
            Some(Err(problem)) => Err(JsError::new(&problem.to_string())),
            None => Err(JsError::new(
                "the program waits for a clock or a thread, which the page doesn't have",
            )),
        }
    }
}

#[wasm_bindgen]
impl Answer {
    /// The status code.
    #[wasm_bindgen(getter)]
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// The answer as it is recorded, without blank lines at its end.
    #[wasm_bindgen(getter)]
    pub fn text(&self) -> String {
        self.answer.text.trim_end().to_owned()
    }

    /// Which value the answer should have had for later requests, and doesn't have.
    #[wasm_bindgen(getter)]
    pub fn missing(&self) -> Option<String> {
        self.missing.clone()
    }

    /// The spans that the request opened, as a JSON array of `{target, name, depth}`.
    #[wasm_bindgen(getter)]
    pub fn spans(&self) -> String {
        serde_json::to_string(&self.answer.spans).unwrap_or_default()
    }
}

/// Runs a future until it is ready. Returns `None` if it waits and was not woken, because a page has
/// no timer or other thread that could wake it later.
fn finish<F: Future>(future: F) -> Option<F::Output> {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    while woken.0.swap(false, Ordering::Relaxed) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

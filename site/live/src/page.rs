//! The session behind a door that JavaScript can open.
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

/// Makes the app of this module's program.
static APP: OnceLock<fn() -> Router> = OnceLock::new();

/// Says which app the sessions of this module ask. The first word counts.
pub fn open(app: fn() -> Router) {
    APP.get_or_init(|| app);
}

/// A session with a program's app, in the page.
#[wasm_bindgen]
pub struct Session(crate::Session);

/// What the app answered.
#[wasm_bindgen]
pub struct Answer(crate::Answer);

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

    /// Starts again with a fresh app.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// Sends a request and returns the answer.
    ///
    /// # Errors
    ///
    /// When the text is no request, or the answer waits for what a page does not have.
    pub fn send(&mut self, request: &str) -> Result<Answer, JsError> {
        match finish(self.0.send(request)) {
            Some(Ok(answer)) => Ok(Answer(answer)),
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
        self.0.status
    }

    /// The answer as it is recorded: a file of exchanges does not keep where a body ends.
    #[wasm_bindgen(getter)]
    pub fn text(&self) -> String {
        self.0.text.trim_end().to_owned()
    }

    /// The spans that the request opened, as a JSON array of `{target, name, depth}`.
    #[wasm_bindgen(getter)]
    pub fn spans(&self) -> String {
        serde_json::to_string(&self.0.spans).unwrap_or_default()
    }
}

/// Runs a future to its end, or gives up when it waits and nothing has woken it: in a
/// page there is no timer and no other thread that still could.
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

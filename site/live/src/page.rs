//! The session behind a door that JavaScript can open.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use wasm_bindgen::prelude::*;

/// A session with a chapter's app, in the page.
#[wasm_bindgen]
pub struct Session(crate::Session);

/// What the app answered.
#[wasm_bindgen]
pub struct Answer(crate::Answer);

#[wasm_bindgen]
impl Session {
    /// A session with a fresh app of the chapter of that name.
    ///
    /// # Errors
    ///
    /// When no chapter of that name has an app.
    #[wasm_bindgen(constructor)]
    pub fn new(chapter: &str) -> Result<Session, JsError> {
        let found = code::chapter(chapter)
            .ok_or_else(|| JsError::new(&format!("no chapter `{chapter}` has an app")))?;
        Ok(Self(crate::Session::new(found)))
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
                "the answer waits for a clock or a thread, which a page does not have",
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

    /// The answer as it is recorded.
    #[wasm_bindgen(getter)]
    pub fn text(&self) -> String {
        self.0.text.clone()
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

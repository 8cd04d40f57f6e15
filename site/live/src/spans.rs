//! The spans that a request opened: its call trace.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

/// A span of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Span {
    /// The module that opened it, such as `shop::services`. The last segment names the layer.
    pub target: String,
    /// Its name, which is the name of the function unless the attribute on it has another one.
    pub name: String,
    /// The number of spans that it is nested in.
    pub depth: usize,
}

/// The crates of the samples. The spans of other crates are left out.
const SAMPLES: [&str; 3] = ["code", "shop", "service"];

/// A subscriber that records which spans were opened, and how they are nested. It does not read a
/// clock, because Rust has none in a page.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    spans: Vec<Span>,
    entered: usize,
}

impl Recorder {
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.recorded().spans.clone()
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        // A panic cannot leave the record half written, so a poisoned lock is no problem.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let krate = metadata.target().split("::").next();
        metadata.is_span() && krate.is_some_and(|krate| SAMPLES.contains(&krate))
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let metadata = attributes.metadata();
        let mut recorded = self.recorded();
        let depth = recorded.entered;
        recorded.spans.push(Span {
            target: metadata.target().to_owned(),
            name: metadata.name().to_owned(),
            depth,
        });
        // An id must not be zero. The list has at least one span here.
        Id::from_u64(recorded.spans.len() as u64)
    }

    fn enter(&self, _: &Id) {
        self.recorded().entered += 1;
    }

    fn exit(&self, _: &Id) {
        let mut recorded = self.recorded();
        recorded.entered = recorded.entered.saturating_sub(1);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}
}

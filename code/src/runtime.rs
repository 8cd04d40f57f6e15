//! The chapter [The runtime](../../src/runtime.md): Tom's bar, which says what it did in which
//! order.

use std::sync::{Mutex, PoisonError};

use axum::{Router, extract::Path, routing::get};
use serde::Deserialize;
use tokio::task::yield_now;
use tracing::instrument;

/// The bar on the day before the counter is built: it makes two drinks, in one way or another.
pub fn app() -> Router {
    Router::new()
        .route("/", get(sign))
        .route("/bar/{way}/{first}/{second}", get(bar))
}

/// What hangs on the door.
#[instrument(skip_all)]
async fn sign() -> &'static str {
    "The bar is open. There is no counter yet."
}

/// How the bar makes two drinks.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Way {
    OneByOne,
    Together,
    Forgotten,
}

/// A drink, by its name in a path.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Drink {
    Espresso,
    FlatWhite,
    Tea,
}

impl Drink {
    fn name(self) -> &'static str {
        match self {
            Self::Espresso => "espresso",
            Self::FlatWhite => "flat white",
            Self::Tea => "tea",
        }
    }

    /// How often its maker has to wait for a machine.
    fn waits(self) -> u32 {
        match self {
            Self::Tea => 1,
            Self::Espresso => 2,
            Self::FlatWhite => 3,
        }
    }
}

/// What happened at the bar, in that order.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Log {
    fn note(&self, drink: Drink, what: &str) {
        let line = format!("{}: {what}", drink.name());
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }

    fn into_text(self) -> String {
        let lines = self.0.into_inner();
        lines.unwrap_or_else(PoisonError::into_inner).join("\n")
    }
}

#[instrument(skip_all)]
async fn bar(Path((way, first, second)): Path<(Way, Drink, Drink)>) -> String {
    let log = Log::default();
    match way {
        Way::OneByOne => one_by_one(first, second, &log).await,
        Way::Together => together(first, second, &log).await,
        Way::Forgotten => forgotten(first, second, &log).await,
    }
    log.into_text()
}

// ANCHOR: make
/// Makes a drink. While a machine works on it, its maker is free for something else.
async fn make(drink: Drink, log: &Log) {
    log.note(drink, "started");
    for _ in 0..drink.waits() {
        yield_now().await; // stands for the machine, since a page has no clock
    }
    log.note(drink, "done");
}
// ANCHOR_END: make

// ANCHOR: one-by-one
async fn one_by_one(first: Drink, second: Drink, log: &Log) {
    make(first, log).await;
    make(second, log).await;
}
// ANCHOR_END: one-by-one

// ANCHOR: together
async fn together(first: Drink, second: Drink, log: &Log) {
    tokio::join!(make(first, log), make(second, log));
}
// ANCHOR_END: together

// ANCHOR: forgotten
async fn forgotten(first: Drink, second: Drink, log: &Log) {
    let _second = make(second, log);
    make(first, log).await;
}
// ANCHOR_END: forgotten

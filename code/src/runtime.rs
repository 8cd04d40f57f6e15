//! The program of the chapter [The runtime](../../src/runtime.md): it prepares two drinks
//! and answers with a log of what happened.

use std::sync::{Mutex, PoisonError};

use axum::{Router, extract::Path, routing::get};
use serde::Deserialize;
use tokio::task::yield_now;
use tracing::instrument;

/// One route: two drinks, prepared in one of four modes.
pub fn app() -> Router {
    Router::new().route("/prepare/{mode}/{first}/{second}", get(prepare_two))
}

/// How the two drinks are prepared.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    NotAwaited,
    Sequential,
    Concurrent,
    FirstDone,
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

    /// How many times this drink has to wait for a machine.
    fn waits(self) -> u32 {
        match self {
            Self::Tea => 1,
            Self::Espresso => 2,
            Self::FlatWhite => 3,
        }
    }
}

/// The steps of one request, from the first to the last.
#[derive(Default)]
struct EventLog(Mutex<Vec<String>>);

impl EventLog {
    fn record(&self, drink: Drink, step: &str) {
        let line = format!("{}: {step}", drink.name());
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }

    fn into_text(self) -> String {
        let lines = self.0.into_inner();
        lines.unwrap_or_else(PoisonError::into_inner).join("\n")
    }
}

#[instrument(skip_all)]
async fn prepare_two(
    Path((mode, first, second)): Path<(Mode, Drink, Drink)>,
) -> String {
    let log = EventLog::default();
    match mode {
        Mode::NotAwaited => not_awaited(first, second, &log).await,
        Mode::Sequential => sequential(first, second, &log).await,
        Mode::Concurrent => concurrent(first, second, &log).await,
        Mode::FirstDone => first_done(first, second, &log).await,
    }
    log.into_text()
}

// ANCHOR: prepare
/// Prepares a drink and records what happens.
async fn prepare(drink: Drink, log: &EventLog) {
    log.record(drink, "started");
    for _ in 0..drink.waits() {
        yield_now().await; // stands for a wait, for example for the coffee machine
    }
    log.record(drink, "done");
}
// ANCHOR_END: prepare

// ANCHOR: not-awaited
async fn not_awaited(first: Drink, second: Drink, log: &EventLog) {
    let _second = prepare(second, log);
    prepare(first, log).await;
}
// ANCHOR_END: not-awaited

// ANCHOR: sequential
async fn sequential(first: Drink, second: Drink, log: &EventLog) {
    prepare(first, log).await;
    prepare(second, log).await;
}
// ANCHOR_END: sequential

// ANCHOR: concurrent
async fn concurrent(first: Drink, second: Drink, log: &EventLog) {
    tokio::join!(prepare(first, log), prepare(second, log));
}
// ANCHOR_END: concurrent

// ANCHOR: first-done
async fn first_done(first: Drink, second: Drink, log: &EventLog) {
    tokio::select! {
        biased; // always begin with the first future
        () = prepare(first, log) => log.record(first, "served"),
        () = prepare(second, log) => log.record(second, "served"),
    }
}
// ANCHOR_END: first-done

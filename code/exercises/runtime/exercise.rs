//! Your turn: prepare drinks concurrently, and keep a blocking call away from other
//! requests. `cargo exercise runtime` tells you which requirements are met.

#![allow(unused)] // until the gaps are filled

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, extract::State, routing::get};
use tokio::task::{JoinError, spawn_blocking, yield_now};

// ANCHOR: complete
// 1. Finished example: a flat white, then a tea.
async fn sequential(log: &EventLog) {
    prepare("flat white", 2, log).await;
    prepare("tea", 1, log).await;
}
// ANCHOR_END: complete

// ANCHOR: gap
// 2. Fill in the gap: the same two drinks, prepared concurrently.
async fn concurrent(log: &EventLog) {
    let flat_white = prepare("flat white", 2, log);
    let tea = prepare("tea", 1, log);
    todo!("await both, so that the tea does not wait for the flat white")
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: `grind(&log)` blocks its thread until the log says that a tea is done. Call
//    `grind` in a way that lets the server answer a request for a tea in the meantime,
//    and return after `grind` has returned.
async fn grind_beans(log: EventLog) -> Result<(), JoinError> {
    todo!("grind the beans")
}
// ANCHOR_END: yours

/// The routes. The chapters on requests and on state explain them.
pub fn app() -> Router {
    Router::new()
        .route(
            "/sequential",
            get(|State(log): State<EventLog>| async move {
                sequential(&log).await;
                log.events()
            }),
        )
        .route(
            "/concurrent",
            get(|State(log): State<EventLog>| async move {
                concurrent(&log).await;
                log.events()
            }),
        )
        .route(
            "/tea",
            get(|State(log): State<EventLog>| async move {
                prepare("tea", 1, &log).await;
                log.events()
            }),
        )
        .route(
            "/grind",
            get(|State(log): State<EventLog>| async move {
                match grind_beans(log.clone()).await {
                    Ok(()) => log.events(),
                    Err(error) => format!("grinding failed: {error}"),
                }
            }),
        )
        .with_state(EventLog::default())
}

/// Prepares a drink, which has to wait for a machine that many times.
async fn prepare(drink: &str, waits: u32, log: &EventLog) {
    log.record(format!("{drink}: started"));
    for _ in 0..waits {
        yield_now().await;
    }
    log.record(format!("{drink}: done"));
}

/// Blocks its thread until a tea is done.
fn grind(log: &EventLog) {
    log.record("beans: started".into());
    log.wait_for("tea: done");
    log.record("beans: done".into());
}

/// How long `grind` waits for a tea. It never comes if `grind` blocks the only thread.
const TEA_TIMEOUT: Duration = Duration::from_secs(3);

/// The events of all requests, from the first to the last. A `Condvar` wakes the threads
/// that wait for an event.
#[derive(Clone, Default)]
struct EventLog(Arc<(Mutex<Vec<String>>, Condvar)>);

impl EventLog {
    fn record(&self, event: String) {
        let (events, changed) = &*self.0;
        let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
        changed.notify_all();
    }

    fn wait_for(&self, event: &str) {
        let (events, changed) = &*self.0;
        let lacks = |events: &mut Vec<String>| !events.iter().any(|it| it == event);
        let events = events.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(events, TEA_TIMEOUT, lacks);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn events(&self) -> String {
        let events = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.join("\n")
    }
}

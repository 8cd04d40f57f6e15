//! Your turn: a bar with a mill. `cargo exercise runtime` says what is met and what is
//! missing.

#![allow(unused)] // until the gaps are filled

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, extract::State, routing::get};
use tokio::task::{JoinError, spawn_blocking, yield_now};

// ANCHOR: complete
// 1. Complete: a flat white, then a tea.
async fn one_by_one(bar: &Bar) {
    make("flat white", 2, bar).await;
    make("tea", 1, bar).await;
}
// ANCHOR_END: complete

// ANCHOR: gap
// 2. With a gap: the same two drinks, made together.
async fn together(bar: &Bar) {
    let flat_white = make("flat white", 2, bar);
    let tea = make("tea", 1, bar);
    todo!("await both, so that the tea does not wait for the flat white")
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: `grind(&bar)` holds its thread until somebody has got a tea. Run it
//    where it holds up nobody, and return when it has ended.
async fn mill(bar: Bar) -> Result<(), JoinError> {
    todo!("grind the beans")
}
// ANCHOR_END: yours

/// The routes; the chapter on requests explains them.
pub fn app() -> Router {
    Router::new()
        .route(
            "/one-by-one",
            get(|State(bar): State<Bar>| async move {
                one_by_one(&bar).await;
                bar.events()
            }),
        )
        .route(
            "/together",
            get(|State(bar): State<Bar>| async move {
                together(&bar).await;
                bar.events()
            }),
        )
        .route(
            "/tea",
            get(|State(bar): State<Bar>| async move {
                make("tea", 1, &bar).await;
                bar.events()
            }),
        )
        .route(
            "/mill",
            get(|State(bar): State<Bar>| async move {
                match mill(bar.clone()).await {
                    Ok(()) => bar.events(),
                    Err(error) => format!("The mill broke: {error}"),
                }
            }),
        )
        .with_state(Bar::default())
}

/// Makes a drink, whose maker waits so often for a machine.
async fn make(drink: &str, waits: u32, bar: &Bar) {
    bar.note(format!("{drink}: started"));
    for _ in 0..waits {
        yield_now().await;
    }
    bar.note(format!("{drink}: done"));
}

/// Grinds beans until somebody has got a tea, and holds its thread until then.
fn grind(bar: &Bar) {
    bar.note("mill: started".into());
    bar.wait_for("tea: done");
    bar.note("mill: done".into());
}

/// How long the mill waits for a tea that never comes, since the mill holds up its maker.
const PATIENCE: Duration = Duration::from_secs(3);

/// What happened at the bar, in that order, and what wakes those who wait for it.
#[derive(Clone, Default)]
struct Bar(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Bar {
    fn note(&self, event: String) {
        let (events, changed) = &*self.0;
        let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
        changed.notify_all();
    }

    fn wait_for(&self, event: &str) {
        let (events, changed) = &*self.0;
        let lacks = |events: &mut Vec<String>| !events.iter().any(|it| it == event);
        let events = events.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(events, PATIENCE, lacks);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn events(&self) -> String {
        let events = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.join("\n")
    }
}

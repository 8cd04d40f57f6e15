//! Your turn: points for customers who come back. `cargo exercise transactions` says what
//! is met and what is missing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

// The third part needs `serde::Deserialize` too.
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::Serialize;
use tokio::task::yield_now;

/// Ada has twelve points and Bo has three.
pub fn app() -> Router {
    let points = [("Ada".to_owned(), 12), ("Bo".to_owned(), 3)];
    let cards = Cards(Arc::new(Mutex::new(points.into())));
    // ANCHOR: routes
    Router::new()
        .route("/cards/{name}", get(show_card))
        .route("/cards/{name}/points", post(collect))
        .route("/cards/{name}/coffee", post(pay))
        // 3. Yours: POST /cards/{name}/gifts
        // ANCHOR_END: routes
        .with_state(cards)
}

#[derive(Serialize)]
struct Card {
    name: String,
    points: u32,
}

type Refusal = (StatusCode, String);

/// Who has how many points.
type Points = BTreeMap<String, u32>;

/// Takes its time, as a database does: before each call, others have their turn.
#[derive(Clone)]
struct Cards(Arc<Mutex<Points>>);

impl Cards {
    async fn points(&self, name: &str) -> Result<u32, Refusal> {
        yield_now().await;
        self.lock().get(name).copied().ok_or_else(|| no_card(name))
    }

    // ANCHOR: transaction
    /// Does all of some work or, when it refuses, nothing of it.
    async fn transaction<T>(
        &self,
        work: impl FnOnce(&mut Points) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        yield_now().await;
        let mut points = self.lock();
        let mut draft = points.clone();
        let done = work(&mut draft)?; // rolls back: the draft is dropped
        *points = draft; // commits
        Ok(done)
    }
    // ANCHOR_END: transaction

    fn lock(&self) -> MutexGuard<'_, Points> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_card(name: &str) -> Refusal {
    (StatusCode::NOT_FOUND, format!("{name} has no card"))
}

async fn show_card(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Result<Json<Card>, Refusal> {
    let points = cards.points(&name).await?;
    Ok(Json(Card { name, points }))
}

// ANCHOR: complete
// 1. Complete: a point for every drink.
async fn collect(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Result<Json<Card>, Refusal> {
    let collect = cards.transaction(|points| {
        let card = points.get_mut(&name).ok_or_else(|| no_card(&name))?;
        *card += 1;
        Ok(*card)
    });
    let points = collect.await?;
    Ok(Json(Card { name, points }))
}
// ANCHOR_END: complete

// ANCHOR: gap
// 2. With a gap: ten points pay for a coffee.
async fn pay(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Result<Json<Card>, Refusal> {
    let pay = cards.transaction(|points| {
        let card = points.get_mut(&name).ok_or_else(|| no_card(&name))?;
        todo!("take ten of the {card} points, or refuse with 409")
    });
    let points = pay.await?;
    Ok(Json(Card { name, points }))
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: points as a present. POST /cards/{name}/gifts takes
//    { "to": "Bo", "points": 5 }.
//    200: given. The body shows the card of the one who gave.
//    404: one of the two has no card.
//    409: there are not so many points on the card.
//    422: a present of no points is none.
//    What is refused changes nothing, and a present to oneself makes nobody richer.
// ANCHOR_END: yours

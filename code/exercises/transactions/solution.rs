//! One way to solve the exercise of the chapter on transactions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
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
        .route("/cards/{name}/gifts", post(give))
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

// A point for every drink.
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

// ANCHOR: gap
// Ten points pay for a coffee.
async fn pay(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Result<Json<Card>, Refusal> {
    let pay = cards.transaction(|points| {
        let card = points.get_mut(&name).ok_or_else(|| no_card(&name))?;
        *card = card.checked_sub(10).ok_or_else(|| too_few(*card))?;
        Ok(*card)
    });
    let points = pay.await?;
    Ok(Json(Card { name, points }))
}
// ANCHOR_END: gap

// ANCHOR: yours
#[derive(Deserialize)]
struct Gift {
    to: String,
    points: u32,
}

async fn give(
    State(cards): State<Cards>,
    Path(name): Path<String>,
    Json(gift): Json<Gift>,
) -> Result<Json<Card>, Refusal> {
    check(&gift)?;
    let give = cards.transaction(|points| {
        let card = points.get_mut(&name).ok_or_else(|| no_card(&name))?;
        *card = card
            .checked_sub(gift.points)
            .ok_or_else(|| too_few(*card))?;
        // When this one is missing, what was taken above is taken back.
        let friend = points.get_mut(&gift.to).ok_or_else(|| no_card(&gift.to))?;
        *friend += gift.points;
        Ok(points[&name])
    });
    let points = give.await?;
    Ok(Json(Card { name, points }))
}
// ANCHOR_END: yours

fn check(gift: &Gift) -> Result<(), Refusal> {
    if gift.points == 0 {
        let reason = "points must be 1 or more".into();
        return Err((StatusCode::UNPROCESSABLE_ENTITY, reason));
    }
    Ok(())
}

fn too_few(points: u32) -> Refusal {
    (
        StatusCode::CONFLICT,
        format!("There are only {points} points"),
    )
}

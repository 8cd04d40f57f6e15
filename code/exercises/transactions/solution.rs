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

/// The status and the body of an error response.
type Error = (StatusCode, String);

/// The points of each customer.
type Points = BTreeMap<String, u32>;

/// The cards of all customers. Each method yields first, as if it waited for a database, so
/// that another request can run in between.
#[derive(Clone)]
struct Cards(Arc<Mutex<Points>>);

impl Cards {
    async fn points(&self, name: &str) -> Result<u32, Error> {
        yield_now().await;
        self.lock().get(name).copied().ok_or_else(|| no_card(name))
    }

    /// Runs `work` on a draft of all cards, and keeps the draft only if `work` succeeds.
    async fn transaction<T>(
        &self,
        work: impl FnOnce(&mut Points) -> Result<T, Error>,
    ) -> Result<T, Error> {
        yield_now().await;
        let mut points = self.lock();
        let mut draft = points.clone();
        let result = work(&mut draft)?; // after an error, the draft is dropped: rollback
        *points = draft; // commit
        Ok(result)
    }

    fn lock(&self) -> MutexGuard<'_, Points> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_card(name: &str) -> Error {
    (StatusCode::NOT_FOUND, format!("{name} has no card"))
}

async fn show_card(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Result<Json<Card>, Error> {
    let points = cards.points(&name).await?;
    Ok(Json(Card { name, points }))
}

// A drink earns one point.
async fn collect(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Result<Json<Card>, Error> {
    let collect = cards.transaction(|points| {
        let card = points.get_mut(&name).ok_or_else(|| no_card(&name))?;
        *card += 1;
        Ok(*card)
    });
    let points = collect.await?;
    Ok(Json(Card { name, points }))
}

// ANCHOR: gap
// A coffee costs ten points.
async fn pay(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Result<Json<Card>, Error> {
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
) -> Result<Json<Card>, Error> {
    check(&gift)?;
    let give = cards.transaction(|points| {
        let card = points.get_mut(&name).ok_or_else(|| no_card(&name))?;
        *card = card
            .checked_sub(gift.points)
            .ok_or_else(|| too_few(*card))?;
        // If the friend has no card, the draft with the subtraction above is dropped.
        let friend = points.get_mut(&gift.to).ok_or_else(|| no_card(&gift.to))?;
        *friend += gift.points;
        Ok(points[&name])
    });
    let points = give.await?;
    Ok(Json(Card { name, points }))
}
// ANCHOR_END: yours

fn check(gift: &Gift) -> Result<(), Error> {
    if gift.points == 0 {
        let reason = "points must be 1 or more".into();
        return Err((StatusCode::UNPROCESSABLE_ENTITY, reason));
    }
    Ok(())
}

fn too_few(points: u32) -> Error {
    (
        StatusCode::CONFLICT,
        format!("There are only {points} points"),
    )
}

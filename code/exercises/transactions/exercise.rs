//! Your turn: customers collect points. `cargo exercise transactions` says which
//! requirements are met and which are missing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

// The third part also needs `serde::Deserialize`.
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
    Router::new()
        .route("/cards/{name}", get(show_card))
        .route("/cards/{name}/points", post(collect))
        .route("/cards/{name}/coffee", post(pay))
        // 3. Yours: POST /cards/{name}/gifts
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

    // ANCHOR: transaction
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
    // ANCHOR_END: transaction

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

// ANCHOR: complete
// 1. Finished example: a drink earns one point.
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
// ANCHOR_END: complete

// ANCHOR: gap
// 2. Fill in the gap: a coffee costs ten points.
async fn pay(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Result<Json<Card>, Error> {
    let pay = cards.transaction(|points| {
        let card = points.get_mut(&name).ok_or_else(|| no_card(&name))?;
        todo!("subtract 10 from the {card} points, or return a 409")
    });
    let points = pay.await?;
    Ok(Json(Card { name, points }))
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: a customer gives points to another customer. POST /cards/{name}/gifts takes
//    { "to": "Bo", "points": 5 }.
//    200: The body is the card of the customer who gave the points.
//    404: One of the two customers has no card. The body names this customer.
//    409: The card has fewer points than the gift.
//    422: The number of points is 0.
//    After an error, no card has changed. A gift to oneself is allowed and changes nothing.
//    (`get_mut` borrows all points mutably, so you can't use the results of two calls at
//    the same time. Change the first card completely before you call `get_mut` for the
//    second one.)
// ANCHOR_END: yours

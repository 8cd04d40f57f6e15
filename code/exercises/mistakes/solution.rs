//! A solution of the exercise of the chapter on common mistakes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};

/// The loyalty cards of Ada and Bo.
pub fn app() -> Router {
    let cards = [("Ada".to_owned(), 12), ("Bo".to_owned(), 9)];
    Router::new()
        .route("/cards/{name}", get(show_card))
        .route("/cards/{name}/stamps", post(add_stamps))
        .route("/cards/{name}/coffee", post(free_coffee))
        .route("/tables/{table}/coffee", post(free_coffee_at_table))
        .with_state(Cards(Arc::new(Mutex::new(HashMap::from(cards)))))
}

/// The stamps of every customer who has a card.
#[derive(Clone)]
struct Cards(Arc<Mutex<HashMap<String, u32>>>);

impl Cards {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        // Each method changes a card in one step. So even if a method panics
        // and poisons the mutex, no card is half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Serialize)]
struct Card {
    stamps: u32,
}

impl Cards {
    fn stamps(&self, name: &str) -> Result<u32, CardError> {
        let stamps = self.lock().get(name).copied();
        stamps.ok_or(CardError::NoCard)
    }
}

async fn show_card(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Result<Json<Card>, CardError> {
    let stamps = cards.stamps(&name)?;
    Ok(Json(Card { stamps }))
}

// ANCHOR: error
enum CardError {
    NoCard,
    WrongCount,
    TooFew,
    NoTable,
}

impl IntoResponse for CardError {
    fn into_response(self) -> Response {
        match self {
            Self::NoCard => (StatusCode::NOT_FOUND, "There is no such card"),
            Self::WrongCount => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "count must be from 1 to 10",
            ),
            Self::TooFew => (StatusCode::CONFLICT, "A coffee costs ten stamps"),
            Self::NoTable => (StatusCode::NOT_FOUND, "There is no such table"),
        }
        .into_response()
    }
}
// ANCHOR_END: error

#[derive(Deserialize)]
struct Stamps {
    count: u32,
}

// ANCHOR: gap
impl Cards {
    fn add(&self, name: &str, count: u32) -> Result<u32, CardError> {
        if !(1..=10).contains(&count) {
            return Err(CardError::WrongCount);
        }
        let mut cards = self.lock();
        let stamps = cards.get_mut(name).ok_or(CardError::NoCard)?;
        *stamps += count;
        Ok(*stamps)
    }
}
// ANCHOR_END: gap

async fn add_stamps(
    State(cards): State<Cards>,
    Path(name): Path<String>,
    Json(new): Json<Stamps>,
) -> Result<Json<Card>, CardError> {
    let stamps = cards.add(&name, new.count)?;
    Ok(Json(Card { stamps }))
}

// ANCHOR: service
impl Cards {
    fn free_coffee(&self, name: &str) -> Result<u32, CardError> {
        let mut cards = self.lock();
        let stamps = cards.get_mut(name).ok_or(CardError::NoCard)?;
        *stamps = stamps.checked_sub(10).ok_or(CardError::TooFew)?;
        Ok(*stamps)
    }
}
// ANCHOR_END: service

// ANCHOR: handlers
async fn free_coffee(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Result<Json<Card>, CardError> {
    let stamps = cards.free_coffee(&name)?;
    Ok(Json(Card { stamps }))
}

#[derive(Deserialize)]
struct Guest {
    name: String,
}

async fn free_coffee_at_table(
    State(cards): State<Cards>,
    Path(table): Path<u32>,
    Json(guest): Json<Guest>,
) -> Result<Json<Card>, CardError> {
    if !(1..=12).contains(&table) {
        return Err(CardError::NoTable);
    }
    let stamps = cards.free_coffee(&guest.name)?;
    Ok(Json(Card { stamps }))
}
// ANCHOR_END: handlers

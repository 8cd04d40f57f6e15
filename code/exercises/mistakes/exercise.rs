//! The exercise of the chapter on common mistakes: loyalty cards. `cargo exercise
//! mistakes` tells you what already works.

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
use serde_json::{Value, json};

/// The loyalty cards of Ada and Bo.
pub fn app() -> Router {
    let cards = [("Ada".to_owned(), 12), ("Bo".to_owned(), 9)];
    // ANCHOR: routes
    Router::new()
        .route("/cards/{name}", get(show_card))
        .route("/cards/{name}/stamps", post(add_stamps))
        .route("/cards/{name}/coffee", post(free_coffee))
        // 3. Yours: POST /tables/{table}/coffee
        // ANCHOR_END: routes
        .with_state(Cards(Arc::new(Mutex::new(HashMap::from(cards)))))
}

// ANCHOR: types
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

/// The body of a response.
#[derive(Serialize)]
struct Card {
    stamps: u32,
}
// ANCHOR_END: types

// ANCHOR: complete
// 1. Finished example: only the service uses the map of cards, and only the
//    handler uses HTTP types.
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
// ANCHOR_END: complete

// ANCHOR: error
/// Why a request fails. Part 2 needs one more variant, and part 3 needs another
/// two.
enum CardError {
    NoCard,
}

impl IntoResponse for CardError {
    fn into_response(self) -> Response {
        match self {
            Self::NoCard => (StatusCode::NOT_FOUND, "There is no such card"),
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
// 2. Fill in the gap: the handler is complete, but `add` isn't. A request can add
//    1 to 10 stamps. For any other count, return a new error, which becomes
//    a 422.
impl Cards {
    fn add(&self, name: &str, count: u32) -> Result<u32, CardError> {
        let mut cards = self.lock();
        let stamps = cards.get_mut(name).ok_or(CardError::NoCard)?;
        todo!("check the {count}, then add it to the {stamps}")
    }
}

async fn add_stamps(
    State(cards): State<Cards>,
    Path(name): Path<String>,
    Json(new): Json<Stamps>,
) -> Result<Json<Card>, CardError> {
    let stamps = cards.add(&name, new.count)?;
    Ok(Json(Card { stamps }))
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: this handler gives a coffee to everyone. Divide it into a service
//    method and a handler. A coffee costs ten stamps. If there is no such card,
//    respond with a 404. If the card has fewer than ten stamps, respond with a
//    409. Then write a second handler, for the tablets, that calls the same
//    service method: the body of POST /tables/{table}/coffee is
//    { "name": "Ada" }. Only tables 1 to 12 exist. For any other table, respond
//    with a 404.
async fn free_coffee(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Json<Value> {
    let mut cards = cards.lock();
    let stamps = cards.entry(name).or_default();
    *stamps = stamps.saturating_sub(10);
    Json(json!({ "stamps": stamps }))
}
// ANCHOR_END: yours

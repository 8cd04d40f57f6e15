//! Your turn: the loyalty cards. `cargo exercise mistakes` says what is met and what is
//! missing.

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

/// A box with two cards.
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

/// The stamps of every customer who has a card.
#[derive(Clone)]
struct Cards(Arc<Mutex<HashMap<String, u32>>>);

impl Cards {
    fn cards(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Serialize)]
struct Card {
    stamps: u32,
}

// ANCHOR: complete
// 1. Complete. The service knows cards, the controller knows HTTP.
impl Cards {
    fn stamps(&self, name: &str) -> Result<u32, CardError> {
        let stamps = self.cards().get(name).copied();
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
/// Why there is no answer. 2 and 3 need another one each.
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
// 2. With a gap. The controller is done, the rule is not: 1 to 10 stamps at once, or 422.
impl Cards {
    fn add(&self, name: &str, count: u32) -> Result<u32, CardError> {
        let mut cards = self.cards();
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
// 3. Yours. This is how it was found: it gives a coffee to whoever asks. Take it apart. A
//    coffee costs ten stamps. 404: there is no such card. 409: it has fewer than ten.
//    Then give the tablets a door to the same rule: POST /tables/{table}/coffee takes
//    { "name": "Ada" } and answers alike.
async fn free_coffee(
    State(cards): State<Cards>,
    Path(name): Path<String>,
) -> Json<Value> {
    let mut cards = cards.cards();
    let stamps = cards.entry(name).or_default();
    *stamps = stamps.saturating_sub(10);
    Json(json!({ "stamps": stamps }))
}
// ANCHOR_END: yours

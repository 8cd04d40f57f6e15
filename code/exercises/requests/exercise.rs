//! Your turn: the tables of the shop. `cargo exercise requests` says what is met and
//! what is missing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

// The third part needs more of these: `routing::post`, `http::header::LOCATION`,
// `response::IntoResponse` and `serde::Deserialize`.
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde::Serialize;

/// A room with three tables, all free.
pub fn app() -> Router {
    let table = |number, seats| Table {
        number,
        seats,
        guest: None,
    };
    let tables = vec![table(1, 2), table(2, 2), table(3, 6)];
    // ANCHOR: routes
    Router::new()
        .route("/tables", get(list_tables))
        .route("/tables/{number}", get(show_table))
        // 3. Yours: POST /tables/{number}/guests
        // ANCHOR_END: routes
        .with_state(Room(Arc::new(Mutex::new(tables))))
}

#[derive(Clone, Serialize)]
struct Table {
    number: u8,
    /// How many people fit.
    seats: u8,
    /// Who sits there.
    guest: Option<String>,
}

#[derive(Clone)]
struct Room(Arc<Mutex<Vec<Table>>>);

impl Room {
    fn tables(&self) -> MutexGuard<'_, Vec<Table>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// ANCHOR: complete
// 1. Complete: the list of the tables.
async fn list_tables(State(room): State<Room>) -> Json<Vec<Table>> {
    Json(room.tables().clone())
}
// ANCHOR_END: complete

// ANCHOR: gap
// 2. With a gap: one table, or 404 and a sentence.
async fn show_table(
    State(room): State<Room>,
    Path(number): Path<u8>,
) -> Result<Json<Table>, (StatusCode, String)> {
    let tables = room.tables();
    let found = tables.iter().find(|table| table.number == number);
    match found {
        Some(table) => Ok(Json(table.clone())),
        None => todo!("answer 404 and say which table is not there"),
    }
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: seat guests. POST /tables/{number}/guests takes { "name": "Ada", "party": 2 }.
//    201: seated. The header location says where the table is, the body shows it.
//    404: there is no such table.
//    409: somebody sits there.
//    422: the name is blank, or the party is nobody or more than the table has seats.
//    Where two of them apply, either will do.
// ANCHOR_END: yours

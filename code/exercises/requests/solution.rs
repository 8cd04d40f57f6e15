//! One way to solve the exercise of the chapter on handling requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header::LOCATION},
    response::IntoResponse,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};

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
        .route("/tables/{number}/guests", post(seat_guests))
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

async fn list_tables(State(room): State<Room>) -> Json<Vec<Table>> {
    Json(room.tables().clone())
}

// ANCHOR: gap
async fn show_table(
    State(room): State<Room>,
    Path(number): Path<u8>,
) -> Result<Json<Table>, (StatusCode, String)> {
    let tables = room.tables();
    let found = tables.iter().find(|table| table.number == number);
    match found {
        Some(table) => Ok(Json(table.clone())),
        None => Err(no_table(number)),
    }
}

fn no_table(number: u8) -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, format!("There is no table {number}"))
}
// ANCHOR_END: gap

// ANCHOR: yours
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guests {
    name: String,
    party: u8,
}

async fn seat_guests(
    State(room): State<Room>,
    Path(number): Path<u8>,
    Json(guests): Json<Guests>,
) -> Result<impl IntoResponse, (StatusCode, String)> {
    let mut tables = room.tables();
    let found = tables.iter_mut().find(|table| table.number == number);
    let table = found.ok_or_else(|| no_table(number))?;
    check(&guests, table)?;
    table.guest = Some(guests.name);
    let location = [(LOCATION, format!("/tables/{number}"))];
    Ok((StatusCode::CREATED, location, Json(table.clone())))
}
// ANCHOR_END: yours

// ANCHOR: check
fn check(guests: &Guests, table: &Table) -> Result<(), (StatusCode, String)> {
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    if guests.name.trim().is_empty() {
        return Err((unprocessable, "name must not be blank".into()));
    }
    if guests.party == 0 || guests.party > table.seats {
        let reason = format!("party must be from 1 to {}", table.seats);
        return Err((unprocessable, reason));
    }
    if table.guest.is_some() {
        let reason = format!("Table {} is taken", table.number);
        return Err((StatusCode::CONFLICT, reason));
    }
    Ok(())
}
// ANCHOR_END: check

//! Your turn: tables and reservations. `cargo exercise requests` checks what you have
//! written, and tells you what is missing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

// For the third part you also need `http::header::LOCATION`, `response::IntoResponse`
// and `routing::post`.
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde::{Deserialize, Serialize};

/// Three tables without reservations.
pub fn app() -> Router {
    Router::new()
        .route("/tables/{number}", get(show_table))
        .route("/reservations/{id}", get(show_reservation))
        // 3. Yours: the route for POST /reservations
        .with_state(Room::new())
}

/// An error response: a status code, and a text that tells the client what is wrong.
type Error = (StatusCode, String);

// ANCHOR: complete-and-gap
// 1. Finished example: return one table, or a 404 whose text contains its number.
async fn show_table(
    State(room): State<Room>,
    Path(number): Path<u32>,
) -> Result<Json<Table>, Error> {
    match room.table(number) {
        Some(table) => Ok(Json(table)),
        None => Err((StatusCode::NOT_FOUND, format!("There is no table {number}"))),
    }
}

// 2. Fill in the gap: return one reservation, or a 404 whose text contains its id.
async fn show_reservation(
    State(room): State<Room>,
    Path(id): Path<u64>,
) -> Result<Json<Reservation>, Error> {
    match room.reservation(id) {
        Some(reservation) => Ok(Json(reservation)),
        None => todo!("return 404 and name the reservation that doesn't exist"),
    }
}
// ANCHOR_END: complete-and-gap

// ANCHOR: yours
// 3. Yours: POST /reservations takes { "table": 3, "name": "Ada", "party": 5 }.
//    201: the table is reserved. Return the reservation, and its path as `location`.
//    409: the table is already reserved.
//    422: the table doesn't exist, the party is 0, or the table has too few seats.
//    `room.reserve(request)` stores a reservation and returns it in a `Some`. If the
//    table is already reserved, it returns `None`. It doesn't check anything else.
// ANCHOR_END: yours

/// A table in the shop.
#[derive(Clone, Serialize)]
struct Table {
    number: u32,
    /// How many people fit.
    seats: u32,
}

/// The body of `POST /reservations`, as the client sends it: not validated yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReservationRequest {
    /// The number of a table.
    table: u32,
    /// The name of the guest.
    name: String,
    /// How many people will come.
    party: u32,
}

/// A reservation that was made.
#[derive(Clone, Serialize)]
struct Reservation {
    id: u64,
    table: u32,
    name: String,
    party: u32,
}

// The tables and the reservations. Nothing is missing here, and the chapter "Shared
// state" explains how it works.

#[derive(Clone)]
struct Room {
    tables: Vec<Table>,
    reservations: Arc<Mutex<Vec<Reservation>>>,
}

impl Room {
    fn new() -> Self {
        let tables = [(1, 2), (2, 2), (3, 6)];
        let tables = tables.map(|(number, seats)| Table { number, seats });
        Self {
            tables: tables.into(),
            reservations: Arc::default(),
        }
    }

    fn table(&self, number: u32) -> Option<Table> {
        let mut tables = self.tables.iter();
        tables.find(|table| table.number == number).cloned()
    }

    fn reservation(&self, id: u64) -> Option<Reservation> {
        let reservations = self.lock();
        let mut reservations = reservations.iter();
        reservations.find(|other| other.id == id).cloned()
    }

    #[allow(dead_code, reason = "the third part calls it")]
    fn reserve(&self, request: ReservationRequest) -> Option<Reservation> {
        let ReservationRequest { table, name, party } = request;
        let mut reservations = self.lock();
        if reservations.iter().any(|other| other.table == table) {
            return None;
        }
        let id = 1 + reservations.len() as u64;
        let reservation = Reservation {
            id,
            table,
            name,
            party,
        };
        reservations.push(reservation.clone());
        Some(reservation)
    }

    /// The reservations, locked until the guard is dropped. A panic can't leave them
    /// half changed, because `push` is the only change.
    fn lock(&self) -> MutexGuard<'_, Vec<Reservation>> {
        let lock = self.reservations.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }
}

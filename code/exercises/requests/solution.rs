//! One solution of the exercise of the chapter on handling requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header::LOCATION},
    response::IntoResponse,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};

/// Three tables without reservations.
pub fn app() -> Router {
    Router::new()
        .route("/tables/{number}", get(show_table))
        .route("/reservations/{id}", get(show_reservation))
        .route("/reservations", post(reserve_table))
        .with_state(Room::new())
}

/// An error response: a status code, and a text that tells the client what is wrong.
type Error = (StatusCode, String);

async fn show_table(
    State(room): State<Room>,
    Path(number): Path<u32>,
) -> Result<Json<Table>, Error> {
    match room.table(number) {
        Some(table) => Ok(Json(table)),
        None => Err((StatusCode::NOT_FOUND, format!("There is no table {number}"))),
    }
}

// ANCHOR: gap
async fn show_reservation(
    State(room): State<Room>,
    Path(id): Path<u64>,
) -> Result<Json<Reservation>, Error> {
    match room.reservation(id) {
        Some(reservation) => Ok(Json(reservation)),
        None => {
            let message = format!("There is no reservation {id}");
            Err((StatusCode::NOT_FOUND, message))
        }
    }
}
// ANCHOR_END: gap

// ANCHOR: yours
async fn reserve_table(
    State(room): State<Room>,
    Json(request): Json<ReservationRequest>,
) -> Result<impl IntoResponse, Error> {
    let number = request.table;
    let Some(table) = room.table(number) else {
        let message =
            format!("table must be an existing table, and {number} isn't");
        return Err((StatusCode::UNPROCESSABLE_ENTITY, message));
    };
    if !(1..=table.seats).contains(&request.party) {
        let message = format!("party must be from 1 to {}", table.seats);
        return Err((StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    let Some(reservation) = room.reserve(request) else {
        let message = format!("Table {number} is reserved already");
        return Err((StatusCode::CONFLICT, message));
    };
    let location = format!("/reservations/{}", reservation.id);
    Ok((
        StatusCode::CREATED,
        [(LOCATION, location)],
        Json(reservation),
    ))
}
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

// The tables and the reservations, as the exercise has them.

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

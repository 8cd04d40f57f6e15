//! Your turn: customers reserve tables. `cargo exercise permissions` says which requirements
//! are met and which are missing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

// The third part also needs `extract::Path`.
use axum::{
    Json, Router,
    extract::{FromRequestParts, State},
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
    routing::get,
};
use serde::Serialize;

/// Ada has reservation 1, Bo has 2, and Tom, who is a barista, has 3.
pub fn app() -> Router {
    let reservations = [("Ada", 4), ("Bo", 7), ("Tom", 2)];
    let reservations = (1..).zip(reservations).map(|(id, (customer, table))| {
        let reservation = Reservation {
            id,
            customer,
            table,
        };
        (id, reservation)
    });
    let reservations = Reservations(Arc::new(Mutex::new(reservations.collect())));
    Router::new()
        .route("/reservations", get(own_reservations))
        .route("/reservations/all", get(all_reservations))
        // 3. Yours: GET and DELETE /reservations/{id}
        .with_state(reservations)
}

// ANCHOR: person
/// Somebody who has signed in.
#[derive(Clone, Copy)]
struct Person {
    name: &'static str,
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Customer,
    Barista,
}

/// A table that a customer has reserved.
#[derive(Clone, Serialize)]
struct Reservation {
    id: u32,
    /// The name of the person who made the reservation.
    customer: &'static str,
    table: u32,
}
// ANCHOR_END: person

/// The status and the body of an error response.
type Error = (StatusCode, &'static str);

/// The reservations by their ids.
#[derive(Clone)]
struct Reservations(Arc<Mutex<BTreeMap<u32, Reservation>>>);

impl Reservations {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Reservation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// ANCHOR: complete
// 1. Finished example: an extractor for everybody who has signed in.
struct SignedIn(Person);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let header = parts.headers.get(AUTHORIZATION);
        header
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .and_then(authenticate)
            .map(Self)
            .ok_or((StatusCode::UNAUTHORIZED, "Send a valid token"))
    }
}

async fn own_reservations(
    State(reservations): State<Reservations>,
    SignedIn(person): SignedIn,
) -> Json<Vec<Reservation>> {
    let reservations = reservations.lock();
    let own = reservations.values().filter(|r| r.customer == person.name);
    Json(own.cloned().collect())
}
// ANCHOR_END: complete

/// In this exercise, a token is a name in lower case, so it protects nothing.
fn authenticate(token: &str) -> Option<Person> {
    let (name, role) = match token {
        "ada" => ("Ada", Role::Customer),
        "bo" => ("Bo", Role::Customer),
        "tom" => ("Tom", Role::Barista),
        _ => return None,
    };
    Some(Person { name, role })
}

// ANCHOR: gap
// 2. Fill in the gap: an extractor for baristas. Without a valid token, the
// response is a 401, and for a customer, it's a 403.
struct Barista;

impl<S: Send + Sync> FromRequestParts<S> for Barista {
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Self, Error> {
        let SignedIn(person) = SignedIn::from_request_parts(parts, state).await?;
        todo!("look at the role: {:?}", person.role)
    }
}

async fn all_reservations(
    State(reservations): State<Reservations>,
    _: Barista,
) -> Json<Vec<Reservation>> {
    Json(reservations.lock().values().cloned().collect())
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: GET and DELETE /reservations/{id}, for one reservation. The person
// who made it and all baristas can see it, but only that person can delete it.
//
// Both methods respond with
// - 401 if the request has no valid token,
// - 404 if there's no such reservation, or if this person can't see it. The
//   text is the same in both cases.
//
// GET also responds with
// - 200, and the reservation.
//
// DELETE also responds with
// - 204 after it has deleted the reservation,
// - 403 if this person can see the reservation, but didn't make it.
// ANCHOR_END: yours

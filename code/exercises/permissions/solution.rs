//! One way to solve the exercise of the chapter on permissions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, State},
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
    // ANCHOR: routes
    Router::new()
        .route("/reservations", get(own_reservations))
        .route("/reservations/all", get(all_reservations))
        .route("/reservations/{id}", get(show).delete(remove))
        // ANCHOR_END: routes
        .with_state(reservations)
}

/// Somebody who has signed in.
#[derive(Clone, Copy)]
struct Person {
    name: &'static str,
    role: Role,
}

#[derive(Clone, Copy, PartialEq, Eq)]
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

// An extractor for everybody who has signed in.
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
// An extractor for baristas: a 401 without a valid token, a 403 for a customer.
struct Barista;

impl<S: Send + Sync> FromRequestParts<S> for Barista {
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Self, Error> {
        let SignedIn(person) = SignedIn::from_request_parts(parts, state).await?;
        match person.role {
            Role::Barista => Ok(Self),
            Role::Customer => Err((StatusCode::FORBIDDEN, "Only for baristas")),
        }
    }
}
// ANCHOR_END: gap

async fn all_reservations(
    State(reservations): State<Reservations>,
    _: Barista,
) -> Json<Vec<Reservation>> {
    Json(reservations.lock().values().cloned().collect())
}

// ANCHOR: find
/// The reservation, if there is one and the person can see it.
fn find(
    reservations: &BTreeMap<u32, Reservation>,
    id: u32,
    person: Person,
) -> Result<&Reservation, Error> {
    reservations
        .get(&id)
        .filter(|found| {
            found.customer == person.name || person.role == Role::Barista
        })
        .ok_or((StatusCode::NOT_FOUND, "There is no such reservation"))
}
// ANCHOR_END: find

// ANCHOR: yours
async fn show(
    State(reservations): State<Reservations>,
    SignedIn(person): SignedIn,
    Path(id): Path<u32>,
) -> Result<Json<Reservation>, Error> {
    let reservations = reservations.lock();
    find(&reservations, id, person).map(|found| Json(found.clone()))
}

async fn remove(
    State(reservations): State<Reservations>,
    SignedIn(person): SignedIn,
    Path(id): Path<u32>,
) -> Result<StatusCode, Error> {
    let mut reservations = reservations.lock();
    // Check for the 404 first. Otherwise, a 403 would reveal that the reservation
    // exists.
    if find(&reservations, id, person)?.customer != person.name {
        return Err((StatusCode::FORBIDDEN, "It's somebody else's"));
    }
    reservations.remove(&id);
    Ok(StatusCode::NO_CONTENT)
}
// ANCHOR_END: yours

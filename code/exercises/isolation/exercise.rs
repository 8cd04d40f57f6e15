//! Your turn: transactions that are tried again. `cargo exercise isolation` says which
//! requirements are met and which are missing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::Serialize;
use tokio::task::yield_now;

/// `PUT /errors` plans the errors of the database, and `GET /log` says what was done with it.
pub fn app() -> Router {
    Router::new()
        .route("/errors", put(plan))
        .route("/log", get(log))
        .route("/sales/tea", post(sell_tea))
        .route("/sales/croissant", post(sell_croissant))
        // 3. Yours: POST /refunds
        .with_state(Database::default())
}

/// How often a transaction is tried before its client gets an error.
const ATTEMPTS: u32 = 5;

// ANCHOR: error
/// Why a transaction has failed. PostgreSQL has rolled it back.
#[derive(Clone, Copy)]
enum Error {
    /// 40001 or 40P01: another attempt may succeed.
    Serialization,
    /// 23514: the new row violates a `CHECK` constraint, so every attempt
    /// fails.
    Check,
}
// ANCHOR_END: error

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Serialization => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                (status, [(RETRY_AFTER, "1")]).into_response()
            }
            Self::Check => StatusCode::CONFLICT.into_response(),
        }
    }
}

/// A stand-in for a database. It fails as planned, and records what a handler does.
#[derive(Clone, Default)]
struct Database(Arc<Mutex<Record>>);

#[derive(Clone, Default, Serialize)]
struct Record {
    #[serde(skip)]
    planned: VecDeque<Error>,
    transactions: u32,
    pauses: Vec<u128>,
    messages: u32,
}

// ANCHOR: database
#[allow(dead_code)] // Your parts will call `sleep` and `send_message`.
impl Database {
    /// Runs a whole transaction, from `BEGIN` to `COMMIT`.
    async fn transaction(&self) -> Result<(), Error> {
        yield_now().await;
        let mut record = self.record();
        record.transactions += 1;
        record.planned.pop_front().map_or(Ok(()), Err)
    }

    /// Stands in for `tokio::time::sleep`. It only records the time, so that
    /// `cargo exercise` doesn't have to wait.
    async fn sleep(&self, time: Duration) {
        yield_now().await;
        self.record().pauses.push(time.as_millis());
    }

    /// Tells the customer that the refund is on its way.
    async fn send_message(&self) {
        yield_now().await;
        self.record().messages += 1;
    }
    // ANCHOR_END: database

    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body has the codes of the errors. Each of the next transactions fails with one of them.
async fn plan(State(database): State<Database>, codes: String) {
    let error = |code| match code {
        "23514" => Error::Check,
        _ => Error::Serialization,
    };
    database.record().planned = codes.split_whitespace().map(error).collect();
}

async fn log(State(database): State<Database>) -> Json<Record> {
    Json(database.record().clone())
}

// ANCHOR: complete
// 1. Finished example: after a serialization failure, the transaction is retried
//    at once.
async fn sell_tea(State(database): State<Database>) -> Result<StatusCode, Error> {
    for _ in 1..ATTEMPTS {
        match database.transaction().await {
            Err(Error::Serialization) => {}
            result => return result.map(|()| StatusCode::CREATED),
        }
    }
    database.transaction().await?;
    Ok(StatusCode::CREATED)
}
// ANCHOR_END: complete

// ANCHOR: gap
// 2. Fill in the gap: before each new attempt, the handler sleeps. The first pause lasts
//    10 milliseconds, and each later pause lasts twice as long as the one before.
async fn sell_croissant(
    State(database): State<Database>,
) -> Result<StatusCode, Error> {
    let pause = Duration::from_millis(10);
    for _ in 1..ATTEMPTS {
        match database.transaction().await {
            Err(Error::Serialization) => {
                todo!("sleep for {pause:?}, and double the pause")
            }
            result => return result.map(|()| StatusCode::CREATED),
        }
    }
    database.transaction().await?;
    Ok(StatusCode::CREATED)
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: POST /refunds makes up to five attempts, with the same pauses. In
//    addition, it calls `send_message` to tell the customer that the refund is on
//    its way, because the refund may take a few days to arrive.
//    204: The transaction was committed, and one message was sent.
//    409 or 503: The transaction has failed, as in the other handlers. No message
//    was sent.
// ANCHOR_END: yours

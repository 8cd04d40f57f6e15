//! One way to solve the exercise of the chapter on transactions in PostgreSQL.

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
    // ANCHOR: routes
    Router::new()
        .route("/errors", put(plan))
        .route("/log", get(log))
        .route("/sales/tea", post(sell_tea))
        .route("/sales/croissant", post(sell_croissant))
        .route("/refunds", post(refund))
        // ANCHOR_END: routes
        .with_state(Database::default())
}

/// How often a transaction is tried before its client gets an error.
const ATTEMPTS: u32 = 5;

/// Why a transaction has failed. PostgreSQL has rolled it back.
#[derive(Clone, Copy)]
enum Error {
    /// 40001 or 40P01: another attempt may succeed.
    Serialization,
    /// 23514: the new row breaks a `CHECK` of the table, and another attempt would, too.
    Check,
}

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

impl Database {
    /// Runs a whole transaction, from `BEGIN` to `COMMIT`.
    async fn transaction(&self) -> Result<(), Error> {
        yield_now().await;
        let mut record = self.record();
        record.transactions += 1;
        record.planned.pop_front().map_or(Ok(()), Err)
    }

    /// Stands in for `tokio::time::sleep`. It only records the time, so that `cargo
    /// exercise` doesn't have to wait.
    async fn sleep(&self, time: Duration) {
        yield_now().await;
        self.record().pauses.push(time.as_millis());
    }

    /// Tells the customer that the refund is on its way.
    async fn send_message(&self) {
        yield_now().await;
        self.record().messages += 1;
    }

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

// After a serialization failure, the transaction is retried at once.
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

// ANCHOR: gap
async fn sell_croissant(
    State(database): State<Database>,
) -> Result<StatusCode, Error> {
    with_retries(&database).await?;
    Ok(StatusCode::CREATED)
}

async fn with_retries(database: &Database) -> Result<(), Error> {
    let mut pause = Duration::from_millis(10);
    for _ in 1..ATTEMPTS {
        match database.transaction().await {
            Err(Error::Serialization) => {
                database.sleep(pause).await;
                pause *= 2;
            }
            result => return result,
        }
    }
    database.transaction().await
}
// ANCHOR_END: gap

// ANCHOR: yours
async fn refund(State(database): State<Database>) -> Result<StatusCode, Error> {
    with_retries(&database).await?;
    database.send_message().await;
    Ok(StatusCode::NO_CONTENT)
}
// ANCHOR_END: yours

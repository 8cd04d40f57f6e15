//! Your turn: the shelf. `cargo exercise data` says what is met and what is missing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

// You need more of these: `rusqlite::OptionalExtension`, `axum::routing::post` and
// `serde::Deserialize`.
use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use code::data::repository::StorageError;
use code::legacy::{Item, Refusal, opening_menu};
use rusqlite::{Connection, params};
use serde::Serialize;
use tokio::task::spawn_blocking;

/// The same shelf twice: one in memory, one in a database. Both answer alike.
pub fn app() -> Router {
    Router::new()
        .nest("/memory", routes(Arc::new(Memory::new())))
        .nest("/sqlite", routes(Arc::new(Sqlite::new())))
}

// ANCHOR: routes
fn routes(shelf: Arc<dyn Shelf>) -> Router {
    Router::new()
        .route("/stock", get(count))
        .route("/stock/{id}", get(show))
        // 3. Yours: POST /stock/{id}/deliveries
        .with_state(shelf)
}

#[async_trait]
trait Shelf: Send + Sync {
    /// How many things lie there, of all kinds.
    async fn total(&self) -> Result<u32, StorageError>;

    /// How many are left of one. `None` when the shop does not have it.
    async fn stock(&self, id: &str) -> Result<Option<u32>, StorageError>;

    // 3. Yours: a method that adds a delivery
}
// ANCHOR_END: routes

// ANCHOR: complete
// 1. Complete: everything is counted, in both.
#[async_trait]
impl Shelf for Memory {
    async fn total(&self) -> Result<u32, StorageError> {
        Ok(self.items().iter().map(|item| item.stock).sum())
    }

    async fn stock(&self, id: &str) -> Result<Option<u32>, StorageError> {
        let items = self.items();
        let item = items.iter().find(|item| item.id == id);
        Ok(item.map(|item| item.stock))
    }
}
// ANCHOR_END: complete

// ANCHOR: gap
#[async_trait]
impl Shelf for Sqlite {
    async fn total(&self) -> Result<u32, StorageError> {
        let sql = "SELECT sum(stock) FROM items";
        self.run(move |connection| connection.query_one(sql, [], |row| row.get(0)))
            .await
    }

    // 2. With a gap: how many are left of one.
    async fn stock(&self, id: &str) -> Result<Option<u32>, StorageError> {
        let id = id.to_owned(); // the work may outlive the borrow
        todo!("SELECT it for {id}; `OptionalExtension` turns no row into a `None`")
    }
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: the van has come. POST /stock/{id}/deliveries takes { "quantity": 12 }.
//    200: they lie on the shelf. The body is that of GET /stock/{id}.
//    404: the shop has no such thing.
//    422: the quantity is not from 1 to 100.
//    It takes a method of the trait, once for each repository, and one controller.
// ANCHOR_END: yours

async fn count(State(shelf): State<Arc<dyn Shelf>>) -> Result<Json<u32>, Refusal> {
    Ok(Json(shelf.total().await.map_err(out_of_reach)?))
}

async fn show(
    State(shelf): State<Arc<dyn Shelf>>,
    Path(id): Path<String>,
) -> Result<Json<Stock>, Refusal> {
    let stock = shelf.stock(&id).await.map_err(out_of_reach)?;
    let stock = stock.ok_or_else(|| unknown(&id))?;
    Ok(Json(Stock { id, stock }))
}

/// How many are left of one.
#[derive(Serialize)]
struct Stock {
    id: String,
    stock: u32,
}

fn unknown(id: &str) -> Refusal {
    (StatusCode::NOT_FOUND, format!("The shop has no {id}"))
}

fn out_of_reach(_: StorageError) -> Refusal {
    let reason = "The shelf is out of reach".into();
    (StatusCode::INTERNAL_SERVER_ERROR, reason)
}

struct Memory(Mutex<Vec<Item>>);

impl Memory {
    fn new() -> Self {
        Self(Mutex::new(opening_menu()))
    }

    fn items(&self) -> MutexGuard<'_, Vec<Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Sqlite(Arc<Mutex<Connection>>);

impl Sqlite {
    fn new() -> Self {
        let connection = stocked().expect("a database in memory needs no file");
        Self(Arc::new(Mutex::new(connection)))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let connection = Arc::clone(&self.0);
        let done = spawn_blocking(move || {
            work(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let result = done.await.map_err(StorageError::new)?;
        result.map_err(StorageError::new)
    }
}

fn stocked() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(
        "CREATE TABLE items (id TEXT PRIMARY KEY, stock INTEGER NOT NULL) STRICT",
    )?;
    for item in opening_menu() {
        let row = params![item.id, item.stock];
        connection.execute("INSERT INTO items VALUES (?1, ?2)", row)?;
    }
    Ok(connection)
}

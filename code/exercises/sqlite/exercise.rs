//! Your turn: a delivery increases the stock, in memory and in SQLite.
//! `cargo exercise sqlite` says which requirements are met and which are missing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

// The second and the third part need more of these: `rusqlite::OptionalExtension`,
// `axum::routing::post`, `serde::Deserialize` and `shop::model::FieldError`.
use async_trait::async_trait;
use axum::{Router, extract::State, routing::get};
use rusqlite::{Connection, params};
use serde::Serialize;
use shop::error::Error;
use shop::extract::{Json, Path};
use shop::model::{Item, ShopError, opening_menu};
use shop::repository::RepositoryError;
use tokio::task::spawn_blocking;

/// The same routes twice: with the stock in memory, and with the stock in a database.
pub fn app() -> Router {
    Router::new()
        .nest("/memory", routes(Arc::new(Memory::new())))
        .nest("/sqlite", routes(Arc::new(Sqlite::new())))
}

// ANCHOR: routes
fn routes(repository: Arc<dyn StockRepository>) -> Router {
    Router::new()
        .route("/stock", get(show_total))
        .route("/stock/{id}", get(show_stock))
        // 3. Yours: POST /stock/{id}/deliveries
        .with_state(repository)
}

#[async_trait]
trait StockRepository: Send + Sync {
    /// The total stock of all items.
    async fn total(&self) -> Result<u32, RepositoryError>;

    /// The stock of this item. `None` means that there is no such item.
    async fn stock(&self, id: &str) -> Result<Option<u32>, RepositoryError>;

    // 3. Yours: a method that adds a delivery
}
// ANCHOR_END: routes

// ANCHOR: complete
// 1. Finished example: the repository in memory.
#[async_trait]
impl StockRepository for Memory {
    async fn total(&self) -> Result<u32, RepositoryError> {
        Ok(self.items().iter().map(|item| item.stock).sum())
    }

    async fn stock(&self, id: &str) -> Result<Option<u32>, RepositoryError> {
        let items = self.items();
        let item = items.iter().find(|item| item.id.as_str() == id);
        Ok(item.map(|item| item.stock))
    }
}
// ANCHOR_END: complete

// ANCHOR: gap
#[async_trait]
impl StockRepository for Sqlite {
    async fn total(&self) -> Result<u32, RepositoryError> {
        let sql = "SELECT coalesce(sum(stock), 0) FROM items";
        self.run(move |connection| connection.query_one(sql, [], |row| row.get(0)))
            .await
    }

    // 2. Fill in the gap: return how many of this item are left.
    async fn stock(&self, id: &str) -> Result<Option<u32>, RepositoryError> {
        let id = id.to_owned(); // a closure for another thread can't borrow
        todo!(
            "SELECT the stock of {id}. If there is no row, `optional()` returns `None`"
        )
    }
}
// ANCHOR_END: gap

// ANCHOR: yours
// 3. Yours: POST /stock/{id}/deliveries takes { "quantity": 12 } and increases the stock.
//    200: the delivery is stored. The body is the same as that of GET /stock/{id}.
//    404: there is no such item.
//    422: the quantity is less than 1 or more than 100. `Error::invalid_body`
//    turns a list of `FieldError`s into this error.
//    Write a method of the trait, implement it twice, and write a handler.
// ANCHOR_END: yours

async fn show_total(
    State(repository): State<Arc<dyn StockRepository>>,
) -> Result<Json<u32>, Error> {
    // An `Error` logs its cause when it becomes a response.
    let total = repository.total().await?;
    Ok(Json(total))
}

async fn show_stock(
    State(repository): State<Arc<dyn StockRepository>>,
    Path(id): Path<String>,
) -> Result<Json<Stock>, Error> {
    let stock = repository.stock(&id).await?;
    let stock = stock.ok_or_else(|| unknown_item(&id))?;
    Ok(Json(Stock { id, stock }))
}

/// The stock of an item.
#[derive(Serialize)]
struct Stock {
    id: String,
    stock: u32,
}

fn unknown_item(id: &str) -> Error {
    RepositoryError::from(ShopError::UnknownItem(id.into())).into()
}

struct Memory(Mutex<Vec<Item>>);

impl Memory {
    fn new() -> Self {
        Self(Mutex::new(opening_menu()))
    }

    fn items(&self) -> MutexGuard<'_, Vec<Item>> {
        // No method panics between two changes, so the menu is in order even if the
        // mutex is poisoned.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Sqlite(Arc<Mutex<Connection>>);

impl Sqlite {
    fn new() -> Self {
        let connection =
            new_database().expect("a database in memory needs no file");
        Self(Arc::new(Mutex::new(connection)))
    }

    // ANCHOR: run
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        let connection = Arc::clone(&self.0);
        let done = spawn_blocking(move || {
            work(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        let result = done.await.map_err(|e| RepositoryError::Storage(e.into()))?;
        Ok(result?) // `RepositoryError` implements `From<rusqlite::Error>`
    }
    // ANCHOR_END: run
}

fn new_database() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(
        "CREATE TABLE items (id TEXT PRIMARY KEY, stock INTEGER NOT NULL) STRICT",
    )?;
    for item in opening_menu() {
        let row = params![item.id.as_str(), item.stock];
        connection.execute("INSERT INTO items VALUES (?1, ?2)", row)?;
    }
    Ok(connection)
}

//! One way to solve the exercise of the chapter on SQLite.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use shop::error::Error;
use shop::extract::{Json, Path};
use shop::model::{FieldError, Item, ShopError, opening_menu};
use shop::repository::RepositoryError;
use tokio::task::spawn_blocking;

/// The same routes twice: with the stock in memory, and with the stock in a database.
pub fn app() -> Router {
    Router::new()
        .nest("/memory", routes(Arc::new(Memory::new())))
        .nest("/sqlite", routes(Arc::new(Sqlite::new())))
}

fn routes(repository: Arc<dyn StockRepository>) -> Router {
    Router::new()
        .route("/stock", get(show_total))
        .route("/stock/{id}", get(show_stock))
        .route("/stock/{id}/deliveries", post(post_delivery))
        .with_state(repository)
}

#[async_trait]
trait StockRepository: Send + Sync {
    /// The total stock of all items.
    async fn total(&self) -> Result<u32, RepositoryError>;

    /// The stock of this item. `None` means that there is no such item.
    async fn stock(&self, id: &str) -> Result<Option<u32>, RepositoryError>;

    /// Increases the stock of this item, and returns how many there are now.
    async fn deliver(
        &self,
        id: &str,
        quantity: u32,
    ) -> Result<Option<u32>, RepositoryError>;
}

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

    // ANCHOR: memory
    async fn deliver(
        &self,
        id: &str,
        quantity: u32,
    ) -> Result<Option<u32>, RepositoryError> {
        let mut items = self.items();
        let item = items.iter_mut().find(|item| item.id.as_str() == id);
        Ok(item.map(|item| {
            item.stock += quantity;
            item.stock
        }))
    }
    // ANCHOR_END: memory
}

#[async_trait]
impl StockRepository for Sqlite {
    async fn total(&self) -> Result<u32, RepositoryError> {
        let sql = "SELECT coalesce(sum(stock), 0) FROM items";
        self.run(move |connection| connection.query_one(sql, [], |row| row.get(0)))
            .await
    }

    // ANCHOR: sqlite
    async fn stock(&self, id: &str) -> Result<Option<u32>, RepositoryError> {
        let id = id.to_owned();
        self.run(move |connection| {
            let sql = "SELECT stock FROM items WHERE id = ?1";
            connection.query_one(sql, [id], |row| row.get(0)).optional()
        })
        .await
    }

    async fn deliver(
        &self,
        id: &str,
        quantity: u32,
    ) -> Result<Option<u32>, RepositoryError> {
        let values = (id.to_owned(), quantity);
        self.run(move |connection| {
            let sql =
                "UPDATE items SET stock = stock + ?2 WHERE id = ?1 RETURNING stock";
            connection
                .query_one(sql, values, |row| row.get(0))
                .optional()
        })
        .await
    }
    // ANCHOR_END: sqlite
}

// ANCHOR: handler
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delivery {
    quantity: u32,
}

async fn post_delivery(
    State(repository): State<Arc<dyn StockRepository>>,
    Path(id): Path<String>,
    Json(Delivery { quantity }): Json<Delivery>,
) -> Result<Json<Stock>, Error> {
    if !(1..=100).contains(&quantity) {
        let mistake = FieldError {
            field: "quantity",
            reason: "must be from 1 to 100",
        };
        return Err(Error::invalid_body(vec![mistake]));
    }
    let stock = repository.deliver(&id, quantity).await?;
    let stock = stock.ok_or_else(|| unknown_item(&id))?;
    Ok(Json(Stock { id, stock }))
}
// ANCHOR_END: handler

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

//! The books in a SQLite database.
//!
//! SQLite answers while the caller waits: its calls block. So they run on the threads that
//! Tokio keeps for blocking work, and never hold up other requests.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use rusqlite_migration::{M, Migrations};
use tokio::task::spawn_blocking;
use tracing::instrument;

use super::repository::{Repository, Sale, StorageError};
use crate::requests::{Item, Order, opening_menu};

/// What brings a database of any age to the present one, in this order. What has been
/// published is never changed: a change is one more entry.
const STEPS: &[M<'_>] = &[M::up(include_str!("../../migrations/1-shop.sql"))];
const MIGRATIONS: Migrations<'_> = Migrations::from_slice(STEPS);

// ANCHOR: sqlite
/// A database file, behind one connection.
pub struct Sqlite {
    connection: Arc<Mutex<Connection>>,
}
// ANCHOR_END: sqlite

impl Sqlite {
    /// Opens a database, makes it where there is none, and brings it up to date.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written, is no SQLite database, or is newer than
    /// this program.
    pub fn open(file: &Path) -> Result<Self, StorageError> {
        let connection = connect(file)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Runs blocking work on a thread for it.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let connection = Arc::clone(&self.connection);
        let done = spawn_blocking(move || {
            let connection =
                connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&connection)
        });
        done.await
            .map_err(StorageError::new)?
            .map_err(StorageError::new)
    }

    /// Writes down how many of an item are left.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn set_stock(
        &self,
        id: &str,
        stock: u32,
    ) -> Result<(), StorageError> {
        let id = id.to_owned();
        self.run(move |connection| set_stock(connection, &id, stock))
            .await
    }

    /// Writes an order down and gives it a number.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn insert_order(&self, sale: Sale) -> Result<Order, StorageError> {
        self.run(move |connection| insert_order(connection, sale))
            .await
    }
}

#[async_trait]
impl Repository for Sqlite {
    #[instrument(skip_all)]
    async fn menu(
        &self,
        max_price: Option<u32>,
    ) -> Result<Vec<Item>, StorageError> {
        self.run(move |connection| menu(connection, max_price))
            .await
    }

    #[instrument(skip_all)]
    async fn item(&self, id: &str) -> Result<Option<Item>, StorageError> {
        let id = id.to_owned();
        self.run(move |connection| item(connection, &id)).await
    }

    #[instrument(skip_all)]
    async fn order(&self, id: u64) -> Result<Option<Order>, StorageError> {
        self.run(move |connection| order(connection, id)).await
    }

    #[instrument(skip_all)]
    async fn place_order(&self, sale: Sale) -> Result<Option<Order>, StorageError> {
        let Some(item) = self.item(&sale.item).await? else {
            return Ok(None);
        };
        let Some(left) = item.stock.checked_sub(sale.quantity) else {
            return Ok(None);
        };
        self.set_stock(&item.id, left).await?;
        self.insert_order(sale).await.map(Some)
    }
}

/// A connection to a database that is up to date.
pub(crate) fn connect(file: &Path) -> Result<Connection, StorageError> {
    let mut connection = Connection::open(file).map_err(StorageError::new)?;
    configure(&connection).map_err(StorageError::new)?;
    MIGRATIONS
        .to_latest(&mut connection)
        .map_err(StorageError::new)?;
    stock_up(&connection).map_err(StorageError::new)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // Readers do not wait for a writer, nor a writer for readers.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // An order that was answered survives a power cut. `NORMAL` is faster, and may lose
    // the last ones.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // SQLite checks references only when it is told to.
    connection.pragma_update(None, "foreign_keys", "ON")
}

/// A new shop opens with the opening menu.
fn stock_up(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO items VALUES (?1, ?2, ?3, ?4)";
    for item in opening_menu() {
        connection.execute(
            sql,
            params![item.id, item.name, item.price_cents, item.stock],
        )?;
    }
    Ok(())
}

pub(crate) fn menu(
    connection: &Connection,
    max_price: Option<u32>,
) -> rusqlite::Result<Vec<Item>> {
    let sql = "SELECT * FROM items WHERE price_cents <= ?1 ORDER BY rowid";
    let mut statement = connection.prepare_cached(sql)?;
    let items = statement.query_map([max_price.unwrap_or(u32::MAX)], read_item)?;
    items.collect()
}

pub(crate) fn item(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Option<Item>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM items WHERE id = ?1")?;
    statement.query_row([id], read_item).optional()
}

pub(crate) fn order(
    connection: &Connection,
    id: u64,
) -> rusqlite::Result<Option<Order>> {
    // SQLite's integers are signed: what is past them is no number of an order.
    let Ok(id) = i64::try_from(id) else {
        return Ok(None);
    };
    let mut statement =
        connection.prepare_cached("SELECT * FROM orders WHERE id = ?1")?;
    statement.query_row([id], read_order).optional()
}

pub(crate) fn set_stock(
    connection: &Connection,
    id: &str,
    stock: u32,
) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE items SET stock = ?2 WHERE id = ?1")?;
    statement.execute(params![id, stock]).map(drop)
}

pub(crate) fn insert_order(
    connection: &Connection,
    sale: Sale,
) -> rusqlite::Result<Order> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO orders
             (customer, item, quantity, note, table_number, total_cents, placed_at)
         VALUES
             (:customer, :item, :quantity, :note, :table, :total_cents, :placed_at)
         RETURNING id",
    )?;
    let id = statement.query_row(
        named_params! {
            ":customer": sale.customer,
            ":item": sale.item,
            ":quantity": sale.quantity,
            ":note": sale.note,
            ":table": sale.table,
            ":total_cents": sale.total_cents,
            ":placed_at": sale.placed_at.to_string(),
        },
        |row| row.get(0),
    )?;
    Ok(sale.numbered(id))
}

fn read_item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        id: row.get("id")?,
        name: row.get("name")?,
        price_cents: row.get("price_cents")?,
        stock: row.get("stock")?,
    })
}

fn read_order(row: &Row<'_>) -> rusqlite::Result<Order> {
    let placed_at: String = row.get("placed_at")?;
    let placed_at = placed_at.parse().map_err(|error: jiff::Error| {
        let column = row.as_ref().column_index("placed_at").unwrap_or_default();
        let text = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, text, error.into())
    })?;
    Ok(Order {
        id: row.get("id")?,
        customer: row.get("customer")?,
        item: row.get("item")?,
        quantity: row.get("quantity")?,
        note: row.get("note")?,
        table: row.get("table_number")?,
        total_cents: row.get("total_cents")?,
        placed_at,
    })
}

//! The books in a SQLite database.
//!
//! SQLite answers while the caller waits: its calls block. So they run on the threads that
//! Tokio keeps for blocking work, and never hold up other requests.

use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{
    Connection, MAIN_DB, OptionalExtension, Row, Transaction, named_params, params,
};
use rusqlite_migration::{
    Error as MigrationError, HookResult, M, MigrationDefinitionError, Migrations,
};
use tokio::task::spawn_blocking;
use tracing::instrument;

use super::repository::{Repository, Sale, StorageError};
use crate::requests::{Item, Order, opening_menu};

// ANCHOR: migrations
/// What brings a database of any age up to date, each step once. What has been
/// published is never changed: a change is one more step.
pub fn migrations() -> Migrations<'static> {
    let shop = include_str!("../../migrations/1-shop.sql");
    let tables = include_str!("../../migrations/2-tables.sql");
    Migrations::new(vec![M::up_with_hook(shop, stock_up), M::up(tables)])
}
// ANCHOR_END: migrations

/// A new shop opens with the opening menu. An old one keeps what it has.
fn stock_up(transaction: &Transaction<'_>) -> HookResult {
    let sql =
        "INSERT INTO items (id, name, price_cents, stock) VALUES (?1, ?2, ?3, ?4)";
    for item in opening_menu() {
        let row = params![item.id, item.name, item.price_cents, item.stock];
        transaction.execute(sql, row)?;
    }
    Ok(())
}

// ANCHOR: sqlite
/// A database file, behind one connection: one call at a time.
pub struct Sqlite {
    connection: Arc<Mutex<Connection>>,
}
// ANCHOR_END: sqlite

impl Sqlite {
    /// Opens a database, makes it where there is none, and brings it up to date.
    ///
    /// # Errors
    ///
    /// When the file cannot be read and written, is no SQLite database, or is newer than
    /// this program.
    pub fn open(file: &Path) -> Result<Self, StorageError> {
        let connection = connect(file)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    // ANCHOR: run
    /// Runs work that blocks on a thread for it, with the connection.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let connection = Arc::clone(&self.connection);
        let done = spawn_blocking(move || {
            // A statement is done or not done, so a panic leaves the connection sound.
            let connection =
                connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&connection)
        });
        let result = done.await.map_err(StorageError::new)?; // when `work` panicked
        result.map_err(StorageError::new)
    }
    // ANCHOR_END: run

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

    // ANCHOR: place-order
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
    // ANCHOR_END: place-order
}

/// A connection to a database that is up to date.
pub(crate) fn connect(file: &Path) -> Result<Connection, StorageError> {
    up_to_date(file).map_err(StorageError::new)
}

fn up_to_date(file: &Path) -> Result<Connection, Box<dyn Error + Send + Sync>> {
    // A name is a name, and SQLite gives `:memory:` and `file:...` a meaning of their
    // own. A whole path is neither.
    let mut connection = Connection::open(std::path::absolute(file)?)?;
    // What may not be written, SQLite opens for reading, and says nothing until an order
    // comes.
    if connection.is_readonly(MAIN_DB)? {
        return Err("the file is read-only".into());
    }
    configure(&connection)?;
    match migrations().to_latest(&mut connection) {
        Err(MigrationError::MigrationDefinition(
            MigrationDefinitionError::DatabaseTooFarAhead,
        )) => Err("a newer version of this program has written the file".into()),
        migrated => Ok(migrated.map(|()| connection)?),
    }
}

// ANCHOR: configure
/// What a connection is told first. How long it waits for another program's lock is
/// rusqlite's own setting: five seconds.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // Readers do not wait for a writer, nor a writer for readers.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Each commit waits until it is on the disk.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // SQLite checks references only when it is told to.
    connection.pragma_update(None, "foreign_keys", "ON")
}
// ANCHOR_END: configure

// ANCHOR: menu
pub(crate) fn menu(
    connection: &Connection,
    max_price: Option<u32>,
) -> rusqlite::Result<Vec<Item>> {
    let sql = "SELECT * FROM items WHERE price_cents <= ?1 ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let items = statement.query_map([max_price.unwrap_or(u32::MAX)], read_item)?;
    items.collect()
}
// ANCHOR_END: menu

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
    // SQLite's integers end at 2^63 - 1, and no order has a number past it.
    let Ok(id) = i64::try_from(id) else {
        return Ok(None);
    };
    let mut statement =
        connection.prepare_cached("SELECT * FROM orders WHERE id = ?1")?;
    statement.query_row([id], read_order).optional()
}

// ANCHOR: set-stock
pub(crate) fn set_stock(
    connection: &Connection,
    id: &str,
    stock: u32,
) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE items SET stock = ?2 WHERE id = ?1")?;
    statement.execute(params![id, stock]).map(drop)
}
// ANCHOR_END: set-stock

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

#[cfg(test)]
mod tests {
    use super::*;

    // A connection's own settings: nobody else can ask for them.
    #[test]
    fn a_connection_waits_for_the_disk_and_checks_references() {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect(&folder.path().join("shop.db")).unwrap();
        for (pragma, wanted) in [("synchronous", 2), ("foreign_keys", 1)] {
            let found =
                connection.pragma_query_value(None, pragma, |row| row.get(0));
            assert_eq!(found, Ok(wanted), "{pragma}");
        }
    }
}

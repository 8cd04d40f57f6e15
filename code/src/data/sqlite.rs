//! The books in a SQLite database.
//!
//! SQLite answers while the caller waits: its calls block. So they run on the threads that
//! Tokio keeps for blocking work, and never hold up other requests.

use std::error::Error;
use std::path::{Path, absolute};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{
    Connection, ErrorCode, MAIN_DB, OptionalExtension, Row, TransactionBehavior,
    named_params, params,
};
use rusqlite_migration::{
    Error as MigrationError, M, MigrationDefinitionError, Migrations,
};
use tokio::task::spawn_blocking;
use tracing::instrument;

use super::repository::{Repository, Sale, StorageError};
use crate::legacy::{Item, Order};

// ANCHOR: migrations
/// What brings a database of any age up to date, each step once. What has been
/// published is never changed: a change is one more step.
pub fn migrations() -> Migrations<'static> {
    let shop = include_str!("../../migrations/1-shop.sql");
    let tables = include_str!("../../migrations/2-tables.sql");
    Migrations::new(vec![M::up(shop), M::up(tables)])
}
// ANCHOR_END: migrations

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
    /// Runs work that blocks on a thread for it, with the connection. Whoever waits for
    /// the connection occupies such a thread, too; the next chapter has a better queue.
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

/// How often a file is asked for its WAL while other programs do the same.
const ATTEMPTS: u32 = 20;

/// A connection to a database that is up to date.
pub(crate) fn connect(file: &Path) -> Result<Connection, StorageError> {
    up_to_date(file).map_err(StorageError::new)
}

type Cause = Box<dyn Error + Send + Sync>;

fn up_to_date(file: &Path) -> Result<Connection, Cause> {
    // A name is a name, and SQLite gives `:memory:` and `file:...` a meaning of their
    // own. A whole path is neither.
    let mut connection = Connection::open(absolute(file)?)?;
    // What may not be written, SQLite opens for reading, and says nothing until an order
    // comes.
    if connection.is_readonly(MAIN_DB)? {
        return Err("the file is read-only".into());
    }
    // Programs that start at once wait for each other here.
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    configure(&mut connection)?;
    let migrations = migrations();
    match migrations.to_latest(&mut connection) {
        Err(MigrationError::MigrationDefinition(
            MigrationDefinitionError::DatabaseTooFarAhead,
        )) => Err("a newer version of this program has written the file".into()),
        // The steps to take are read before the wait. Meanwhile another program may have
        // taken them all.
        Err(_) if migrations.pending_migrations(&connection) == Ok(0) => {
            Ok(connection)
        }
        migrated => Ok(migrated.map(|()| connection)?),
    }
}

// ANCHOR: configure
/// What a connection is told first. How long it waits for another program's lock is
/// rusqlite's own setting: five seconds.
fn configure(connection: &mut Connection) -> Result<(), Cause> {
    // Readers do not wait for a writer, nor a writer for readers.
    let mode = write_ahead(connection)?;
    if mode != "wal" {
        return Err(format!("SQLite keeps no WAL here but: {mode}").into());
    }
    // Each commit waits until it is on the disk.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // This SQLite was compiled to check references. Another may want to be told.
    connection.pragma_update(None, "foreign_keys", "ON")?;
    Ok(())
}
// ANCHOR_END: configure

/// Asks for a WAL, and gives what SQLite says that there is.
fn write_ahead(connection: &mut Connection) -> rusqlite::Result<String> {
    let wal = |connection: &Connection| {
        connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
    };
    for _ in 1..ATTEMPTS {
        match wal(connection) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {}
            mode => return mode,
        }
        // Another program makes this file. The pragma waits for nobody; this does.
        connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    }
    wal(connection)
}

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
        let mut connection = Connection::open(folder.path().join("a.db")).unwrap();
        let settings = [("synchronous", 2), ("foreign_keys", 1)];
        for (pragma, _) in settings {
            // However this SQLite was compiled.
            connection.pragma_update(None, pragma, "OFF").unwrap();
        }
        configure(&mut connection).unwrap();
        for (pragma, wanted) in settings {
            let found =
                connection.pragma_query_value(None, pragma, |row| row.get(0));
            assert_eq!(found, Ok(wanted), "{pragma}");
        }
    }

    /// Another program, which writes until somebody waits for it.
    static ELSEWHERE: Mutex<Option<Connection>> = Mutex::new(None);

    #[test]
    fn a_wal_is_asked_for_again_when_the_file_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let other = Connection::open(&file).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        *ELSEWHERE.lock().unwrap() = Some(other);

        let mut connection = Connection::open(&file).unwrap();
        let ends = |_| ELSEWHERE.lock().unwrap().take().is_some();
        connection.busy_handler(Some(ends)).unwrap();
        assert_eq!(write_ahead(&mut connection).as_deref(), Ok("wal"));
        assert!(ELSEWHERE.lock().unwrap().is_none(), "it did wait");
    }

    #[test]
    fn a_database_that_cannot_be_written_ahead_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        let error = configure(&mut connection).unwrap_err().to_string();
        assert_eq!(error, "SQLite keeps no WAL here but: memory");
    }
}

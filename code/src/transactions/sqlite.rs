//! The books in a SQLite database: one connection writes, in transactions, and others
//! read.

use std::path::{Path, PathBuf, absolute};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::instrument;

use crate::data::repository::{Repository, Sale, StorageError};
use crate::data::sqlite::{connect, insert_order, item, menu, order, set_stock};
use crate::legacy::{Item, Order};

/// How many may read at once. Whoever comes then waits for a place.
const READERS: usize = 4;

// ANCHOR: sqlite
/// A database file: one connection that writes, and a few that read.
pub struct Sqlite {
    // Tokio's lock: whoever waits for it occupies no thread, and is served in turn.
    writer: Arc<tokio::sync::Mutex<Connection>>,
    readers: Arc<Readers>,
}

/// Connections that can only read. Each is opened when it is first needed, then kept.
/// Simpler than a pool that you would buy: it closes none and replaces none.
struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
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
        // One whole path for all: to SQLite some names are no files, such as `:memory:`.
        let file = absolute(file).map_err(StorageError::new)?;
        let writer = connect(&file)?;
        let readers = Readers {
            file,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(READERS)),
        };
        Ok(Self {
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            readers: Arc::new(readers),
        })
    }

    // ANCHOR: write
    /// Does all of some work, or nothing of it. Nobody else writes meanwhile.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        blocking(move || {
            let immediate = TransactionBehavior::Immediate;
            let transaction = writer.transaction_with_behavior(immediate)?;
            // After an error, `transaction` is dropped, and that rolls it back.
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await
    }
    // ANCHOR_END: write

    // ANCHOR: read
    /// Looks something up, whoever writes meanwhile.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let readers = Arc::clone(&self.readers);
        let place = Arc::clone(&readers.places).acquire_owned().await;
        let place = place.map_err(StorageError::new)?;
        blocking(move || {
            let connection = readers.take()?;
            let done = work(&connection);
            readers.idle().push(connection);
            drop(place); // the next one finds the connection there
            done
        })
        .await
    }
    // ANCHOR_END: read
}

impl Readers {
    fn take(&self) -> rusqlite::Result<Connection> {
        if let Some(connection) = self.idle().pop() {
            return Ok(connection);
        }
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.file, flags)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs work on a thread that may wait for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, StorageError> {
    let done = spawn_blocking(work).await.map_err(StorageError::new)?;
    done.map_err(StorageError::new)
}

#[async_trait]
impl Repository for Sqlite {
    #[instrument(skip_all)]
    async fn menu(
        &self,
        max_price: Option<u32>,
    ) -> Result<Vec<Item>, StorageError> {
        self.read(move |connection| menu(connection, max_price))
            .await
    }

    #[instrument(skip_all)]
    async fn item(&self, id: &str) -> Result<Option<Item>, StorageError> {
        let id = id.to_owned();
        self.read(move |connection| item(connection, &id)).await
    }

    #[instrument(skip_all)]
    async fn order(&self, id: u64) -> Result<Option<Order>, StorageError> {
        self.read(move |connection| order(connection, id)).await
    }

    // ANCHOR: place-order
    #[instrument(skip_all)]
    async fn place_order(&self, sale: Sale) -> Result<Option<Order>, StorageError> {
        self.write(|transaction| {
            let Some(item) = item(transaction, &sale.item)? else {
                return Ok(None);
            };
            let Some(left) = item.stock.checked_sub(sale.quantity) else {
                return Ok(None);
            };
            set_stock(transaction, &item.id, left)?;
            insert_order(transaction, sale).map(Some)
        })
        .await
    }
    // ANCHOR_END: place-order
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn books() -> (TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let books = Sqlite::open(&folder.path().join("shop.db")).unwrap();
        (folder, books)
    }

    async fn muffins(books: &Sqlite) -> u32 {
        books.item("muffin").await.unwrap().unwrap().stock
    }

    #[tokio::test]
    async fn a_reader_cannot_write() {
        let (_folder, books) = books();
        let done = books
            .read(|connection| set_stock(connection, "muffin", 9))
            .await;
        let error = done.unwrap_err().to_string();
        assert!(error.contains("readonly database"), "{error}");
        assert_eq!(muffins(&books).await, 4);
    }

    #[tokio::test]
    async fn an_error_or_a_panic_takes_back_what_was_written() {
        let (_folder, books) = books();
        let error = books.write(|transaction| {
            set_stock(transaction, "muffin", 9)?;
            Err::<(), _>(rusqlite::Error::InvalidQuery)
        });
        assert!(error.await.is_err());
        assert_eq!(muffins(&books).await, 4);

        let panic = books.write::<()>(|transaction| {
            set_stock(transaction, "muffin", 9)?;
            panic!("the mill jams");
        });
        assert!(panic.await.is_err());
        assert_eq!(muffins(&books).await, 4);

        // The connection is none the worse.
        let done = books.write(|transaction| set_stock(transaction, "muffin", 9));
        done.await.unwrap();
        assert_eq!(muffins(&books).await, 9);
    }

    #[tokio::test]
    async fn places_come_back_after_a_panic_and_are_never_more() {
        let (_folder, books) = books();
        for _ in 0..=READERS {
            let panic = books.read::<()>(|_| panic!("the mill jams"));
            assert!(panic.await.is_err());
        }
        let books = Arc::new(books);
        let mut guests = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let books = Arc::clone(&books);
            guests.spawn(async move { muffins(&books).await });
        }
        assert_eq!(guests.join_all().await, [4; 50]);
        assert!((1..=READERS).contains(&books.readers.idle().len()));
    }
}

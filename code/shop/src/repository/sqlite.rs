//! A repository in a SQLite database. One thread writes, in transactions, and a few
//! threads read. Each of them has a connection of its own.

use std::error::Error;
use std::io;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, absolute};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{
    Connection, ErrorCode, InterruptHandle, OpenFlags, OptionalExtension, Row,
    ToSql, Transaction, TransactionBehavior, named_params, params,
};
use rusqlite_migration::{Error as MigrationError, M, Migrations};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::instrument;

use super::{Clock, Put, Repository, RepositoryError, Source};
use crate::model::{
    Cents, CustomerName, Item, ItemId, MenuFilter, NewOrder, Note, Order,
    OrderChange, OrderFilter, OrderStatus, Page, Quantity, ShopError, TableNumber,
};

// ANCHOR: limits
/// How many threads read, each with its own connection. So this is also how many
/// requests may read at the same time.
const READERS: usize = 4;

/// How many requests may wait to write. The queue of requests that wait to read has
/// the same limit. If a queue is full, the next request gets
/// [`RepositoryError::Busy`] at once.
const QUEUE: usize = 256;

/// How many requests may share one transaction.
const LARGEST_GROUP: usize = 64;

/// How long a request may have waited in the queue, behind other requests of this
/// program, when its turn comes. In a group, only the first write is checked, and
/// only before it waits for the lock. So the other writes may have waited for up to
/// `BUSY_TIMEOUT` longer.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long SQLite waits for a lock that another program holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long all queries of a request that reads may take together. When this
/// time is up, SQLite stops the query that is running.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
// ANCHOR_END: limits

/// How long the end of the program waits for the last transaction, and until all
/// connections are closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a health check waits for a connection. Kubernetes waits one second for the
/// response by default.
const PING_TIMEOUT: Duration = Duration::from_millis(400);

// ANCHOR: longest-wait
/// How long a request may take in the database: it waits for the requests before it,
/// and then either for a lock that another program holds, or for its own queries.
/// `main.rs` checks that this fits into the timeout of a request.
pub const LONGEST_WAIT: Duration =
    QUEUE_TIMEOUT.saturating_add(longer(BUSY_TIMEOUT, READ_TIMEOUT));

const fn longer(one: Duration, other: Duration) -> Duration {
    if one.as_nanos() > other.as_nanos() {
        one
    } else {
        other
    }
}
// ANCHOR_END: longest-wait

// ANCHOR: migrations
/// Never change a migration that may already have run on somebody's database.
/// To change the tables, add another migration.
const MIGRATIONS: &[M<'_>] = &[
    M::up(include_str!("../../migrations/1-shop.sql")),
    M::up(include_str!("../../migrations/2-table-number.sql")),
    M::up(include_str!("../../migrations/3-order-indexes.sql")),
];
// ANCHOR_END: migrations

// ANCHOR: connections
/// Keeps everything in one database file.
///
/// The last connection to close copies everything from the WAL file into the
/// database file, and only a connection that may write can do that. So the writer's
/// thread closes its connection after those of the threads that read.
pub struct Sqlite {
    /// Sends reads to the four threads. When it's dropped, the threads end.
    read_queue: Sender<Read>,
    /// Sends writes to the writer's thread. When it's dropped, that thread ends.
    write_queue: Sender<Write>,
    /// When it's dropped, it waits until all threads have ended, but for at most a
    /// second. Rust drops the fields of a struct from top to bottom, so both queues
    /// have been dropped before.
    _writer: Writer,
}
// ANCHOR_END: connections

impl Sqlite {
    /// Opens a database file, creates it if it doesn't exist, and migrates it.
    ///
    /// This blocks the thread: call it before the server starts.
    ///
    /// # Errors
    ///
    /// If the file can't be read or written, has tables of another program, or was made
    /// by a newer version of this one. In all of these cases, it is left as it is.
    pub fn open(file: &Path) -> Result<Self, Source> {
        // SQLite gives names such as `:memory:` a meaning. A whole path has none.
        let file = absolute(file)?;
        // ANCHOR: queues
        let writer = open_writer(&file)?;
        let (read_queue, reads) = bounded(QUEUE);
        let (write_queue, writes) = bounded(QUEUE);
        let readers = Readers::start(&file, &reads)?;
        Ok(Self {
            read_queue,
            write_queue,
            _writer: Writer::start(writer, writes, readers)?,
        })
        // ANCHOR_END: queues
    }

    // ANCHOR: write
    /// Runs `work` on the thread that writes, in a transaction, so that all of its
    /// changes are stored, or none.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, RepositoryError> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        let (sender, receiver) = oneshot::channel();
        let write = Write {
            queued: Instant::now(),
            run: Box::new(move |connection| {
                let result = connection.and_then(|connection| {
                    if sender.is_closed() {
                        return Err(busy("the client has disconnected"));
                    }
                    work(connection)
                });
                Written::new(result, sender)
            }),
        };
        let full = |_| busy("too many requests are waiting to write");
        self.write_queue.try_send(write).map_err(full)?;
        // If `work` panics, the thread drops the sender without a result.
        receiver.await.map_err(|_| RepositoryError::Aborted)?
    }
    // ANCHOR_END: write

    // ANCHOR: read
    /// Runs `work` on one of the threads that read, with the connection of that thread.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, RepositoryError> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        let (sender, receiver) = oneshot::channel();
        let queued = Instant::now();
        let job: Read = Box::new(move |connection| {
            // If the client has disconnected, nobody waits for the result.
            if !sender.is_closed() {
                let _ =
                    sender.send(run_read(connection, queued, READ_TIMEOUT, work));
            }
        });
        let full = |_| busy("too many requests are waiting to read");
        self.read_queue.try_send(job).map_err(full)?;
        // The sender is dropped without sending only if `work` panics (or if this
        // future is dropped, but then nobody is waiting).
        receiver.await.map_err(|_| RepositoryError::Aborted)?
    }
    // ANCHOR_END: read
}

// ANCHOR: run-read
/// Runs on one of the threads that read. All queries of `work` together may take at
/// most `limit`.
fn run_read<T>(
    connection: &Connection,
    queued: Instant,
    limit: Duration,
    work: impl FnOnce(&Connection) -> Result<T, RepositoryError>,
) -> Result<T, RepositoryError> {
    if queued.elapsed() > QUEUE_TIMEOUT {
        return Err(busy("no connection was free in time"));
    }
    stop_after(limit, connection)?;
    // In a transaction, all queries see the same state of the database.
    let transaction = connection.unchecked_transaction()?;
    work(&transaction)
}
// ANCHOR_END: run-read

// ANCHOR: read-type
/// A closure that a thread runs with its connection.
type Read = Box<dyn FnOnce(&Connection) + Send>;
// ANCHOR_END: read-type

// ANCHOR: reader-types
/// The threads that read.
struct Readers(Vec<Reader>);

struct Reader {
    /// Stops a query that is running.
    interrupt: InterruptHandle,
    thread: JoinHandle<()>,
}
// ANCHOR_END: reader-types

// ANCHOR: readers
impl Readers {
    fn start(file: &Path, reads: &Receiver<Read>) -> Result<Self, Source> {
        let mut readers = Vec::new();
        for _ in 0..READERS {
            let connection = open_reader(file)?;
            let interrupt = connection.get_interrupt_handle();
            let reads = reads.clone();
            let thread = thread::Builder::new().name("shop-reader".into());
            let thread = thread.spawn(move || {
                // Ends once the sender has been dropped and the queue is empty.
                for job in reads {
                    // A panic must not end the thread. Each job runs in a
                    // transaction (see `run_read`), which a panic rolls back. So
                    // the connection can be used again.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&connection)));
                }
            })?;
            readers.push(Reader { interrupt, thread });
        }
        Ok(Self(readers))
    }
}
// ANCHOR_END: readers

// ANCHOR: drop-readers
impl Readers {
    /// Waits until all threads have ended and closed their connections.
    fn close(self) {
        for reader in &self.0 {
            // The server has stopped, so all requests have ended. The query of a
            // canceled request may still run, but nobody waits for its result. (An
            // interrupt stops only a query that is running. If another query begins
            // right after the interrupt, `READ_TIMEOUT` limits how long it runs.)
            reader.interrupt.interrupt();
        }
        for reader in self.0 {
            let _ = reader.thread.join(); // an `Err` would mean a panic in it
        }
    }
}
// ANCHOR_END: drop-readers

// ANCHOR: write-type
/// The changes of one request, which wait for their turn.
struct Write {
    /// When the request put them into the queue.
    queued: Instant,
    /// Makes the changes.
    run: Run,
}

/// The thread that writes calls this closure in a transaction. If it couldn't begin
/// one, it calls the closure with the error.
type Run = Box<dyn FnOnce(Result<&Connection, RepositoryError>) -> Written + Send>;

/// The changes of one request that have been made and wait for the commit.
struct Written {
    /// Whether to store the changes. If not, they are rolled back.
    keep: bool,
    /// Sends the result to the request, or the error of the commit.
    respond: Box<dyn FnOnce(Result<(), RepositoryError>)>,
}
// ANCHOR_END: write-type

impl Write {
    /// Sends an error to the request, without any changes.
    fn refuse(self, error: RepositoryError) {
        let written = (self.run)(Err(error));
        (written.respond)(Ok(()));
    }
}

impl Written {
    fn new<T: Send + 'static>(
        result: Result<T, RepositoryError>,
        sender: oneshot::Sender<Result<T, RepositoryError>>,
    ) -> Self {
        Self {
            keep: result.is_ok(),
            respond: Box::new(move |committed| {
                let _ =
                    sender.send(result.and_then(|value| committed.map(|()| value)));
            }),
        }
    }
}

/// The thread that writes.
struct Writer {
    /// Nothing is sent through this channel. It's closed when the thread has ended.
    ended: Receiver<()>,
}

// ANCHOR: writer
impl Writer {
    fn start(
        mut connection: Connection,
        writes: Receiver<Write>,
        readers: Readers,
    ) -> io::Result<Self> {
        let (running, ended) = bounded(0);
        let thread = thread::Builder::new().name("shop-writer".into());
        thread.spawn(move || {
            let _running = running; // dropped when the thread ends
            // Ends once the sender of `writes` is dropped and the queue is empty.
            for first in &writes {
                if first.queued.elapsed() > QUEUE_TIMEOUT {
                    first.refuse(busy("the writer was not free in time"));
                } else {
                    write_group(&mut connection, first, &writes);
                }
            }
            readers.close();
            drop(connection);
        })?;
        Ok(Self { ended })
    }
}
// ANCHOR_END: writer

impl Drop for Writer {
    /// Waits until the thread has closed its connection and ended. If it's still
    /// waiting for another program's lock, or if the disk hangs, the process ends
    /// without it, and what was not committed is rolled back.
    fn drop(&mut self) {
        let _ = self.ended.recv_timeout(CLOSE_TIMEOUT);
    }
}

// ANCHOR: write-group
/// Runs one write, and those that wait behind it, in one transaction (group commit). A
/// commit waits for the disk, which takes much longer than the writes. So the requests
/// of a group wait only once.
fn write_group(connection: &mut Connection, first: Write, queue: &Receiver<Write>) {
    // IMMEDIATE takes the write lock at once. A transaction that begins by reading
    // could fail later, when it wants to write.
    let begun =
        connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let mut transaction = match begun {
        Ok(transaction) => transaction,
        Err(error) => return refuse_all(first, queue, error),
    };
    // ANCHOR_END: write-group
    // ANCHOR: commit-group
    let mut group = Vec::new();
    for write in iter::once(first)
        .chain(queue.try_iter())
        .take(LARGEST_GROUP)
    {
        group.extend(write_in_savepoint(&mut transaction, write));
        // After some errors, such as a full disk, SQLite has ended the transaction.
        if transaction.is_autocommit() {
            break;
        }
    }
    let committed = transaction.commit().map_err(Arc::new);
    for written in group {
        (written.respond)(match &committed {
            Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        });
    }
    // ANCHOR_END: commit-group
}

// ANCHOR: savepoint
/// Runs a write in a savepoint. If the write fails, only its own changes are rolled
/// back, and those of the other requests in the group stay. Returns `None` if the write
/// panics, or if its savepoint can't be committed. (In the second case, this function
/// has already sent the error.)
fn write_in_savepoint(
    transaction: &mut Transaction<'_>,
    write: Write,
) -> Option<Written> {
    let savepoint = transaction.savepoint().map_err(Arc::new);
    // If the savepoint can't be set, the closure gets the error, and sends it.
    let connection = savepoint.as_deref().map_err(RepositoryError::from);
    // A panic must not end the thread.
    let run = AssertUnwindSafe(|| (write.run)(connection));
    let written = catch_unwind(run).ok()?;
    if written.keep
        && let Ok(savepoint) = savepoint
        && let Err(error) = savepoint.commit()
    {
        (written.respond)(Err(error.into()));
        return None;
    }
    // A savepoint that is dropped without a commit is rolled back.
    Some(written)
}
// ANCHOR_END: savepoint

/// Tells all requests that wait that the transaction couldn't begin. If another program
/// holds the lock, the next attempt would probably have to wait as long again.
fn refuse_all(first: Write, queue: &Receiver<Write>, error: rusqlite::Error) {
    let error = Arc::new(error);
    for write in iter::once(first).chain(queue.try_iter()).take(QUEUE) {
        write.refuse((&error).into());
    }
}

// ANCHOR: stop-after
/// Limits how long queries on this connection may run: `limit`, counted from now.
/// When the time is up, SQLite stops the running query at its next call of
/// `is_late`. (SQLite doesn't call `is_late` while it sorts, or while it waits for
/// the disk.) Each call of `stop_after` replaces the previous limit.
fn stop_after(limit: Duration, connection: &Connection) -> rusqlite::Result<()> {
    let started = Instant::now();
    let is_late = move || started.elapsed() > limit;
    // SQLite compiles a query into small instructions, and runs some of them again
    // for each row. It calls `is_late` each time it has run about 10,000 of them.
    connection.progress_handler(10_000, Some(is_late))
}
// ANCHOR_END: stop-after

fn busy(cause: impl Into<Source>) -> RepositoryError {
    RepositoryError::Busy(cause.into())
}

fn storage(cause: impl Into<Source>) -> RepositoryError {
    RepositoryError::Storage(cause.into())
}

// ANCHOR: from-rusqlite-error
impl From<rusqlite::Error> for RepositoryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::from(&Arc::new(error))
    }
}

/// Several requests can share one error, because it's in an `Arc`.
impl From<&Arc<rusqlite::Error>> for RepositoryError {
    fn from(error: &Arc<rusqlite::Error>) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => busy(Arc::clone(error)),
            _ => storage(Arc::clone(error)),
        }
    }
}
// ANCHOR_END: from-rusqlite-error

/// Opens the connection that writes.
///
/// If two processes start with a new database at the same moment, both turn on WAL mode,
/// and SQLite makes one of them fail without waiting. So this tries again for as long as
/// SQLite waits for other locks.
fn open_writer(file: &Path) -> Result<Connection, Source> {
    let started = Instant::now();
    loop {
        match try_open_writer(file) {
            Err(error) if is_busy(&*error) && started.elapsed() < BUSY_TIMEOUT => {
                thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

fn is_busy(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    let error = error.downcast_ref::<rusqlite::Error>();
    let code = error.and_then(rusqlite::Error::sqlite_error_code);
    code == Some(ErrorCode::DatabaseBusy)
}

// ANCHOR: open-writer
fn try_open_writer(file: &Path) -> Result<Connection, Source> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    check_owner(&mut connection)?;
    // ANCHOR_END: open-writer
    // ANCHOR: wal
    // In WAL mode, the connections that read and the one that writes don't wait for
    // each other.
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| {
            row.get(0)
        })?;
    if mode != "wal" {
        return Err(
            format!("SQLite can't use WAL for this file, only {mode}").into()
        );
    }
    // A commit returns only when the operating system says that the data is on the disk.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // By default, macOS reports that data is on the disk before it really is. With
    // this setting, macOS waits. Other systems ignore the setting.
    connection.pragma_update(None, "fullfsync", "ON")?;
    // ANCHOR_END: wal
    // There are no foreign keys yet. If you add one, it must be off during the migrations:
    // SQLite changes some parts of a table only if you make a new one, copy the rows and
    // drop the old one, and `ON DELETE CASCADE` would then delete rows of other tables.
    // Mark such a migration with `M::foreign_key_check`.
    // ANCHOR: foreign-keys
    connection.pragma_update(None, "foreign_keys", "OFF")?;
    migrate(&mut connection)?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // ANCHOR_END: foreign-keys
    Ok(connection)
}

// ANCHOR: check-owner
/// The first migration writes this number into the header of the database file. For a
/// program of your own, choose another number, from 1 to 0x7fffffff. Write the same
/// number here and in a migration that hasn't run yet.
const APPLICATION_ID: i32 = 0x7368_6f70;

/// Returns an error if the file belongs to another program, or if a newer version of
/// this program has migrated it (`user_version` says how many migrations have run).
/// It changes nothing in the file.
fn check_owner(connection: &mut Connection) -> Result<(), Source> {
    let transaction = connection.transaction()?;
    let application_id: i32 =
        transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: usize =
        transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let count = "SELECT count(*) FROM sqlite_schema";
    let tables: u64 = transaction.query_row(count, [], |row| row.get(0))?;
    if (tables > 0 || version > 0) && application_id != APPLICATION_ID {
        return Err("it is a database of another program".into());
    }
    if version > MIGRATIONS.len() {
        return Err("a newer version of this program has migrated it".into());
    }
    Ok(())
}
// ANCHOR_END: check-owner

/// Brings the tables up to date.
///
/// If two processes start at the same moment, both may read the same version. Then one
/// of them fails, because the other one has already changed the tables. So it reads the
/// version again. With each failure of this kind the other process has gone one step
/// further, so there are at most as many as there are migrations.
// ANCHOR: migrate
fn migrate(connection: &mut Connection) -> Result<(), Source> {
    let migrations = Migrations::from_slice(MIGRATIONS);
    let mut attempts = MIGRATIONS.len();
    loop {
        match migrations.to_latest(connection) {
            Err(MigrationError::RusqliteError { .. }) if attempts > 0 => {
                attempts -= 1
            }
            result => return Ok(result?),
        }
    }
}
// ANCHOR_END: migrate

// ANCHOR: open-reader
fn open_reader(file: &Path) -> Result<Connection, Source> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // SQLite opens some of its files only when it runs the first query. So run a
    // query now, and ignore its result: later, this program may have reached its
    // limit of open files, and then SQLite couldn't open them.
    menu(&connection, &MenuFilter::default())?;
    Ok(connection)
}
// ANCHOR_END: open-reader

#[async_trait]
impl Repository for Sqlite {
    #[instrument(skip_all)]
    async fn menu(&self, filter: MenuFilter) -> Result<Vec<Item>, RepositoryError> {
        self.read(move |connection| Ok(menu(connection, &filter)?))
            .await
    }

    #[instrument(skip_all)]
    // ANCHOR: item-method
    async fn item(&self, id: &str) -> Result<Option<Item>, RepositoryError> {
        let id = id.to_owned();
        self.read(move |connection| Ok(item(connection, &id)?))
            .await
    }
    // ANCHOR_END: item-method

    #[instrument(skip_all)]
    async fn put_item(&self, item: Item) -> Result<Put, RepositoryError> {
        self.write(move |transaction| {
            if update_item(transaction, &item)? {
                return Ok(Put::Replaced);
            }
            insert_item(transaction, &item)?;
            Ok(Put::Created)
        })
        .await
    }

    #[instrument(skip_all)]
    async fn delete_item(&self, id: &str) -> Result<bool, RepositoryError> {
        let id = id.to_owned();
        self.write(move |transaction| Ok(delete_item(transaction, &id)?))
            .await
    }

    #[instrument(skip_all)]
    // ANCHOR: place-order
    async fn place_order(
        &self,
        new: NewOrder,
        clock: Clock,
    ) -> Result<Order, RepositoryError> {
        self.write(move |transaction| {
            let item = item(transaction, &new.item)?;
            let mut item = item.ok_or(ShopError::NotOnMenu)?;
            let total_cents = item.sell(new.quantity)?;
            update_item(transaction, &item)?;
            let mut order = Order::new(0, new, &item, total_cents, clock());
            order.id = insert_order(transaction, &order)?;
            Ok(order)
        })
        .await
    }
    // ANCHOR_END: place-order

    #[instrument(skip_all)]
    async fn order(&self, id: u64) -> Result<Option<Order>, RepositoryError> {
        self.read(move |connection| Ok(order(connection, id)?))
            .await
    }

    #[instrument(skip_all)]
    async fn orders(
        &self,
        filter: OrderFilter,
    ) -> Result<Page<Order>, RepositoryError> {
        self.read(move |connection| orders(connection, &filter))
            .await
    }

    #[instrument(skip_all)]
    // ANCHOR: change-order
    async fn change_order(
        &self,
        id: u64,
        change: OrderChange,
    ) -> Result<Order, RepositoryError> {
        self.write(move |transaction| {
            let order = order(transaction, id)?;
            let mut order = order.ok_or(ShopError::UnknownOrder(id))?;
            order.change(change)?;
            update_order(transaction, &order)?;
            if order.status == OrderStatus::Canceled
                && let Some(mut item) = item(transaction, order.item.as_str())?
            {
                item.put_back(order.quantity);
                update_item(transaction, &item)?;
            }
            Ok(order)
        })
        .await
    }
    // ANCHOR_END: change-order

    #[instrument(skip_all)]
    async fn ping(&self) -> Result<(), RepositoryError> {
        let read = self.read(|connection| {
            Ok(connection
                .query_row("SELECT 1 FROM items LIMIT 1", [], |_| Ok(()))
                .optional()
                .map(|_| ())?)
        });
        // If other requests use all connections, this doesn't wait for long: busy is not
        // broken. If a busy program were taken out of service, the others would get its
        // requests, too, and would be busy next.
        match timeout(PING_TIMEOUT, read).await {
            Err(_) | Ok(Err(RepositoryError::Busy(_))) => Ok(()),
            Ok(result) => result,
        }
    }
}

// The SQL. Each function takes a connection, and a transaction is one: it can be used
// wherever a connection is asked for.

fn menu(
    connection: &Connection,
    filter: &MenuFilter,
) -> rusqlite::Result<Vec<Item>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, name, price_cents, stock FROM items
         WHERE price_cents <= ?1 ORDER BY position",
    )?;
    let max_price = filter.max_price.unwrap_or(u32::MAX);
    let items = statement.query_map([max_price], read_item)?;
    items.collect()
}

// ANCHOR: item
fn item(connection: &Connection, id: &str) -> rusqlite::Result<Option<Item>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, name, price_cents, stock FROM items WHERE id = ?1",
    )?;
    statement.query_row([id], read_item).optional()
}
// ANCHOR_END: item

/// Returns whether there was such an item.
// ANCHOR: update-item
fn update_item(connection: &Connection, item: &Item) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached(
        "UPDATE items SET name = ?2, price_cents = ?3, stock = ?4 WHERE id = ?1",
    )?;
    let price_cents = item.price_cents.get();
    let changed = statement.execute(params![
        item.id.as_str(),
        item.name,
        price_cents,
        item.stock
    ])?;
    Ok(changed > 0)
}
// ANCHOR_END: update-item

// ANCHOR: insert-item
fn insert_item(connection: &Connection, item: &Item) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO items (id, name, price_cents, stock) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let price_cents = item.price_cents.get();
    statement.execute(params![
        item.id.as_str(),
        item.name,
        price_cents,
        item.stock
    ])?;
    Ok(())
}
// ANCHOR_END: insert-item

/// Returns whether there was such an item.
fn delete_item(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    let mut statement =
        connection.prepare_cached("DELETE FROM items WHERE id = ?1")?;
    Ok(statement.execute([id])? > 0)
}

// ANCHOR: order
fn order(connection: &Connection, id: u64) -> rusqlite::Result<Option<Order>> {
    let Ok(id) = i64::try_from(id) else {
        return Ok(None); // SQLite's largest integer is 2^63 - 1, so no id is larger
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ORDER_COLUMNS} FROM orders WHERE id = ?1"
    ))?;
    statement.query_row([id], read_order).optional()
}
// ANCHOR_END: order

// ANCHOR: orders-values
fn orders(
    connection: &Connection,
    filter: &OrderFilter,
) -> Result<Page<Order>, RepositoryError> {
    let after = i64::try_from(filter.after).unwrap_or(i64::MAX);
    let items = serde_json::to_string(&filter.items).map_err(storage)?;
    let status = filter.status.map(status_text);
    // Ask for one more order than fits on the page. If we get it, there is a
    // next page.
    let limit = filter.limit.get() + 1;

    // Only these fixed strings become part of the SQL. The values from the client
    // are always passed as parameters.
    let mut sql = format!("SELECT {ORDER_COLUMNS} FROM orders WHERE id > :after");
    let mut values: Vec<(&str, &dyn ToSql)> =
        vec![(":after", &after), (":limit", &limit)];
    // ANCHOR_END: orders-values
    // ANCHOR: orders-sql
    if let Some(customer) = &filter.customer {
        sql += " AND customer = :customer";
        values.push((":customer", customer));
    }
    if !filter.items.is_empty() {
        sql += " AND item IN (SELECT value FROM json_each(:items))";
        values.push((":items", &items));
    }
    if let Some(status) = &status {
        sql += " AND status = :status";
        values.push((":status", status));
    }
    sql += " ORDER BY id LIMIT :limit";

    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map(&*values, read_order)?;
    let found = found.collect::<rusqlite::Result<_>>()?;
    Ok(Page::new(found, filter.limit))
    // ANCHOR_END: orders-sql
}

/// Returns the id that SQLite gave the order.
fn insert_order(connection: &Connection, order: &Order) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO orders (customer, item, item_name, unit_price_cents, quantity,
             total_cents, note, table_number, status, placed_at)
         VALUES (:customer, :item, :item_name, :unit_price_cents, :quantity,
             :total_cents, :note, :table_number, :status, :placed_at)
         RETURNING id",
    )?;
    statement.query_row(
        named_params! {
            ":customer": order.customer.as_str(),
            ":item": order.item.as_str(),
            ":item_name": order.item_name,
            ":unit_price_cents": order.unit_price_cents.get(),
            ":quantity": order.quantity.get(),
            ":total_cents": order.total_cents.get(),
            ":note": order.note.as_ref().map(Note::as_str),
            ":table_number": order.table.map(TableNumber::get),
            ":status": status_text(order.status),
            ":placed_at": order.placed_at.as_millisecond(),
        },
        |row| row.get(0),
    )
}

/// Stores what can change in an order.
fn update_order(connection: &Connection, order: &Order) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "UPDATE orders SET note = ?2, table_number = ?3, status = ?4 WHERE id = ?1",
    )?;
    let note = order.note.as_ref().map(Note::as_str);
    let table = order.table.map(TableNumber::get);
    statement.execute(params![order.id, note, table, status_text(order.status)])?;
    Ok(())
}

// ANCHOR: read-item
fn read_item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        id: ItemId::from_stored(row.get("id")?),
        name: row.get("name")?,
        price_cents: Cents::new(row.get("price_cents")?),
        stock: row.get("stock")?,
    })
}
// ANCHOR_END: read-item

const ORDER_COLUMNS: &str = "id, customer, item, item_name, unit_price_cents, quantity, \
                             total_cents, note, table_number, status, placed_at";

fn read_order(row: &Row<'_>) -> rusqlite::Result<Order> {
    let table: Option<u32> = row.get("table_number")?;
    let status: String = row.get("status")?;
    let placed_at = Timestamp::from_millisecond(row.get("placed_at")?);
    // For each of these numbers, the CHECK of the table has the same range as the type.
    // So these errors can only mean that the two have come to differ: if you make the
    // range of a type smaller, write a migration for the rows that are outside of it.
    Ok(Order {
        id: row.get("id")?,
        customer: CustomerName::from_stored(row.get("customer")?),
        item: ItemId::from_stored(row.get("item")?),
        item_name: row.get("item_name")?,
        unit_price_cents: Cents::new(row.get("unit_price_cents")?),
        quantity: Quantity::try_from(row.get::<_, u32>("quantity")?)
            .map_err(|mistake| unreadable("quantity", mistake.reason))?,
        total_cents: Cents::new(row.get("total_cents")?),
        note: row.get::<_, Option<_>>("note")?.map(Note::from_stored),
        table: table
            .map(TableNumber::try_from)
            .transpose()
            .map_err(|mistake| unreadable("table_number", mistake.reason))?,
        status: status_of(&status).ok_or_else(|| unreadable("status", status))?,
        placed_at: placed_at.map_err(|error| unreadable("placed_at", error))?,
    })
}

fn unreadable(column: &str, cause: impl Into<Source>) -> rusqlite::Error {
    let cause = format!("{column}: {}", cause.into());
    rusqlite::Error::FromSqlConversionFailure(0, Type::Null, cause.into())
}

fn status_text(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Placed => "placed",
        OrderStatus::Canceled => "canceled",
    }
}

fn status_of(text: &str) -> Option<OrderStatus> {
    match text {
        "placed" => Some(OrderStatus::Placed),
        "canceled" => Some(OrderStatus::Canceled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;
    use tokio::sync::mpsc;
    use tokio::task::JoinSet;

    use super::*;

    // ANCHOR: endless
    /// A query that never ends.
    const ENDLESS: &str =
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)
                           SELECT count(*) FROM n";
    // ANCHOR_END: endless

    // ANCHOR: panic-test
    #[tokio::test]
    async fn a_panic_does_not_lose_a_connection() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("shop.db")).unwrap();
        for _ in 0..2 * READERS {
            let read = sqlite.read(|_| -> Result<(), _> { panic!("in a reader") });
            assert!(matches!(read.await, Err(RepositoryError::Aborted)));
            let write =
                sqlite.write(|_| -> Result<(), _> { panic!("in the writer") });
            assert!(matches!(write.await, Err(RepositoryError::Aborted)));
        }
        sqlite.read(|_| Ok(())).await.unwrap();
        sqlite.write(|_| Ok(())).await.unwrap();
    }
    // ANCHOR_END: panic-test

    #[test]
    fn the_longest_wait_includes_the_longer_of_two_timeouts() {
        let [short, long] = [1, 2].map(Duration::from_secs);
        assert_eq!(longer(short, long), long);
        assert_eq!(longer(long, short), long);
        assert!(LONGEST_WAIT >= QUEUE_TIMEOUT + BUSY_TIMEOUT);
        assert!(LONGEST_WAIT >= QUEUE_TIMEOUT + READ_TIMEOUT);
    }

    /// Such as one in memory. (SQLite doesn't notice a network drive.)
    #[test]
    fn a_database_that_cannot_use_wal_is_refused() {
        let error = open_writer(Path::new(":memory:")).err().unwrap();
        assert_eq!(
            error.to_string(),
            "SQLite can't use WAL for this file, only memory"
        );
    }

    #[test]
    fn a_migration_that_fails_each_time_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.db");
        let connection = Connection::open(&file).unwrap();
        connection
            .pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        connection.execute_batch("CREATE TABLE items (id)").unwrap();
        let error = open_writer(&file).err().unwrap().to_string();
        assert!(error.contains("table items already exists"), "{error}");
    }

    #[test]
    fn only_a_locked_database_is_opened_again() {
        let error = |code| -> Source {
            Box::new(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
        };
        assert!(is_busy(&*error(ffi::SQLITE_BUSY)));
        assert!(!is_busy(&*error(ffi::SQLITE_FULL)));
        assert!(!is_busy(&*Source::from("an error of the program")));
    }

    // ANCHOR: query-timeout-test
    #[test]
    fn a_query_that_takes_too_long_is_stopped_and_the_next_one_works() {
        let connection = Connection::open_in_memory().unwrap();
        let run = |limit: Duration, sql: &str| {
            run_read(&connection, Instant::now(), limit, |connection| {
                Ok(connection.query_row(sql, [], |_| Ok(()))?)
            })
        };
        let stopped = run(Duration::ZERO, ENDLESS);
        assert!(matches!(stopped, Err(RepositoryError::Storage(_))));
        run(READ_TIMEOUT, "SELECT 1").unwrap();
    }
    // ANCHOR_END: query-timeout-test

    #[tokio::test]
    async fn closing_the_database_stops_the_queries_that_are_running() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("shop.db")).unwrap();
        let (started, mut begun) = mpsc::unbounded_channel();
        let read = sqlite.read(move |connection| {
            // SQLite calls this only while a query runs. Before, an interrupt would have no effect.
            let report = move || {
                let _ = started.send(());
                false
            };
            connection.progress_handler(10_000, Some(report))?;
            Ok(connection.query_row(ENDLESS, [], |_| Ok(()))?)
        });
        tokio::select! {
            _ = read => panic!("the query never ends"),
            _ = begun.recv() => {} // The client disconnects: the future is dropped.
        }
        drop(sqlite);
        // The connection owns `report`, and with it the only sender. So when the
        // connection is closed, so is the channel.
        let closed = async { while begun.recv().await.is_some() {} };
        timeout(Duration::from_secs(60), closed).await.unwrap();
    }

    /// When the disk hangs, for example, an interrupt has no effect.
    #[tokio::test]
    async fn closing_the_database_does_not_wait_for_a_thread_that_hangs() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("shop.db")).unwrap();
        // The thread hangs until the test drops `release`.
        let (release, released) = bounded::<()>(0);
        let (started, begun) = oneshot::channel();
        let read = sqlite.read(move |_| {
            let _ = started.send(());
            let _ = released.recv();
            Ok(())
        });
        tokio::select! {
            _ = read => panic!("the thread hangs"),
            _ = begun => {} // The client disconnects: the future is dropped.
        }
        let (closed, wait) = bounded(1);
        thread::spawn(move || {
            drop(sqlite);
            let _ = closed.send(());
        });
        wait.recv_timeout(Duration::from_secs(60)).unwrap();
        drop(release);
    }

    /// The message of a panic has the name of its thread.
    #[tokio::test]
    async fn the_threads_have_names() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("shop.db")).unwrap();
        let name = |_: &Connection| Ok(thread::current().name().map(str::to_owned));
        let reader = sqlite.read(name).await.unwrap();
        let writer = sqlite.write(name).await.unwrap();
        assert_eq!(reader.as_deref(), Some("shop-reader"));
        assert_eq!(writer.as_deref(), Some("shop-writer"));
    }

    // With a paused clock, each ping would time out before a thread could answer it, and a
    // ping that times out succeeds. So this test waits for the real `PING_TIMEOUT`.
    #[tokio::test]
    async fn a_database_that_is_busy_is_ready_and_one_without_its_tables_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("shop.db")).unwrap();
        let sqlite = Arc::new(sqlite);
        // All threads read until the test drops `release`.
        let (release, released) = bounded::<()>(0);
        let (started, mut begun) = mpsc::unbounded_channel();
        let mut reads = JoinSet::new();
        for _ in 0..READERS {
            let sqlite = Arc::clone(&sqlite);
            let released = released.clone();
            let started = started.clone();
            reads.spawn(async move {
                let wait = move |_: &Connection| {
                    let _ = started.send(());
                    let _ = released.recv();
                    Ok(())
                };
                sqlite.read(wait).await
            });
        }
        for _ in 0..READERS {
            begun.recv().await.unwrap();
        }
        // No thread can answer before `release` is dropped.
        let minute = Duration::from_secs(60);
        timeout(minute, sqlite.ping()).await.unwrap().unwrap();
        drop(release);
        assert!(reads.join_all().await.into_iter().all(|read| read.is_ok()));
        sqlite.ping().await.unwrap();
        let drop_table = |connection: &Connection| {
            Ok(connection.execute_batch("DROP TABLE items")?)
        };
        sqlite.write(drop_table).await.unwrap();
        // On a machine that is very busy, a ping may time out and succeed.
        let fails = async { while sqlite.ping().await.is_ok() {} };
        timeout(minute, fails).await.unwrap();
    }

    /// A request that has waited for longer than `QUEUE_TIMEOUT` doesn't begin to read.
    #[test]
    fn a_request_that_has_waited_too_long_is_not_served() {
        let connection = Connection::open_in_memory().unwrap();
        let now = Instant::now();
        run_read(&connection, now, READ_TIMEOUT, |_| Ok(())).unwrap();
        let long_ago = now.checked_sub(2 * QUEUE_TIMEOUT).unwrap();
        let late = run_read(&connection, long_ago, READ_TIMEOUT, |_| Ok(()));
        assert!(matches!(late, Err(RepositoryError::Busy(_))));
    }

    #[tokio::test]
    async fn a_read_that_finds_the_queue_full_is_busy() {
        let folder = tempfile::tempdir().unwrap();
        let mut sqlite = Sqlite::open(&folder.path().join("shop.db")).unwrap();
        // A queue for one read, of which no thread takes any.
        let (read_queue, _reads) = bounded(1);
        sqlite.read_queue = read_queue;
        sqlite.read_queue.try_send(Box::new(|_| ())).unwrap();
        let read = sqlite.read(|_| Ok(()));
        assert!(matches!(read.await, Err(RepositoryError::Busy(_))));
    }

    /// A write that runs this SQL.
    fn a_write(
        queued: Instant,
        sql: &'static str,
        sender: oneshot::Sender<Result<(), RepositoryError>>,
    ) -> Write {
        Write {
            queued,
            run: Box::new(move |connection| {
                let run =
                    |connection: &Connection| Ok(connection.execute_batch(sql)?);
                Written::new(connection.and_then(run), sender)
            }),
        }
    }

    /// A request that has waited for longer than `QUEUE_TIMEOUT` doesn't begin to write.
    #[tokio::test]
    async fn a_write_that_has_waited_too_long_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("shop.db")).unwrap();
        let now = Instant::now();
        let long_ago = now.checked_sub(2 * QUEUE_TIMEOUT).unwrap();
        for (queued, is_refused) in [(long_ago, true), (now, false)] {
            let (sender, receiver) = oneshot::channel();
            let write =
                a_write(queued, "DELETE FROM items WHERE id = 'tea'", sender);
            sqlite
                .write_queue
                .try_send(write)
                .map_err(|_| "full")
                .unwrap();
            let result = receiver.await.unwrap();
            let busy = matches!(result, Err(RepositoryError::Busy(_)));
            assert_eq!(busy, is_refused, "{result:?}");
        }
    }

    #[tokio::test]
    async fn a_write_that_finds_the_queue_full_is_busy() {
        let folder = tempfile::tempdir().unwrap();
        let mut sqlite = Sqlite::open(&folder.path().join("shop.db")).unwrap();
        // A queue for one write, which the writer doesn't take.
        let (write_queue, writes) = bounded(1);
        sqlite.write_queue = write_queue;
        let (first, second) = tokio::join!(
            timeout(Duration::ZERO, sqlite.write(|_| Ok(()))),
            sqlite.write(|_| Ok(())),
        );
        assert!(first.is_err(), "it waits in the queue");
        assert!(matches!(second, Err(RepositoryError::Busy(_))));
        assert_eq!(writes.len(), 1);
    }

    /// After a full disk, for example, SQLite may end a transaction by itself. What comes
    /// then must not begin a new one, or its changes would be stored, and its client would
    /// get an error.
    #[tokio::test]
    async fn a_transaction_that_sqlite_has_ended_stores_nothing_more() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n)").unwrap();
        let (queue, writes) = bounded(3);
        let mut results = Vec::new();
        for sql in [
            "INSERT INTO t VALUES (1)",
            "ROLLBACK",
            "INSERT INTO t VALUES (2)",
        ] {
            let (sender, receiver) = oneshot::channel();
            queue
                .try_send(a_write(Instant::now(), sql, sender))
                .map_err(|_| "full")
                .unwrap();
            results.push(receiver);
        }
        write_group(&mut connection, writes.recv().unwrap(), &writes);
        let third = results.pop().unwrap();
        for ended in results {
            let error = ended.await.unwrap().unwrap_err();
            assert!(matches!(error, RepositoryError::Storage(_)), "{error:?}");
        }
        let count = "SELECT count(*) FROM t";
        let rows: u32 = connection.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0);
        // The third write still waits, and the next transaction is for it.
        write_group(&mut connection, writes.recv().unwrap(), &writes);
        third.await.unwrap().unwrap();
    }

    /// A copy of this project changes both. Otherwise it would refuse its own database.
    #[test]
    fn the_first_migration_writes_the_id_that_is_checked() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let id: i32 = connection
            .pragma_query_value(None, "application_id", |row| row.get(0))
            .unwrap();
        assert_eq!(id, APPLICATION_ID);
    }

    #[tokio::test]
    async fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("shop.db")).unwrap();
        let read = sqlite.read(|connection| Ok(delete_item(connection, "tea")?));
        assert!(matches!(read.await, Err(RepositoryError::Storage(_))));
    }
}

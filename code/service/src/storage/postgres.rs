//! Data in PostgreSQL.

use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection, Transaction, query_scalar};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::Instrument;

use super::StorageError;

// ANCHOR: limits
/// The maximum number of connections in the pool of one process. The health check
/// needs one more. By default, PostgreSQL allows 100 connections for all processes
/// together. Keep ten of them free for psql, backups and migrations. During a
/// deployment, there may be twice as many processes, the old and the new ones. So
/// if you normally run N processes, `2 * N * (MAX_CONNECTIONS + 1)` must not exceed
/// 90. This allows 4 processes.
const MAX_CONNECTIONS: u32 = 10;

/// How long a query may wait for a connection. After that, the client gets a 503
/// and may try again.
pub const LONGEST_WAIT: Duration = Duration::from_secs(3);
// ANCHOR_END: limits

// ANCHOR: server-limits
/// How long one statement may take. After that, PostgreSQL ends it with an
/// error.
const STATEMENT_TIMEOUT: &str = "5s";

/// How long a transaction may stay idle. If this machine vanishes from the network
/// in the middle of a transaction, PostgreSQL closes the connection after this
/// time, which rolls the transaction back and unlocks the rows.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "10s";
// ANCHOR_END: server-limits

/// How long a connection may take to answer when it goes back into the pool. This is longer
/// than `STATEMENT_TIMEOUT`, because a statement whose request was dropped may still run.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(6);

/// How long the health check waits for its connection, and how long its statement may
/// take. Kubernetes waits one second for the response by default.
const HEALTH_TIMEOUT: Duration = Duration::from_millis(400);

/// How long the result of a health check is used again. Otherwise, anybody who sends many
/// health checks could make those of the platform wait, and fail.
const HEALTH_MAX_AGE: Duration = Duration::from_millis(500);

/// A pool of connections to one database.
pub struct Postgres {
    pool: PgPool,
    /// One connection for the health check. With a connection of the other pool, the check
    /// couldn't tell a pool whose connections are all in use from a server that can't be
    /// reached: both end with [`sqlx::Error::PoolTimedOut`].
    health: PgPool,
    /// When the last health check ended, and whether it was successful.
    last_check: Mutex<Option<(Instant, bool)>>,
}

impl Postgres {
    // ANCHOR: connect
    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    ///
    /// If the database can't be reached, or a migration fails.
    pub async fn connect(url: &str) -> Result<Self, sqlx::Error> {
        let options: PgConnectOptions = url.parse()?;
        // There's no time limit for migrations: a migration may take minutes.
        let mut connection = PgConnection::connect_with(&options).await?;
        sqlx::migrate!().run(&mut connection).await?;
        connection.close().await?;
        Self::open(options).await
    }
    // ANCHOR_END: connect

    /// Connects to a database whose tables the service has made before.
    ///
    /// # Errors
    ///
    /// If the database can't be reached.
    pub async fn connect_without_migrations(
        url: &str,
    ) -> Result<Self, sqlx::Error> {
        Self::open(url.parse()?).await
    }

    // ANCHOR: open
    /// Connects to a database whose tables are up to date.
    async fn open(options: PgConnectOptions) -> Result<Self, sqlx::Error> {
        let limited = options.clone().options([
            // If an HTTP client disconnects, PostgreSQL keeps running the statement
            // that its request started. `statement_timeout` limits how long it runs.
            ("statement_timeout", STATEMENT_TIMEOUT),
            (
                "idle_in_transaction_session_timeout",
                IDLE_IN_TRANSACTION_TIMEOUT,
            ),
        ]);
        let pool = checked(PgPoolOptions::new(), RELEASE_TIMEOUT)
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(LONGEST_WAIT)
            .connect_with(limited)
            .await?;
        let health = health_pool(options);
        let last_check = Mutex::new(None);
        Ok(Self {
            pool,
            health,
            last_check,
        })
    }
    // ANCHOR_END: open

    /// The pool, for queries that need no transaction. For a transaction, use [`begin`].
    ///
    /// [`begin`]: Self::begin
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    // ANCHOR: begin
    /// Begins a transaction, which is rolled back if it's dropped before the
    /// commit.
    ///
    /// Don't use `pool().begin()`. If a client disconnects before PostgreSQL has
    /// answered `BEGIN`, sqlx 0.8.4 to 0.9.0 puts the connection back into the pool
    /// without a `ROLLBACK`. (The next version has the fix, transact-rs/sqlx#4394.)
    /// Here, `BEGIN` is sent in a task, which isn't dropped together with the request.
    /// If nobody is waiting for the transaction anymore, the task drops it, which rolls
    /// it back.
    ///
    /// # Errors
    ///
    /// If no connection is free in time, or PostgreSQL can't be reached.
    pub(crate) async fn begin(
        &self,
    ) -> Result<Transaction<'static, sqlx::Postgres>, sqlx::Error> {
        // `acquire` isn't part of the task: if a client disconnects while its request
        // waits for a connection, the request should stop waiting.
        let connection = self.pool.acquire().await?;
        let begin = Transaction::begin(connection, None).in_current_span();
        let task = tokio::spawn(begin);
        task.await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }
    // ANCHOR_END: begin

    /// The connection of the health check. Only [`check`] uses it.
    ///
    /// [`check`]: Self::check
    pub(crate) fn health_pool(&self) -> &PgPool {
        &self.health
    }

    /// Runs a health check. One check runs at a time, and those that have waited for it get its
    /// result.
    pub(crate) async fn check(
        &self,
        check: impl Future<Output = Result<(), StorageError>>,
    ) -> Result<(), StorageError> {
        let mut last = self.last_check.lock().await;
        if let Some((time, ready)) = *last
            && time.elapsed() < HEALTH_MAX_AGE
        {
            let failed =
                || StorageError::Failed("the last check has failed".into());
            return ready.then_some(()).ok_or_else(failed);
        }
        let result = check.await;
        *last = Some((Instant::now(), result.is_ok()));
        result
    }

    /// Closes all connections, after the queries that are running. If PostgreSQL doesn't
    /// respond, this may never end, so give it a time limit.
    pub async fn close(&self) {
        tokio::join!(self.pool.close(), self.health.close());
    }
}

/// A pool that connects when it's used for the first time.
fn health_pool(options: PgConnectOptions) -> PgPool {
    // Without a unit, PostgreSQL takes this as milliseconds.
    let limited =
        options.options([("statement_timeout", HEALTH_TIMEOUT.as_millis())]);
    checked(PgPoolOptions::new(), 2 * HEALTH_TIMEOUT)
        .max_connections(1)
        .acquire_timeout(HEALTH_TIMEOUT)
        .connect_lazy_with(limited)
}

// ANCHOR: checked
/// Keeps broken and read-only connections out of a pool.
fn checked(options: PgPoolOptions, limit: Duration) -> PgPoolOptions {
    options
        .after_connect(|connection, _| Box::pin(refuse_read_only(connection)))
        .after_release(move |connection, _| {
            Box::pin(async move {
                // A connection can go silent, for example if the other machine loses
                // power. sqlx's own ping has no time limit, so sqlx would replace
                // the connection only after many minutes, or never. If this closure
                // returns an error, sqlx closes the connection.
                let answer = timeout(limit, connection.ping()).await;
                answer.map_err(|_| sqlx::Error::PoolTimedOut)??;
                Ok(true)
            })
        })
}
// ANCHOR_END: checked

// ANCHOR: refuse-read-only
/// Returns an error if this server is read-only, for example because another
/// server has taken over (a failover). The pool then tries to connect again.
async fn refuse_read_only(
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let sql = "SELECT current_setting('transaction_read_only')::boolean";
    if query_scalar(sql).fetch_one(connection).await? {
        return Err(sqlx::Error::Configuration("the server is read-only".into()));
    }
    Ok(())
}
// ANCHOR_END: refuse-read-only

// ANCHOR: from-sqlx
impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        let busy = match &error {
            sqlx::Error::PoolTimedOut => true,
            // 40001: two transactions conflict, and only one can commit
            // (serialization failure). 40P01: a deadlock, which PostgreSQL ended.
            // 25006: the server is read-only, for example after a failover. 53300: too
            // many connections. 55P03: a lock wasn't available in time. 57014: a
            // statement was canceled, for example because it took too long. In each
            // case, nothing was changed: the transaction can't commit anymore, or it
            // never began.
            sqlx::Error::Database(error) => matches!(
                error.code().as_deref(),
                Some("25006" | "40001" | "40P01" | "53300" | "55P03" | "57014")
            ),
            _ => false,
        };
        if busy {
            Self::Busy(Box::new(error))
        } else {
            Self::Failed(Box::new(error))
        }
    }
}
// ANCHOR_END: from-sqlx

/// A number that a column holds as `bigint`, in a type without negative numbers.
///
/// # Errors
///
/// If it doesn't fit: then another program has written the row.
pub(crate) fn unsigned<T: TryFrom<i64>>(stored: i64) -> Result<T, StorageError> {
    T::try_from(stored).map_err(|_| {
        StorageError::Failed(format!("a column has the number {stored}").into())
    })
}

/// A number in a column of the type `bigint`. One that doesn't fit becomes the largest
/// number that does. No row has that number as its id, so nothing is found by it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_after_which_nothing_was_done_means_that_the_database_is_busy()
    {
        let busy = StorageError::from(sqlx::Error::PoolTimedOut);
        assert!(matches!(busy, StorageError::Busy(_)));
        let failed = StorageError::from(sqlx::Error::RowNotFound);
        assert!(matches!(failed, StorageError::Failed(_)));
    }
}

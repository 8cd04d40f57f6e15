//! Data in PostgreSQL.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, PgConnection, Transaction};
use tracing::Instrument;

use super::StorageError;

// ANCHOR: limits
/// The maximum number of connections per process, not counting the one for the
/// health check. By default, PostgreSQL allows 100 connections for all processes
/// together. During a deployment, the old and the new processes may run at the
/// same time. So `2 * (MAX_CONNECTIONS + 1) * number of processes` must stay below
/// 100.
const MAX_CONNECTIONS: u32 = 10;

/// How long a request waits for a connection. After that, the client gets a 503 and
/// may try again.
pub const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// How long one statement may take. After that, PostgreSQL ends it with an
/// error.
const STATEMENT_TIMEOUT: &str = "5s";
// ANCHOR_END: limits

/// How long the health check waits for its connection, and how long its statement may
/// take. Kubernetes waits one second for the response by default.
const HEALTH_TIMEOUT: Duration = Duration::from_millis(400);

/// A pool of connections to one database.
pub struct Postgres {
    pool: PgPool,
    /// One connection for the health check. With a connection of the other pool, the check
    /// couldn't tell a pool whose connections are all in use from a server that can't be
    /// reached: both end with [`sqlx::Error::PoolTimedOut`].
    health: PgPool,
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
        // `statement_timeout` ends a statement that runs too long. Otherwise,
        // PostgreSQL would keep running it, even after the HTTP client has
        // disconnected.
        let limited = options
            .clone()
            .options([("statement_timeout", STATEMENT_TIMEOUT)]);
        // There's no time limit for migrations: a migration may take minutes.
        let mut connection = PgConnection::connect_with(&options).await?;
        sqlx::migrate!().run(&mut connection).await?;
        connection.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(LONGEST_WAIT)
            .connect_with(limited)
            .await?;
        let health = health_pool(options);
        Ok(Self { pool, health })
    }
    // ANCHOR_END: connect

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
    /// Don't use `pool().begin()`. If a client disconnects, the future of its request is
    /// dropped, perhaps while the future is waiting for PostgreSQL's answer to `BEGIN`. sqlx
    /// 0.9.0 then puts the connection back into the pool without a `ROLLBACK`, so the changes
    /// of the next request become part of a transaction that is never committed. (A fix is
    /// merged, but not released: transact-rs/sqlx#4394.) So this method calls `begin` in a
    /// task, which isn't dropped together with the request. The task always gets the answer.
    /// If nobody is waiting for the transaction anymore, the task drops the transaction,
    /// which rolls it back.
    ///
    /// # Errors
    ///
    /// If no connection is free in time, or PostgreSQL can't be reached.
    pub(crate) async fn begin(
        &self,
    ) -> Result<Transaction<'static, sqlx::Postgres>, sqlx::Error> {
        let pool = self.pool.clone();
        let begin = async move { pool.begin().await };
        // A task has no span of its own, so give it the request's span, for the log.
        let task = tokio::spawn(begin.in_current_span());
        task.await.map_err(|_| sqlx::Error::WorkerCrashed)?
    }
    // ANCHOR_END: begin

    /// The connection of the health check. At most one health check at a time uses it.
    pub(crate) fn health_pool(&self) -> &PgPool {
        &self.health
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
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(HEALTH_TIMEOUT)
        .connect_lazy_with(limited)
}

// ANCHOR: from-sqlx
impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        let busy = match &error {
            sqlx::Error::PoolTimedOut => true,
            // 40001: two transactions conflict, and only one can commit
            // (serialization failure). 40P01: a deadlock, which PostgreSQL ended.
            // 53300: too many connections. 55P03: a lock wasn't available in time.
            // 57014: a statement took too long. In each case, nothing was changed:
            // PostgreSQL rolled the transaction back, or the transaction never
            // began.
            sqlx::Error::Database(error) => matches!(
                error.code().as_deref(),
                Some("40001" | "40P01" | "53300" | "55P03" | "57014")
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

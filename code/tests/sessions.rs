//! Two tabs of a browser that exchange the same refresh token at the same time.
//!
//! The tests need a PostgreSQL server, which `POSTGRES_URL` names.
#![allow(clippy::unwrap_used)] // in a test, a panic is the report
#![cfg(all(feature = "server", feature = "sqlite"))]

#[path = "support/database.rs"]
mod database;

mod sessions {
    use sqlx::postgres::{PgPool, PgPoolOptions};
    use sqlx::{PgConnection, query, query_as, query_scalar};

    use crate::database::with_database;

    /// The time in the tests, in milliseconds since 1970.
    const NOW: i64 = 1_772_439_300_000;

    /// A session with one refresh token. Names stand for the hashes of the tokens.
    async fn one_session(pool: &PgPool) {
        for statement in [
            "CREATE TABLE sessions (id bigint PRIMARY KEY, ended boolean NOT NULL)",
            "CREATE TABLE refresh_tokens (
                 hash text PRIMARY KEY, session_id bigint NOT NULL, used_at bigint)",
            "INSERT INTO sessions VALUES (1, false)",
            "INSERT INTO refresh_tokens VALUES ('first', 1, NULL)",
        ] {
            query(statement).execute(pool).await.unwrap();
        }
    }

    async fn pool(options: sqlx::postgres::PgConnectOptions) -> PgPool {
        let pool = PgPoolOptions::new().max_connections(3);
        let pool = pool.connect_with(options).await.unwrap();
        one_session(&pool).await;
        pool
    }

    // ANCHOR: find
    /// Reads a refresh token: its session, and whether it was used before.
    async fn find(
        connection: &mut PgConnection,
        token: &str,
    ) -> Result<(i64, bool), sqlx::Error> {
        let sql = "SELECT session_id, used_at IS NOT NULL
                   FROM refresh_tokens WHERE hash = $1";
        query_as(sql).bind(token).fetch_one(connection).await
    }
    // ANCHOR_END: find

    // ANCHOR: exchange
    /// Marks `old` as used, stores `new`, and returns `true`. The caller has
    /// already read `old` with [`find`]. If `old` was used before, ends the
    /// session instead, and returns `false`.
    async fn exchange(
        connection: &mut PgConnection,
        (old, new): (&str, &str),
        (session, used): (i64, bool),
    ) -> Result<bool, sqlx::Error> {
        if used {
            let sql = "UPDATE sessions SET ended = true WHERE id = $1";
            query(sql).bind(session).execute(connection).await?;
            return Ok(false);
        }
        let sql = "UPDATE refresh_tokens SET used_at = $2 WHERE hash = $1";
        let update = query(sql).bind(old).bind(NOW);
        update.execute(&mut *connection).await?;
        let sql = "INSERT INTO refresh_tokens (hash, session_id) VALUES ($1, $2)";
        let insert = query(sql).bind(new).bind(session);
        insert.execute(connection).await?;
        Ok(true)
    }
    // ANCHOR_END: exchange

    async fn has_ended(pool: &PgPool) -> bool {
        let sql = "SELECT ended FROM sessions WHERE id = 1";
        query_scalar(sql).fetch_one(pool).await.unwrap()
    }

    #[tokio::test]
    async fn two_that_read_before_either_writes_both_get_a_token() {
        with_database(|options| async {
            let pool = pool(options).await;
            let mut tab_1 = pool.acquire().await.unwrap();
            let mut tab_2 = pool.acquire().await.unwrap();
            // ANCHOR: both-read
            let found_by_1 = find(&mut tab_1, "first").await.unwrap();
            let found_by_2 = find(&mut tab_2, "first").await.unwrap();
            let pair = ("first", "second");
            assert!(exchange(&mut tab_1, pair, found_by_1).await.unwrap());
            let pair = ("first", "third");
            assert!(exchange(&mut tab_2, pair, found_by_2).await.unwrap());
            assert!(!has_ended(&pool).await);
            // ANCHOR_END: both-read
        })
        .await;
    }

    #[tokio::test]
    async fn if_the_second_reads_after_the_first_has_written_the_session_ends() {
        with_database(|options| async {
            let pool = pool(options).await;
            let mut tab_1 = pool.acquire().await.unwrap();
            let mut tab_2 = pool.acquire().await.unwrap();
            // ANCHOR: second-reads-later
            let found_by_1 = find(&mut tab_1, "first").await.unwrap();
            let pair = ("first", "second");
            assert!(exchange(&mut tab_1, pair, found_by_1).await.unwrap());
            let found_by_2 = find(&mut tab_2, "first").await.unwrap();
            let pair = ("first", "third");
            assert!(!exchange(&mut tab_2, pair, found_by_2).await.unwrap());
            assert!(has_ended(&pool).await);
            // ANCHOR_END: second-reads-later
        })
        .await;
    }

    // ANCHOR: rotate
    /// Marks a token as used, and returns its session. Returns `None` if the token
    /// is unknown, or if it was first used at least 30 seconds ago.
    async fn rotate(
        connection: &mut PgConnection,
        token: &str,
        now: i64,
    ) -> Result<Option<i64>, sqlx::Error> {
        let sql = "UPDATE refresh_tokens SET used_at = coalesce(used_at, $2)
                   WHERE hash = $1 AND (used_at IS NULL OR used_at > $2 - 30000)
                   RETURNING session_id";
        let update = query_scalar(sql).bind(token).bind(now);
        update.fetch_optional(connection).await
    }
    // ANCHOR_END: rotate

    /// Returns when a statement waits for another transaction.
    async fn statement_waits(pool: &PgPool) {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while query_scalar::<_, i64>(sql).fetch_one(pool).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn one_statement_gives_both_tabs_the_session_and_a_thief_nothing() {
        with_database(|options| async {
            let pool = pool(options).await;
            // ANCHOR: one-statement
            let mut tab_1 = pool.begin().await.unwrap();
            let found = rotate(&mut tab_1, "first", NOW).await.unwrap();
            assert_eq!(found, Some(1));

            let mut tab_2 = pool.begin().await.unwrap();
            let second = tokio::spawn(async move {
                let found = rotate(&mut tab_2, "first", NOW).await.unwrap();
                tab_2.commit().await.unwrap();
                found
            });
            statement_waits(&pool).await;
            tab_1.commit().await.unwrap();
            assert_eq!(second.await.unwrap(), Some(1));

            let mut thief = pool.acquire().await.unwrap();
            let found = rotate(&mut thief, "first", NOW + 30_000).await.unwrap();
            assert_eq!(found, None);
            // ANCHOR_END: one-statement
        })
        .await;
    }
}

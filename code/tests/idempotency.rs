//! What the chapter on idempotency keys says about two requests that have the same key and
//! arrive at the same time.
//!
//! The tests need a server. `POSTGRES_URL` names one, such as
//! `postgres://postgres@127.0.0.1/postgres`; each test makes a database of its own there.
#![cfg(all(feature = "server", feature = "sqlite"))]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

#[path = "support/postgres.rs"]
mod postgres;
mod support;

mod idempotency {
    use sqlx::postgres::PgPool;
    use sqlx::{PgConnection, query, query_scalar};

    use crate::postgres::{somebody_waits, with_database};
    use crate::support::recorded;

    // ANCHOR: tables
    const TABLES: &[&str] = &[
        "CREATE TABLE orders (
             id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
             item text NOT NULL
         )",
        "CREATE TABLE idempotency_keys (key text PRIMARY KEY, answer text)",
    ];
    // ANCHOR_END: tables

    async fn count_orders(pool: &PgPool) -> i64 {
        let sql = "SELECT count(*) FROM orders";
        query_scalar(sql).fetch_one(pool).await.unwrap()
    }

    // ANCHOR: usual
    /// The answer to an earlier request with this key.
    async fn stored_answer(
        connection: &mut PgConnection,
        key: &str,
    ) -> Result<Option<String>, sqlx::Error> {
        let sql = "SELECT answer FROM idempotency_keys WHERE key = $1";
        query_scalar(sql).bind(key).fetch_optional(connection).await
    }

    /// Stores a key with its answer.
    async fn insert_answer(
        connection: &mut PgConnection,
        key: &str,
        answer: &str,
    ) -> Result<(), sqlx::Error> {
        let sql = "INSERT INTO idempotency_keys (key, answer) VALUES ($1, $2)";
        query(sql)
            .bind(key)
            .bind(answer)
            .execute(connection)
            .await?;
        Ok(())
    }
    // ANCHOR_END: usual

    // ANCHOR: insert-order
    /// Stores an order, and returns the answer to the request.
    async fn insert_order(
        connection: &mut PgConnection,
    ) -> Result<String, sqlx::Error> {
        let sql = "INSERT INTO orders (item) VALUES ('tea') RETURNING id";
        let id: i64 = query_scalar(sql).fetch_one(connection).await?;
        Ok(format!("order {id}"))
    }
    // ANCHOR_END: insert-order

    #[tokio::test]
    async fn a_key_that_is_looked_up_first_places_two_orders() {
        with_database(TABLES, |pool| async move {
            let mut first = pool.acquire().await.unwrap();
            let mut second = pool.acquire().await.unwrap();
            // ANCHOR: usual-twice
            let seen_by_first = stored_answer(&mut first, "k1").await.unwrap();
            let seen_by_second = stored_answer(&mut second, "k1").await.unwrap();
            if seen_by_first.is_none() {
                let answer = insert_order(&mut first).await.unwrap();
                insert_answer(&mut first, "k1", &answer).await.unwrap();
            }
            if seen_by_second.is_none() {
                let answer = insert_order(&mut second).await.unwrap();
                insert_answer(&mut second, "k1", &answer).await.unwrap_err();
            }
            // ANCHOR_END: usual-twice
            let orders = count_orders(&pool).await;
            assert_eq!(orders, 2, "one order was meant");
            recorded(
                "output/idempotency/usual.txt",
                &format!("orders: {orders}\n"),
            );
        })
        .await;
    }

    /// The same steps, with each request in a transaction.
    #[tokio::test]
    async fn in_a_transaction_the_second_request_gets_an_error() {
        with_database(TABLES, |pool| async move {
            let mut first = pool.begin().await.unwrap();
            let mut second = pool.begin().await.unwrap();
            assert!(stored_answer(&mut first, "k1").await.unwrap().is_none());
            assert!(stored_answer(&mut second, "k1").await.unwrap().is_none());
            let answer = insert_order(&mut first).await.unwrap();
            insert_answer(&mut first, "k1", &answer).await.unwrap();
            first.commit().await.unwrap();
            let answer = insert_order(&mut second).await.unwrap();
            let error =
                insert_answer(&mut second, "k1", &answer).await.unwrap_err();
            let aborted = stored_answer(&mut second, "k1").await.unwrap_err();
            second.rollback().await.unwrap();

            let orders = count_orders(&pool).await;
            assert_eq!(orders, 1);
            let [error, aborted] = [error, aborted].map(|error| {
                let error = error.into_database_error().unwrap();
                let code = error.code().unwrap_or_default();
                format!("{code}: {}", error.message())
            });
            recorded(
                "output/idempotency/transaction.txt",
                &format!("{error}\n{aborted}\norders: {orders}\n"),
            );
        })
        .await;
    }

    // ANCHOR: claim
    /// Stores a key, without an answer. Returns whether the key is new.
    async fn claim_key(
        connection: &mut PgConnection,
        key: &str,
    ) -> Result<bool, sqlx::Error> {
        let sql = "INSERT INTO idempotency_keys (key) VALUES ($1)
                   ON CONFLICT DO NOTHING";
        let done = query(sql).bind(key).execute(connection).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Adds the answer to a key.
    async fn store_answer(
        connection: &mut PgConnection,
        key: &str,
        answer: &str,
    ) -> Result<(), sqlx::Error> {
        let sql = "UPDATE idempotency_keys SET answer = $2 WHERE key = $1";
        query(sql)
            .bind(key)
            .bind(answer)
            .execute(connection)
            .await?;
        Ok(())
    }
    // ANCHOR_END: claim

    // ANCHOR: place
    /// Places an order, or returns the answer to the order that has this key.
    async fn place(
        pool: &PgPool,
        key: &str,
    ) -> Result<Option<String>, sqlx::Error> {
        let mut tx = pool.begin().await?;
        if !claim_key(&mut tx, key).await? {
            return stored_answer(&mut tx, key).await;
        }
        let answer = insert_order(&mut tx).await?;
        store_answer(&mut tx, key, &answer).await?;
        tx.commit().await?;
        Ok(Some(answer))
    }
    // ANCHOR_END: place

    #[tokio::test]
    async fn a_key_that_is_stored_first_places_one_order() {
        with_database(TABLES, |pool| async move {
            // ANCHOR: claimed-first
            let mut first = pool.begin().await.unwrap();
            assert!(claim_key(&mut first, "k1").await.unwrap());

            // The retry begins before the first request commits, so it has to
            // wait.
            let retry = tokio::spawn({
                let pool = pool.clone();
                async move { place(&pool, "k1").await }
            });
            somebody_waits(&pool).await;

            let answer = insert_order(&mut first).await.unwrap();
            store_answer(&mut first, "k1", &answer).await.unwrap();
            first.commit().await.unwrap();
            let retry = retry.await.unwrap().unwrap().unwrap();
            // ANCHOR_END: claimed-first
            assert_eq!(retry, answer);
            let orders = count_orders(&pool).await;
            assert_eq!(orders, 1);
            recorded(
                "output/idempotency/claimed-first.txt",
                &format!("first: {answer}\nretry: {retry}\norders: {orders}\n"),
            );
        })
        .await;
    }

    #[tokio::test]
    async fn if_the_first_request_fails_the_retry_places_the_order() {
        with_database(TABLES, |pool| async move {
            let mut first = pool.begin().await.unwrap();
            assert!(claim_key(&mut first, "k1").await.unwrap());
            let retry = tokio::spawn({
                let pool = pool.clone();
                async move { place(&pool, "k1").await }
            });
            somebody_waits(&pool).await;

            first.rollback().await.unwrap();
            let retry = retry.await.unwrap().unwrap();
            assert!(retry.is_some());
            assert_eq!(count_orders(&pool).await, 1);
            assert_eq!(place(&pool, "k1").await.unwrap(), retry);
        })
        .await;
    }
}

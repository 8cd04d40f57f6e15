//! What the chapters on webhooks say: the signatures in their exchanges, and a webhook that is
//! delivered twice at the same time.
//!
//! The tests with a database need a server. `POSTGRES_URL` names one, such as
//! `postgres://postgres@127.0.0.1/postgres`; each test makes a database of its own there.
#![cfg(all(feature = "server", feature = "sqlite"))]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

#[path = "../service/tests/support/stripe.rs"]
mod stripe_api;
mod support;

mod webhooks {
    use std::path::Path;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::{env, fs};

    use code::service::WEBHOOK_SECRET;
    use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
    use sqlx::{AssertSqlSafe, Connection, PgConnection, query, query_scalar};

    use crate::stripe_api::sign;
    use crate::support::recorded;

    /// An event in an exchange file has to be signed again when its body changes.
    #[test]
    fn each_event_in_an_exchange_is_signed_unless_it_is_forged() {
        for file in [
            "webhooks",
            "replay-attacks",
            "processed-events",
            "events-out-of-order",
        ] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("exchanges");
            let text = fs::read_to_string(path.join(file).with_extension("http"));
            let text = text.unwrap();
            let mut events = 0;
            for exchange in text.split("\n### ") {
                let Some((title, request)) =
                    exchange.split_once("\nPOST /webhooks/stripe HTTP/1.1\n")
                else {
                    continue;
                };
                let (request, _answer) = request.split_once("\n\nHTTP/").unwrap();
                let (head, body) = request.split_once("\n\n").unwrap();
                let signature = head.strip_prefix("stripe-signature: ").unwrap();
                let (time, _) = signature.split_once(',').unwrap();
                let time = time.strip_prefix("t=").unwrap().parse().unwrap();
                let right = sign(body.as_bytes(), WEBHOOK_SECRET, time);
                let is_forged = title.contains("forged");
                assert_eq!(
                    signature == right,
                    !is_forged,
                    "in {file}.http, the signature of \"{title}\" is {right}"
                );
                events += 1;
            }
            assert!(events > 0, "{file}.http has no event");
        }
    }

    /// Runs a test with a database of its own, if `POSTGRES_URL` is set.
    async fn with_database<F: Future<Output = ()>>(test: impl FnOnce(PgPool) -> F) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Ok(url) = env::var("POSTGRES_URL") else {
            eprintln!("left out, as POSTGRES_URL is not set");
            return;
        };
        let options: PgConnectOptions =
            url.parse().expect("POSTGRES_URL is an address");
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("webhooks_{}_{count}", std::process::id());
        let mut server = PgConnection::connect_with(&options).await.unwrap();
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        query(create).execute(&mut server).await.unwrap();

        let pool = PgPoolOptions::new().max_connections(3);
        let pool = pool.connect_with(options.database(&name)).await.unwrap();
        for statement in [
            "CREATE TABLE items (id text PRIMARY KEY, stock bigint NOT NULL)",
            "INSERT INTO items VALUES ('croissant', 0)",
            "CREATE TABLE stripe_events (id text PRIMARY KEY)",
        ] {
            query(statement).execute(&pool).await.unwrap();
        }
        test(pool.clone()).await;

        pool.close().await;
        let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
        query(drop).execute(&mut server).await.unwrap();
    }

    async fn stock(pool: &PgPool) -> i64 {
        let sql = "SELECT stock FROM items WHERE id = 'croissant'";
        query_scalar(sql).fetch_one(pool).await.unwrap()
    }

    // ANCHOR: usual
    /// Returns whether this event is stored.
    async fn is_stored(
        connection: &mut PgConnection,
        event: &str,
    ) -> Result<bool, sqlx::Error> {
        let sql = "SELECT EXISTS (SELECT 1 FROM stripe_events WHERE id = $1)";
        query_scalar(sql).bind(event).fetch_one(connection).await
    }

    /// Stores the id of an event.
    async fn store(
        connection: &mut PgConnection,
        event: &str,
    ) -> Result<(), sqlx::Error> {
        let sql = "INSERT INTO stripe_events (id) VALUES ($1)";
        query(sql).bind(event).execute(connection).await?;
        Ok(())
    }
    // ANCHOR_END: usual

    // ANCHOR: put-back
    /// Puts the croissant of an expired order back in stock.
    async fn put_back(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let sql = "UPDATE items SET stock = stock + 1 WHERE id = 'croissant'";
        query(sql).execute(connection).await?;
        Ok(())
    }
    // ANCHOR_END: put-back

    #[tokio::test]
    async fn an_event_that_is_looked_up_first_is_applied_twice() {
        with_database(|pool| async move {
            let mut first = pool.acquire().await.unwrap();
            let mut second = pool.acquire().await.unwrap();
            // ANCHOR: usual-twice
            let first_knows = is_stored(&mut first, "evt_1").await.unwrap();
            let second_knows = is_stored(&mut second, "evt_1").await.unwrap();
            if !first_knows {
                put_back(&mut first).await.unwrap();
                store(&mut first, "evt_1").await.unwrap();
            }
            if !second_knows {
                put_back(&mut second).await.unwrap();
                store(&mut second, "evt_1").await.unwrap_err();
            }
            // ANCHOR_END: usual-twice
            let stock = stock(&pool).await;
            assert_eq!(stock, 2, "one croissant was ordered");
            recorded(
                "output/duplicate-events/usual.txt",
                &format!("stock: {stock}\n"),
            );
        })
        .await;
    }

    #[tokio::test]
    async fn in_transactions_the_second_delivery_fails_and_changes_nothing() {
        with_database(|pool| async move {
            let mut first = pool.begin().await.unwrap();
            let mut second = pool.begin().await.unwrap();
            assert!(!is_stored(&mut first, "evt_1").await.unwrap());
            assert!(!is_stored(&mut second, "evt_1").await.unwrap());
            put_back(&mut first).await.unwrap();
            store(&mut first, "evt_1").await.unwrap();
            first.commit().await.unwrap();
            put_back(&mut second).await.unwrap();
            store(&mut second, "evt_1").await.unwrap_err();
            second.rollback().await.unwrap();
            assert_eq!(stock(&pool).await, 1);
        })
        .await;
    }

    // ANCHOR: record
    /// Stores the id of an event. Returns whether the event is new.
    async fn store_if_new(
        connection: &mut PgConnection,
        event: &str,
    ) -> Result<bool, sqlx::Error> {
        let sql = "INSERT INTO stripe_events (id) VALUES ($1)
                   ON CONFLICT (id) DO NOTHING";
        let done = query(sql).bind(event).execute(connection).await?;
        Ok(done.rows_affected() == 1)
    }
    // ANCHOR_END: record

    // ANCHOR: receive
    /// Stores an event and makes its change. Returns whether the event was new.
    async fn receive(pool: &PgPool, event: &str) -> Result<bool, sqlx::Error> {
        let mut tx = pool.begin().await?;
        let is_new = store_if_new(&mut tx, event).await?;
        if is_new {
            put_back(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(is_new)
    }
    // ANCHOR_END: receive

    /// Returns when a connection to this database waits for a lock of another one.
    async fn somebody_waits(pool: &PgPool) {
        let sql = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock')";
        while !query_scalar::<_, bool>(sql).fetch_one(pool).await.unwrap() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_event_that_is_stored_first_is_applied_once() {
        with_database(|pool| async move {
            // ANCHOR: stored-first
            let mut first = pool.begin().await.unwrap();
            assert!(store_if_new(&mut first, "evt_1").await.unwrap());

            // The second delivery begins before the first one commits, so it has to wait.
            let second = tokio::spawn({
                let pool = pool.clone();
                async move { receive(&pool, "evt_1").await }
            });
            somebody_waits(&pool).await;

            put_back(&mut first).await.unwrap();
            first.commit().await.unwrap();
            let second_is_new = second.await.unwrap().unwrap();
            // ANCHOR_END: stored-first
            assert!(!second_is_new);
            let stock = stock(&pool).await;
            assert_eq!(stock, 1);
            let file = "output/duplicate-events/stored-first.txt";
            let text = format!("second_is_new: {second_is_new}\nstock: {stock}\n");
            recorded(file, &text);
        })
        .await;
    }

    #[tokio::test]
    async fn an_event_whose_first_delivery_fails_is_new_for_the_second_one() {
        with_database(|pool| async move {
            let mut first = pool.begin().await.unwrap();
            assert!(store_if_new(&mut first, "evt_1").await.unwrap());
            let second = tokio::spawn({
                let pool = pool.clone();
                async move { receive(&pool, "evt_1").await }
            });
            somebody_waits(&pool).await;

            first.rollback().await.unwrap();
            assert!(second.await.unwrap().unwrap());
            assert_eq!(stock(&pool).await, 1);
        })
        .await;
    }
}

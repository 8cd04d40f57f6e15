//! What the chapter on the pages of the orders says about ids in PostgreSQL.
//!
//! The test needs a server. `POSTGRES_URL` names one, such as
//! `postgres://postgres@127.0.0.1/postgres`; the test makes a database of its own there.
#![cfg(all(feature = "server", feature = "sqlite"))]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

#[path = "support/postgres.rs"]
mod postgres;
mod support;

mod order_pages {
    use std::fmt::Write;

    use sqlx::postgres::PgPool;
    use sqlx::{PgConnection, query_scalar};

    use crate::postgres::with_database;
    use crate::support::recorded;

    const TABLES: &[&str] = &["CREATE TABLE orders (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
    )"];

    async fn insert_order(connection: &mut PgConnection) -> i64 {
        let sql = "INSERT INTO orders DEFAULT VALUES RETURNING id";
        query_scalar(sql).fetch_one(connection).await.unwrap()
    }

    /// The orders after this one, from the oldest to the newest.
    async fn page_after(pool: &PgPool, id: i64) -> Vec<i64> {
        let sql = "SELECT id FROM orders WHERE id > $1 ORDER BY id";
        query_scalar(sql).bind(id).fetch_all(pool).await.unwrap()
    }

    #[tokio::test]
    async fn from_the_oldest_to_the_newest_a_client_can_miss_an_order() {
        with_database(TABLES, |pool| async move {
            // ANCHOR: oldest-first
            let mut ada = pool.begin().await.unwrap();
            let mut bo = pool.begin().await.unwrap();
            let adas_order = insert_order(&mut ada).await;
            let bos_order = insert_order(&mut bo).await;

            bo.commit().await.unwrap();
            let first_page = page_after(&pool, 0).await;
            ada.commit().await.unwrap();
            let next_page = page_after(&pool, bos_order).await;
            // ANCHOR_END: oldest-first
            let all = page_after(&pool, 0).await;
            assert_eq!(all, [adas_order, bos_order]);
            let mut text = String::new();
            for (name, page) in
                [("first", first_page), ("next", next_page), ("all", all)]
            {
                writeln!(text, "{name}: {page:?}").unwrap();
            }
            recorded("output/order-pages/oldest-first.txt", &text);
        })
        .await;
    }
}

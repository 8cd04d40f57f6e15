//! What the chapters on PostgreSQL say about sqlx and about the database itself.
//!
//! The tests need a server. `POSTGRES_URL` names one, such as
//! `postgres://postgres@127.0.0.1/postgres`; each test makes a database of its own there.
#![allow(clippy::unwrap_used)] // in a test, a panic is the report
#![cfg(all(feature = "server", feature = "sqlite"))]

#[path = "support/database.rs"]
mod database;
mod support;

mod postgresql {
    use std::ops::Range;
    use std::pin::pin;
    use std::time::Duration;

    use sqlx::migrate::Migrator;
    use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
    use sqlx::{
        AssertSqlSafe, FromRow, PgConnection, query, query_as, query_scalar,
    };
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use crate::database::with_database;
    use crate::support::recorded;

    /// A pool of this many connections.
    async fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
        let pool = PgPoolOptions::new().max_connections(connections);
        pool.connect_with(options).await.unwrap()
    }

    /// Runs these statements, one after the other.
    async fn execute_all(pool: &PgPool, statements: &[&'static str]) {
        for statement in statements {
            query(*statement).execute(pool).await.unwrap();
        }
    }

    /// Makes a request for each number, all at the same time, each in a task of its own.
    async fn at_once<T, F>(
        numbers: Range<i64>,
        pool: &PgPool,
        request: impl Fn(PgPool, i64) -> F,
    ) -> Vec<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let requests = numbers.map(|number| request(pool.clone(), number));
        requests.collect::<JoinSet<_>>().join_all().await
    }

    /// What PostgreSQL says. (The text of sqlx's own error also has the line in the source of
    /// PostgreSQL, which is another one in each version.)
    fn message(error: &sqlx::Error) -> String {
        let error = error.as_database_error().unwrap();
        let code = error.code().unwrap_or_default();
        format!("{code}: {}\n", error.message())
    }

    #[tokio::test]
    async fn a_connection_that_is_held_keeps_others_waiting() {
        with_database(|options| async {
            // Long enough to open the connection on a busy machine.
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .acquire_timeout(Duration::from_secs(3))
                .connect_with(options)
                .await
                .unwrap();
            // ANCHOR: pool-timed-out
            let connection = pool.acquire().await.unwrap();
            // Here, the first request would call a slow payment provider. Meanwhile,
            // another request runs this query:
            let error = query("SELECT 1").execute(&pool).await.unwrap_err();
            drop(connection);
            // ANCHOR_END: pool-timed-out
            assert!(matches!(error, sqlx::Error::PoolTimedOut));
            recorded("output/pools/timed-out.txt", &format!("{error}\n"));
            query("SELECT 1").execute(&pool).await.unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn a_migration_that_was_edited_is_refused() {
        with_database(|options| async {
            let pool = pool(options, 1).await;
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("0001_menu.sql");
            std::fs::write(&file, "CREATE TABLE items (id text PRIMARY KEY);\n")
                .unwrap();
            Migrator::new(folder.path())
                .await
                .unwrap()
                .run(&pool)
                .await
                .unwrap();

            let edited =
                "-- The menu.\nCREATE TABLE items (id text PRIMARY KEY);\n";
            std::fs::write(&file, edited).unwrap();
            let edited = Migrator::new(folder.path()).await.unwrap();
            let error = edited.run(&pool).await.unwrap_err();
            recorded("output/sqlx/edited-migration.txt", &format!("{error}\n"));
        })
        .await;
    }

    #[tokio::test]
    async fn a_migration_that_is_missing_is_refused() {
        with_database(|options| async {
            let pool = pool(options, 1).await;
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("0002_orders.sql");
            std::fs::write(&file, "CREATE TABLE orders (id bigint PRIMARY KEY);\n")
                .unwrap();
            Migrator::new(folder.path())
                .await
                .unwrap()
                .run(&pool)
                .await
                .unwrap();

            std::fs::remove_file(&file).unwrap();
            let older = Migrator::new(folder.path()).await.unwrap();
            let error = older.run(&pool).await.unwrap_err();
            recorded("output/sqlx/missing-migration.txt", &format!("{error}\n"));
        })
        .await;
    }

    /// A table with two items, and one order for the first.
    async fn menu_and_orders(pool: &PgPool) {
        let statements = [
            "CREATE TABLE items (id text PRIMARY KEY, stock bigint NOT NULL)",
            "CREATE TABLE orders (id bigint PRIMARY KEY, item text NOT NULL, note text)",
            "INSERT INTO items VALUES ('espresso', 40), ('tea', 20)",
            "INSERT INTO orders VALUES (1, 'espresso', NULL)",
        ];
        execute_all(pool, &statements).await;
    }

    // ANCHOR: left-join-row
    #[derive(FromRow)]
    struct ItemWithOrder {
        id: String,
        order_id: i64,
    }
    // ANCHOR_END: left-join-row

    #[tokio::test]
    async fn a_left_join_gives_null_where_nothing_matches() {
        with_database(|options| async {
            let pool = pool(options, 1).await;
            menu_and_orders(&pool).await;
            // ANCHOR: left-join
            let sql = "SELECT items.id, orders.id AS order_id
                       FROM items LEFT JOIN orders ON orders.item = items.id
                       ORDER BY items.id";
            let rows: Result<Vec<ItemWithOrder>, _> =
                query_as(sql).fetch_all(&pool).await;
            // ANCHOR_END: left-join
            let error = rows
                .map(|rows| {
                    rows.into_iter()
                        .map(|row| (row.id, row.order_id))
                        .collect::<Vec<_>>()
                })
                .unwrap_err();
            recorded("output/sqlx/unexpected-null.txt", &format!("{error}\n"));

            let rows: Vec<(String, Option<i64>)> =
                query_as(sql).fetch_all(&pool).await.unwrap();
            assert_eq!(rows, [("espresso".into(), Some(1)), ("tea".into(), None)]);
        })
        .await;
    }

    // ANCHOR: second-connection
    /// How many units of an item are in stock. This borrows a connection from the pool.
    async fn stock(pool: &PgPool, item: &str) -> Result<i64, sqlx::Error> {
        let sql = "SELECT stock FROM items WHERE id = $1";
        query_scalar(sql).bind(item).fetch_one(pool).await
    }

    async fn sell_wrong(pool: &PgPool, item: &str) -> Result<i64, sqlx::Error> {
        let mut tx = pool.begin().await?; // the first connection
        take_one(&mut tx, item).await?;
        let left = stock(pool, item).await?; // the second one
        tx.commit().await?;
        Ok(left)
    }
    // ANCHOR_END: second-connection

    // ANCHOR: same-connection
    async fn stock_in(
        connection: &mut PgConnection,
        item: &str,
    ) -> Result<i64, sqlx::Error> {
        let sql = "SELECT stock FROM items WHERE id = $1";
        query_scalar(sql).bind(item).fetch_one(connection).await
    }

    async fn sell(pool: &PgPool, item: &str) -> Result<i64, sqlx::Error> {
        let mut tx = pool.begin().await?;
        take_one(&mut tx, item).await?;
        let left = stock_in(&mut tx, item).await?;
        tx.commit().await?;
        Ok(left)
    }
    // ANCHOR_END: same-connection

    #[tokio::test]
    async fn a_transaction_that_needs_a_second_connection_may_wait_for_itself() {
        with_database(|options| async {
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .acquire_timeout(Duration::from_secs(3))
                .connect_with(options)
                .await
                .unwrap();
            menu_and_orders(&pool).await;
            let error = sell_wrong(&pool, "tea").await.unwrap_err();
            assert!(matches!(error, sqlx::Error::PoolTimedOut));
            assert_eq!(stock(&pool, "tea").await.unwrap(), 20); // rolled back
            assert_eq!(sell(&pool, "tea").await.unwrap(), 19);

            // With a second connection, it doesn't fail, but returns the stock before its
            // own change.
            pool.close().await;
            let options = (*pool.connect_options()).clone();
            let pool = self::pool(options, 2).await;
            assert_eq!(sell_wrong(&pool, "tea").await.unwrap(), 19);
            assert_eq!(stock(&pool, "tea").await.unwrap(), 18);
        })
        .await;
    }

    // ANCHOR: conditional-update
    /// Sets the stock of an item, if the item still has this version. Returns `false` if
    /// somebody else has changed the item, or if there's no such item.
    async fn set_stock(
        pool: &PgPool,
        id: &str,
        version: i64,
        stock: i64,
    ) -> Result<bool, sqlx::Error> {
        let sql = "UPDATE versioned_items SET stock = $3, version = version + 1
                   WHERE id = $1 AND version = $2";
        let query = query(sql).bind(id).bind(version).bind(stock);
        let updated = query.execute(pool).await?;
        Ok(updated.rows_affected() == 1)
    }
    // ANCHOR_END: conditional-update

    #[tokio::test]
    async fn a_conditional_update_changes_only_the_version_that_was_read() {
        with_database(|options| async {
            let pool = pool(options, 1).await;
            let statements = [
                "CREATE TABLE versioned_items (
                     id text PRIMARY KEY, stock bigint NOT NULL, version bigint NOT NULL
                 )",
                "INSERT INTO versioned_items VALUES ('tea', 20, 1)",
            ];
            execute_all(&pool, &statements).await;
            assert!(set_stock(&pool, "tea", 1, 30).await.unwrap());
            assert!(!set_stock(&pool, "tea", 1, 40).await.unwrap());
            assert!(!set_stock(&pool, "water", 1, 40).await.unwrap());
            assert!(set_stock(&pool, "tea", 2, 40).await.unwrap());
            let sql = "SELECT stock FROM versioned_items";
            let stock: i64 = query_scalar(sql).fetch_one(&pool).await.unwrap();
            assert_eq!(stock, 40);
        })
        .await;
    }

    #[tokio::test]
    async fn an_in_list_is_one_parameter() {
        with_database(|options| async {
            let pool = pool(options, 1).await;
            menu_and_orders(&pool).await;
            let wanted = vec!["tea".to_owned(), "water".to_owned()];
            // ANCHOR: in-list
            let found: Vec<String> =
                query_scalar("SELECT id FROM items WHERE id = ANY($1)")
                    .bind(&wanted)
                    .fetch_all(&pool)
                    .await
                    .unwrap();
            // ANCHOR_END: in-list
            assert_eq!(found, ["tea"]);

            let error =
                query_scalar::<_, String>("SELECT id FROM items WHERE id IN ($1)")
                    .bind(&wanted)
                    .fetch_all(&pool)
                    .await
                    .unwrap_err();
            recorded("output/postgresql/in-list.txt", &message(&error));
        })
        .await;
    }

    // ANCHOR: add-item
    /// Why an item wasn't added.
    #[derive(Debug)]
    enum AddError {
        /// An item with this id already exists. The response should be a 409.
        IdTaken,
        /// The database failed or was busy. The response should be a 500 or a 503.
        Database(sqlx::Error),
    }

    async fn add_item(pool: &PgPool, id: &str, stock: i64) -> Result<(), AddError> {
        let sql = "INSERT INTO items (id, stock) VALUES ($1, $2)";
        match query(sql).bind(id).bind(stock).execute(pool).await {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Err(AddError::IdTaken)
            }
            Err(error) => Err(AddError::Database(error)),
        }
    }
    // ANCHOR_END: add-item

    #[tokio::test]
    async fn a_value_that_exists_is_a_unique_violation() {
        with_database(|options| async {
            let pool = pool(options, 1).await;
            menu_and_orders(&pool).await;
            let error = query("INSERT INTO items VALUES ('tea', 1)")
                .execute(&pool)
                .await
                .unwrap_err();
            recorded("output/postgresql/unique.txt", &message(&error));
            let database = error.as_database_error().unwrap();
            assert_eq!(database.constraint(), Some("items_pkey"));

            add_item(&pool, "water", 1).await.unwrap();
            let error = add_item(&pool, "tea", 1).await.unwrap_err();
            assert!(matches!(error, AddError::IdTaken));
            pool.close().await;
            match add_item(&pool, "milk", 1).await.unwrap_err() {
                AddError::Database(error) => {
                    assert!(matches!(error, sqlx::Error::PoolClosed));
                }
                AddError::IdTaken => panic!("nothing was inserted"),
            }
        })
        .await;
    }

    // ANCHOR: take-stock
    /// Takes one unit of an item out of stock. Returns `false` if none is left.
    async fn take_one(
        connection: &mut PgConnection,
        item: &str,
    ) -> Result<bool, sqlx::Error> {
        let sql = "UPDATE items SET stock = stock - 1 WHERE id = $1 AND stock > 0";
        let done = query(sql).bind(item).execute(connection).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Stores an order.
    async fn insert_order(
        connection: &mut PgConnection,
        id: i64,
        item: &str,
    ) -> Result<(), sqlx::Error> {
        let sql = "INSERT INTO orders (id, item) VALUES ($1, $2)";
        query(sql).bind(id).bind(item).execute(connection).await?;
        Ok(())
    }
    // ANCHOR_END: take-stock

    // ANCHOR: one-transaction
    async fn order_one(
        pool: &PgPool,
        id: i64,
        item: &str,
    ) -> Result<bool, sqlx::Error> {
        let mut tx = pool.begin().await?;
        if !take_one(&mut tx, item).await? {
            return Ok(false);
        }
        insert_order(&mut tx, id, item).await?;
        tx.commit().await?;
        Ok(true)
    }
    // ANCHOR_END: one-transaction

    #[tokio::test]
    async fn two_functions_share_one_transaction() {
        with_database(|options| async {
            let pool = pool(options, 1).await;
            menu_and_orders(&pool).await;
            let stock = || async {
                let sql = "SELECT stock FROM items WHERE id = 'tea'";
                query_scalar::<_, i64>(sql).fetch_one(&pool).await.unwrap()
            };
            assert!(order_one(&pool, 2, "tea").await.unwrap());
            assert_eq!(stock().await, 19);
            // The id exists, so the second statement fails, and the first one is undone.
            order_one(&pool, 2, "tea").await.unwrap_err();
            assert_eq!(stock().await, 19);
            assert!(!order_one(&pool, 3, "water").await.unwrap());
        })
        .await;
    }

    /// Begins a transaction as a request does whose client disconnects: the future of `begin`
    /// is dropped after PostgreSQL has executed `BEGIN`, and before it has read the answer.
    async fn begin_and_disconnect(pool: &PgPool, other: &PgPool) {
        let sql = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND state = 'idle in transaction'";
        loop {
            let mut begin = pin!(pool.begin());
            // The future is polled until it waits for the answer. If the answer was there at
            // once, the next attempt follows. The rollback comes first: a transaction of this
            // attempt that is still open would look like that of the next one.
            let begun = loop {
                if let Ok(begun) = timeout(Duration::ZERO, begin.as_mut()).await {
                    break begun.unwrap();
                }
                let open: i64 = query_scalar(sql).fetch_one(other).await.unwrap();
                if open == 1 {
                    return;
                }
            };
            begun.rollback().await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_begin_that_is_dropped_leaves_its_transaction_open() {
        with_database(|options| async {
            let other = pool(options.clone(), 1).await;
            let pool = pool(options, 1).await;
            menu_and_orders(&pool).await;
            // ANCHOR: begin-dropped
            // The client of a request disconnects while `pool.begin()` waits for
            // PostgreSQL's answer. axum drops the future of the request.
            begin_and_disconnect(&pool, &other).await;

            // The next request gets the same connection. Its change seems to succeed:
            let sql = "UPDATE items SET stock = 39 WHERE id = 'espresso'";
            let done = query(sql).execute(&pool).await.unwrap();
            assert_eq!(done.rows_affected(), 1);

            // But no other connection sees the change, because it isn't committed.
            let sql = "SELECT stock FROM items WHERE id = 'espresso'";
            let stock: i64 = query_scalar(sql).fetch_one(&other).await.unwrap();
            assert_eq!(stock, 40);
            // ANCHOR_END: begin-dropped
        })
        .await;
    }

    // ANCHOR: read-then-write
    /// Reads the stock of tea.
    async fn read_stock(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
        let sql = "SELECT stock FROM items WHERE id = 'tea'";
        query_scalar(sql).fetch_one(connection).await
    }

    /// Writes a stock level that the program has computed.
    async fn write_stock(
        connection: &mut PgConnection,
        stock: i64,
    ) -> Result<(), sqlx::Error> {
        let sql = "UPDATE items SET stock = $1 WHERE id = 'tea'";
        query(sql).bind(stock).execute(connection).await?;
        Ok(())
    }
    // ANCHOR_END: read-then-write

    /// Two transactions on one item, one step at a time: both read, then the first one writes,
    /// and then the second one. Returns the result of the second one, and the stock at the end.
    async fn two_sales(
        pool: &PgPool,
        begin: &'static str,
    ) -> (Result<(), sqlx::Error>, i64) {
        // ANCHOR: two-sales
        let mut first = pool.begin_with(begin).await.unwrap();
        let mut second = pool.begin_with(begin).await.unwrap();
        let seen_by_first = read_stock(&mut first).await.unwrap();
        let seen_by_second = read_stock(&mut second).await.unwrap();
        write_stock(&mut first, seen_by_first - 1).await.unwrap();
        first.commit().await.unwrap();
        let result = write_stock(&mut second, seen_by_second - 1).await;
        // ANCHOR_END: two-sales
        let result = match result {
            Ok(()) => second.commit().await,
            failed => second.rollback().await.and(failed),
        };
        let mut connection = pool.acquire().await.unwrap();
        (result, read_stock(&mut connection).await.unwrap())
    }

    #[tokio::test]
    async fn read_committed_loses_an_update_that_repeatable_read_refuses() {
        with_database(|options| async {
            let pool = pool(options, 2).await;
            menu_and_orders(&pool).await;
            let (result, stock) = two_sales(&pool, "BEGIN").await;
            result.unwrap();
            assert_eq!(stock, 19, "two were sold, and the stock has lost one");

            let (result, stock) =
                two_sales(&pool, "BEGIN ISOLATION LEVEL REPEATABLE READ").await;
            let error = result.unwrap_err();
            assert_eq!(stock, 18, "only the first sale is stored");
            recorded("output/isolation/serialization.txt", &message(&error));
        })
        .await;
    }

    // ANCHOR: for-update
    /// Sells a cup of tea. Returns the new stock.
    async fn sell_with_lock(pool: &PgPool) -> Result<i64, sqlx::Error> {
        let mut tx = pool.begin().await?;
        let sql = "SELECT stock FROM items WHERE id = 'tea' FOR UPDATE";
        let stock: i64 = query_scalar(sql).fetch_one(&mut *tx).await?;
        write_stock(&mut tx, stock - 1).await?;
        tx.commit().await?;
        Ok(stock - 1)
    }
    // ANCHOR_END: for-update

    #[tokio::test]
    async fn with_for_update_all_sales_are_counted() {
        with_database(|options| async {
            let pool = pool(options, 8).await;
            menu_and_orders(&pool).await;
            // ANCHOR: two-sales-for-update
            let (one, other) =
                tokio::join!(sell_with_lock(&pool), sell_with_lock(&pool));
            let mut stocks = [one.unwrap(), other.unwrap()];
            stocks.sort();
            assert_eq!(stocks, [18, 19]);
            // ANCHOR_END: two-sales-for-update

            // Two sales may run one after the other by luck. Of 18, some would meet.
            let sell =
                |pool, _| async move { sell_with_lock(&pool).await.unwrap() };
            let mut stocks = at_once(0..18, &pool, sell).await;
            stocks.sort();
            assert_eq!(stocks, (0..18).collect::<Vec<_>>());
        })
        .await;
    }

    // ANCHOR: count
    /// How many orders may be open at the same time.
    const MAX_OPEN: i64 = 2;

    /// Counts the open orders. (In this test, all orders are open.)
    async fn count_orders(
        connection: &mut PgConnection,
    ) -> Result<i64, sqlx::Error> {
        let sql = "SELECT count(*) FROM orders";
        query_scalar(sql).fetch_one(connection).await
    }
    // ANCHOR_END: count

    /// Two transactions, one step at a time: both count the open orders, and both insert another
    /// one. Returns the result of the second one, and the number of orders at the end.
    async fn two_orders(
        pool: &PgPool,
        begin: &'static str,
    ) -> (Result<(), sqlx::Error>, i64) {
        // ANCHOR: two-orders
        let mut first = pool.begin_with(begin).await.unwrap();
        let mut second = pool.begin_with(begin).await.unwrap();
        assert!(count_orders(&mut first).await.unwrap() < MAX_OPEN);
        assert!(count_orders(&mut second).await.unwrap() < MAX_OPEN);
        insert_order(&mut first, 2, "tea").await.unwrap();
        insert_order(&mut second, 3, "tea").await.unwrap();
        first.commit().await.unwrap();
        let result = second.commit().await;
        // ANCHOR_END: two-orders
        let mut connection = pool.acquire().await.unwrap();
        (result, count_orders(&mut connection).await.unwrap())
    }

    #[tokio::test]
    async fn repeatable_read_allows_a_write_skew_that_serializable_refuses() {
        with_database(|options| async {
            let pool = pool(options, 2).await;
            menu_and_orders(&pool).await;
            let (result, open) =
                two_orders(&pool, "BEGIN ISOLATION LEVEL REPEATABLE READ").await;
            result.unwrap();
            assert_eq!(open, MAX_OPEN + 1, "both orders are stored");

            query("DELETE FROM orders WHERE id > 1")
                .execute(&pool)
                .await
                .unwrap();
            let (result, open) =
                two_orders(&pool, "BEGIN ISOLATION LEVEL SERIALIZABLE").await;
            let error = result.unwrap_err();
            assert!(may_retry(&error));
            assert_eq!(open, MAX_OPEN, "only the first order is stored");
            recorded("output/isolation/write-skew.txt", &message(&error));
        })
        .await;
    }

    // ANCHOR: order-limit
    /// Stores an order. Returns `false` if too many orders are open.
    async fn order_within_limit(
        pool: &PgPool,
        id: i64,
        item: &str,
    ) -> Result<bool, sqlx::Error> {
        let mut tx = pool.begin().await?;
        let sql = "SELECT max_open FROM order_limit FOR UPDATE";
        let max_open: i64 = query_scalar(sql).fetch_one(&mut *tx).await?;
        if count_orders(&mut tx).await? >= max_open {
            return Ok(false);
        }
        insert_order(&mut tx, id, item).await?;
        tx.commit().await?;
        Ok(true)
    }
    // ANCHOR_END: order-limit

    #[tokio::test]
    async fn never_more_orders_are_open_than_the_limit_says() {
        with_database(|options| async {
            let pool = pool(options, 8).await;
            menu_and_orders(&pool).await;
            let statements = [
                "CREATE TABLE order_limit (max_open bigint NOT NULL)",
                "INSERT INTO order_limit VALUES (5)",
            ];
            execute_all(&pool, &statements).await;
            let stored = at_once(2..18, &pool, |pool, id| async move {
                order_within_limit(&pool, id, "tea").await.unwrap()
            })
            .await;
            // One order was there before.
            assert_eq!(stored.iter().filter(|stored| **stored).count(), 4);
            let mut connection = pool.acquire().await.unwrap();
            assert_eq!(count_orders(&mut connection).await.unwrap(), 5);
        })
        .await;
    }

    /// The migration that a reader adds to the service.
    const FAVORITES: &str =
        include_str!("../favorites/migrations/0005_favorites.sql");

    #[tokio::test]
    async fn the_migration_of_the_favorites_follows_those_of_the_service() {
        with_database(|options| async {
            let pool = pool(options, 1).await;
            sqlx::migrate!("service/migrations")
                .run(&pool)
                .await
                .unwrap();
            let account = "INSERT INTO customers
                           (email, email_key, name, password_hash, role, created_at)
                           VALUES ('a', 'a', 'Ada', '', 'customer', 0)";
            execute_all(&pool, &[FAVORITES, account]).await;
            let add = async |customer: i64, item: &str| {
                let sql =
                    "INSERT INTO favorites (customer_id, item_id) VALUES ($1, $2)";
                let added =
                    query(sql).bind(customer).bind(item).execute(&pool).await;
                let error = added.err()?.into_database_error().unwrap();
                error.constraint().map(str::to_owned)
            };
            assert_eq!(add(1, "tea").await, None);
            let violated = |name: &str| Some(name.to_owned());
            assert_eq!(add(1, "tea").await, violated("favorites_pkey"));
            assert_eq!(add(1, "cake").await, violated("favorites_item_id_fkey"));
            assert_eq!(add(2, "tea").await, violated("favorites_customer_id_fkey"));
        })
        .await;
    }

    /// Two customers, the drinks that they like best, and their orders.
    async fn customers(pool: &PgPool) {
        let statements = [
            "CREATE TABLE customers (id bigint PRIMARY KEY)",
            "CREATE TABLE items (id text PRIMARY KEY)",
            FAVORITES,
            "CREATE TABLE orders (
                id bigint PRIMARY KEY,
                customer_id bigint NOT NULL REFERENCES customers
            )",
            "INSERT INTO customers VALUES (1), (2)",
            "INSERT INTO items SELECT generate_series(0, 39)::text",
        ];
        execute_all(pool, &statements).await;
    }

    // ANCHOR: add-favorite
    /// Adds a favorite drink. Returns `false` if there are already `MAX_FAVORITES`.
    async fn add_favorite(
        pool: &PgPool,
        customer: i64,
        item: &str,
    ) -> Result<bool, sqlx::Error> {
        let mut tx = pool.begin().await?;
        let sql = "SELECT id FROM customers WHERE id = $1 FOR NO KEY UPDATE";
        query(sql).bind(customer).execute(&mut *tx).await?;

        let sql = "SELECT count(*) FROM favorites WHERE customer_id = $1";
        let count: i64 =
            query_scalar(sql).bind(customer).fetch_one(&mut *tx).await?;
        if count >= MAX_FAVORITES {
            return Ok(false);
        }
        let sql = "INSERT INTO favorites (customer_id, item_id) VALUES ($1, $2)";
        query(sql)
            .bind(customer)
            .bind(item)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }
    // ANCHOR_END: add-favorite

    /// How many favorite drinks a customer may have.
    const MAX_FAVORITES: i64 = 20;

    #[tokio::test]
    async fn a_customer_never_has_more_favorites_than_are_allowed() {
        with_database(|options| async {
            let pool = pool(options, 8).await;
            customers(&pool).await;
            let added = at_once(0..40, &pool, |pool, number| async move {
                add_favorite(&pool, 1, &number.to_string()).await.unwrap()
            })
            .await;
            assert_eq!(added.iter().filter(|added| **added).count(), 20);
            let count: i64 = query_scalar("SELECT count(*) FROM favorites")
                .fetch_one(&pool)
                .await
                .unwrap();
            assert_eq!(count, MAX_FAVORITES);
        })
        .await;
    }

    #[tokio::test]
    async fn an_order_waits_for_update_and_not_for_no_key_update() {
        with_database(|options| async {
            let pool = pool(options, 2).await;
            customers(&pool).await;
            for (lock, waits) in [("NO KEY UPDATE", false), ("UPDATE", true)] {
                let mut favorite = pool.begin().await.unwrap();
                let sql =
                    format!("SELECT id FROM customers WHERE id = 1 FOR {lock}");
                query(AssertSqlSafe(sql))
                    .execute(&mut *favorite)
                    .await
                    .unwrap();

                let mut order = pool.begin().await.unwrap();
                query("SET LOCAL lock_timeout = '10ms'")
                    .execute(&mut *order)
                    .await
                    .unwrap();
                let inserted = query("INSERT INTO orders VALUES (1, 1)")
                    .execute(&mut *order)
                    .await;
                // 55P03: the statement would have had to wait for longer.
                let code = inserted.err().map(|error| {
                    error
                        .as_database_error()
                        .unwrap()
                        .code()
                        .unwrap()
                        .into_owned()
                });
                assert_eq!(code.as_deref(), waits.then_some("55P03"), "{lock}");
            }
        })
        .await;
    }

    // ANCHOR: retry
    /// The number of attempts after which the caller gets the error.
    const ATTEMPTS: u32 = 5;

    /// Sells a cup of tea, and tries again if another transaction was faster.
    async fn sell_tea(pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut attempt = 1;
        loop {
            match try_to_sell_tea(pool).await {
                Err(error) if attempt < ATTEMPTS && may_retry(&error) => {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    async fn try_to_sell_tea(pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut tx = pool
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ")
            .await?;
        let stock = read_stock(&mut tx).await?;
        write_stock(&mut tx, stock - 1).await?;
        tx.commit().await
    }
    // ANCHOR_END: retry

    // ANCHOR: retry-code
    /// 40001 is PostgreSQL's code for a serialization failure, and 40P01 for a deadlock.
    fn may_retry(error: &sqlx::Error) -> bool {
        let code = error.as_database_error().and_then(|error| error.code());
        matches!(code.as_deref(), Some("40001" | "40P01"))
    }
    // ANCHOR_END: retry-code

    #[tokio::test]
    async fn each_sale_that_succeeds_is_counted_once() {
        with_database(|options| async {
            let pool = pool(options, 4).await;
            menu_and_orders(&pool).await;
            let sell = |pool, _| async move { sell_tea(&pool).await };
            let results = at_once(0..16, &pool, sell).await;
            let sold = results.iter().filter(|result| result.is_ok()).count();
            for error in results.into_iter().filter_map(Result::err) {
                assert!(may_retry(&error), "{error}");
            }
            let mut connection = pool.acquire().await.unwrap();
            let stock = read_stock(&mut connection).await.unwrap();
            assert_eq!(stock, 20 - i64::try_from(sold).unwrap());
            assert!(sold > 0);
        })
        .await;
    }

    #[tokio::test]
    async fn two_rows_in_opposite_sequence_are_a_deadlock() {
        with_database(|options| async {
            let pool = pool(options, 2).await;
            menu_and_orders(&pool).await;
            // ANCHOR: deadlock
            let mut first = pool.begin().await.unwrap();
            let mut second = pool.begin().await.unwrap();
            take_one(&mut first, "espresso").await.unwrap();
            take_one(&mut second, "tea").await.unwrap();
            // Each transaction now wants the row that the other one has locked.
            let (one, other) = tokio::join!(
                take_one(&mut first, "tea"),
                take_one(&mut second, "espresso")
            );
            // ANCHOR_END: deadlock
            let error = one.and(other).unwrap_err();
            assert!(may_retry(&error));
            recorded("output/isolation/deadlock.txt", &message(&error));
        })
        .await;
    }
}

//! The database: what it holds after a crash, a shutdown or another program's writing,
//! and what a request gets that can't have it.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Waker};

use axum::http::StatusCode;
use rusqlite::{Connection, ErrorCode};
use serde_json::json;
use shop::model::{MenuFilter, Order, OrderFilter, opening_menu};
use shop::repository::sqlite::Sqlite;
use shop::repository::{Clock, Repository, RepositoryError};
use support::{
    NOW, app_with, as_staff, get, json_of, new_order, order, patch, send, sqlite,
    stock,
};
use tempfile::tempdir;
use tokio::join;
use tokio::task::JoinSet;

/// The database file in a folder.
fn file(folder: &Path) -> PathBuf {
    folder.join("shop.db")
}

/// Another program that uses the same database, such as the shell `sqlite3`.
fn other_program(folder: &Path) -> Connection {
    Connection::open(file(folder)).unwrap()
}

/// How many croissants are left, and how many the orders are for.
fn croissants(connection: &Connection) -> (u32, u32) {
    let sql = "SELECT stock, (SELECT count(*) FROM orders WHERE item = 'croissant')
               FROM items WHERE id = 'croissant'";
    let row = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    row.unwrap()
}

fn clock() -> Clock {
    Arc::new(|| NOW)
}

mod opening {
    use super::*;

    #[tokio::test]
    async fn a_new_database_has_the_opening_menu() {
        let folder = tempdir().unwrap();
        let menu = sqlite(folder.path()).menu(MenuFilter::default()).await;
        assert_eq!(menu.unwrap(), opening_menu());
    }

    // ANCHOR: opened-again
    #[tokio::test]
    async fn what_was_ordered_is_there_when_the_database_is_opened_again() {
        let folder = tempdir().unwrap();
        let placed =
            json_of(&app_with(sqlite(folder.path())), order("tea", 1)).await;
        let app = app_with(sqlite(folder.path()));
        assert_eq!(json_of(&app, get("/orders/1")).await, placed);
        assert_eq!(stock(&app, "tea").await, 19);
    }
    // ANCHOR_END: opened-again

    /// So the file can be copied, and a copy holds everything.
    // ANCHOR: one-file
    #[tokio::test]
    async fn after_closing_one_file_holds_everything() {
        let folder = tempdir().unwrap();
        let app = app_with(sqlite(folder.path()));
        let placed = json_of(&app, order("tea", 1)).await;
        json_of(&app, get("/orders/1")).await; // uses a read-only connection
        drop(app);

        let files: Vec<_> = folder.path().read_dir().unwrap().collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let elsewhere = tempdir().unwrap();
        fs::copy(file(folder.path()), file(elsewhere.path())).unwrap();
        let app = app_with(sqlite(elsewhere.path()));
        assert_eq!(json_of(&app, get("/orders/1")).await, placed);
    }
    // ANCHOR_END: one-file

    // ANCHOR: old-database
    #[tokio::test]
    async fn a_database_of_the_first_version_is_migrated() {
        let folder = tempdir().unwrap();
        let database = other_program(folder.path());
        database
            .execute_batch(include_str!("../migrations/1-shop.sql"))
            .unwrap();
        database.pragma_update(None, "user_version", 1).unwrap();
        let sql = "INSERT INTO orders (customer, item, item_name, unit_price_cents,
                       quantity, total_cents, status, placed_at)
                   VALUES ('Ada', 'tea', 'Tea', 220, 1, 220, 'placed', 0)";
        database.execute(sql, []).unwrap();
        drop(database);

        let app = app_with(sqlite(folder.path())); // runs the other migrations
        let kept = json_of(&app, get("/orders/1")).await;
        assert_eq!(kept["customer"], "Ada");
        assert_eq!(kept.get("table"), None);
        assert_eq!(json_of(&app, order("tea", 1)).await["id"], 2);
    }
    // ANCHOR_END: old-database

    /// The whole text of an error: it, its cause, and so on.
    fn error_text(file: &Path) -> String {
        Sqlite::open(file).err().unwrap().to_string()
    }

    #[test]
    fn a_database_of_a_newer_version_is_refused_and_left_alone() {
        let folder = tempdir().unwrap();
        drop(sqlite(folder.path()));
        other_program(folder.path())
            .pragma_update(None, "user_version", 99)
            .unwrap();
        let before = fs::read(file(folder.path())).unwrap();
        let error = error_text(&file(folder.path()));
        assert!(error.contains("newer version"), "{error}");
        assert_eq!(fs::read(file(folder.path())).unwrap(), before);
    }

    #[test]
    fn a_database_of_another_program_is_refused_and_left_alone() {
        let folder = tempdir().unwrap();
        let other = rusqlite::Connection::open(file(folder.path())).unwrap();
        other
            .execute_batch("CREATE TABLE items (name TEXT)")
            .unwrap();
        // Other programs number their migrations, too.
        for version in [0, 1, 3, 99] {
            other.pragma_update(None, "user_version", version).unwrap();
            let before = fs::read(file(folder.path())).unwrap();
            let error = error_text(&file(folder.path()));
            assert!(error.contains("database of another program"), "{error}");
            assert_eq!(fs::read(file(folder.path())).unwrap(), before);
        }
    }

    #[test]
    fn what_is_not_a_database_is_refused_and_left_alone() {
        let folder = tempdir().unwrap();
        let file = folder.path().join("notes.txt");
        let text = "two flat whites\n".repeat(100);
        fs::write(&file, &text).unwrap();
        let error = error_text(&file);
        assert!(error.contains("not a database"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);

        let error = error_text(&folder.path().join("no-such-folder/shop.db"));
        assert!(error.contains("unable to open"), "{error}");
    }
}

mod other_programs {
    use super::*;

    #[tokio::test]
    async fn the_id_of_an_order_is_never_used_again() {
        let folder = tempdir().unwrap();
        let app = app_with(sqlite(folder.path()));
        for _ in 0..3 {
            json_of(&app, order("tea", 1)).await;
        }
        let sql = "DELETE FROM orders WHERE id >= 2";
        other_program(folder.path()).execute(sql, []).unwrap();
        assert_eq!(json_of(&app, order("tea", 1)).await["id"], 4);
    }

    /// A value that the shop couldn't read would make every list of orders a 500.
    #[tokio::test]
    async fn the_database_refuses_values_that_the_shop_could_not_read() {
        let folder = tempdir().unwrap();
        let app = app_with(sqlite(folder.path()));
        json_of(&app, order("tea", 1)).await;
        let other = other_program(folder.path());
        for (table, column, smallest, largest) in [
            ("items", "price_cents", 0_i64, i64::from(u32::MAX)),
            ("items", "stock", 0, i64::from(u32::MAX)),
            ("orders", "id", 1, i64::MAX),
            ("orders", "unit_price_cents", 0, i64::from(u32::MAX)),
            ("orders", "quantity", 1, 10),
            ("orders", "total_cents", 0, i64::from(u32::MAX)),
            ("orders", "table_number", 1, 12),
            ("orders", "placed_at", 0, 253_402_207_200_000),
        ] {
            let write = |value: &str| {
                other.execute(&format!("UPDATE {table} SET {column} = {value}"), [])
            };
            for bad in [smallest.checked_sub(1), largest.checked_add(1)] {
                let Some(bad) = bad else { continue };
                let error = write(&bad.to_string()).expect_err(column);
                let code = error.sqlite_error_code();
                assert_eq!(code, Some(ErrorCode::ConstraintViolation), "{error}");
            }
            for bad in ["1.5", "'many'", "x'ff'"] {
                write(bad).expect_err(column);
            }
            if column != "table_number" {
                write("NULL").expect_err(column);
            }
            for good in [largest, smallest] {
                write(&good.to_string()).unwrap();
                json_of(&app, get("/menu")).await;
                json_of(&app, as_staff(get("/orders"))).await;
            }
        }
        for status in ["'Placed'", "''", "NULL"] {
            let sql = format!("UPDATE orders SET status = {status}");
            other.execute(&sql, []).expect_err(status);
        }
    }

    // ANCHOR: readers-do-not-wait
    #[tokio::test]
    async fn readers_see_the_last_commit_and_do_not_wait_for_a_writer() {
        let folder = tempdir().unwrap();
        let app = app_with(sqlite(folder.path()));
        let other = other_program(folder.path());
        other
            .execute_batch("BEGIN IMMEDIATE; UPDATE items SET stock = 7;")
            .unwrap();
        assert_eq!(stock(&app, "tea").await, 20);
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(stock(&app, "tea").await, 7);
    }
    // ANCHOR_END: readers-do-not-wait

    #[tokio::test]
    async fn an_order_waits_until_another_program_has_written() {
        let folder = tempdir().unwrap();
        let app = app_with(sqlite(folder.path()));
        let other = other_program(folder.path());
        let sell =
            "BEGIN IMMEDIATE; UPDATE items SET stock = 0 WHERE id = 'croissant'";
        other.execute_batch(sell).unwrap();
        let waiting = tokio::spawn({
            let app = app.clone();
            async move { send(&app, order("croissant", 1)).await }
        });
        assert_eq!(stock(&app, "croissant").await, 1);
        assert!(!waiting.is_finished());
        other.execute_batch("COMMIT").unwrap();
        waiting.await.unwrap().problem(StatusCode::CONFLICT);
    }

    /// This takes the five seconds that SQLite waits.
    #[cfg(feature = "server")]
    #[tokio::test]
    async fn a_request_that_waits_too_long_gets_503_and_changes_nothing() {
        use shop::middleware::{random_id, server_layers};

        let folder = tempdir().unwrap();
        let router = shop::router(support::state(Arc::new(sqlite(folder.path()))));
        // With the timeout of the server: the client must learn that nothing was done.
        let app = server_layers(router, random_id, vec![]);
        json_of(&app, order("tea", 1)).await;
        // ANCHOR: busy
        let other = other_program(folder.path());
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let cancel = patch("/orders/1", json!({ "status": "canceled" }));
        let (first, second) =
            join!(send(&app, order("tea", 1)), send(&app, cancel));
        for response in [first, second] {
            response.problem(StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.header("retry-after"), "1");
        }
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(stock(&app, "tea").await, 19);
        assert_eq!(json_of(&app, get("/orders/1")).await["status"], "placed");
        // ANCHOR_END: busy
        assert_eq!(json_of(&app, order("tea", 1)).await["id"], 2);
    }

    #[tokio::test]
    async fn a_request_that_finds_the_queue_full_gets_503_at_once() {
        let folder = tempdir().unwrap();
        let app = app_with(sqlite(folder.path()));
        let sql = "UPDATE items SET stock = 1000";
        let other = other_program(folder.path());
        other.execute(sql, []).unwrap();
        // ANCHOR: queue-full
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut customers = JoinSet::new();
        for _ in 0..300 {
            let app = app.clone();
            customers.spawn(async move { send(&app, order("tea", 1)).await });
        }
        // 256 wait in the queue, and the writer may have taken one out of it already.
        for _ in 0..43 {
            let response = customers.join_next().await.unwrap().unwrap();
            response.problem(StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.header("retry-after"), "1");
        }
        // Readers have a queue of their own.
        assert_eq!(stock(&app, "tea").await, 1000);
        other.execute_batch("COMMIT").unwrap();
        let responses = customers.join_all().await;
        let placed = responses.iter().filter(|r| r.status == StatusCode::CREATED);
        let placed = placed.count() as u64;
        assert!(placed >= 256, "{placed}");
        assert_eq!(stock(&app, "tea").await, 1000 - placed);
        // ANCHOR_END: queue-full
    }

    // ANCHOR: database-fails
    #[tokio::test]
    async fn a_failure_of_the_database_is_a_500_that_says_nothing_about_it() {
        let folder = tempdir().unwrap();
        let app = app_with(sqlite(folder.path()));
        other_program(folder.path())
            .execute_batch("DROP TABLE orders")
            .unwrap();
        for request in [get("/orders/1"), order("tea", 1), as_staff(get("/orders"))]
        {
            let response = send(&app, request).await;
            let problem = response.problem(StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(problem["type"], "about:blank");
            for word in ["table", "orders", "SQL", "shop.db"] {
                assert!(!response.body.contains(word), "{response:?}");
            }
        }
        assert_eq!(stock(&app, "tea").await, 20);
        other_program(folder.path())
            .execute_batch("DROP TABLE items")
            .unwrap();
        let ready = send(&app, get("/health/ready")).await;
        ready.problem(StatusCode::INTERNAL_SERVER_ERROR);
        let live = send(&app, get("/health/live")).await;
        assert_eq!(live.status, StatusCode::OK);
    }
    // ANCHOR_END: database-fails
}

mod transactions {
    use super::*;

    // ANCHOR: rollback
    #[tokio::test]
    async fn a_panic_in_a_transaction_rolls_it_back_and_the_next_one_works() {
        let folder = tempdir().unwrap();
        let repository = sqlite(folder.path());
        let broken: Clock = Arc::new(|| panic!("the clock has stopped"));
        let placed = repository
            .place_order(new_order("croissant", 1), broken)
            .await;
        assert!(
            matches!(placed, Err(RepositoryError::Aborted)),
            "{placed:?}"
        );
        assert_eq!(croissants(&other_program(folder.path())), (1, 0));
        let placed = repository
            .place_order(new_order("croissant", 1), clock())
            .await;
        assert_eq!(placed.unwrap().id, 1);
    }
    // ANCHOR_END: rollback

    type Placing<'a> =
        Pin<Box<dyn Future<Output = Result<Order, RepositoryError>> + Send + 'a>>;

    /// Runs a request to the `.await` where it waits for its result.
    fn send_off(request: &mut Placing<'_>) {
        let mut context = Context::from_waker(Waker::noop());
        assert!(request.as_mut().poll(&mut context).is_pending());
    }

    /// An order that holds up the writer, in the middle of a transaction, until the test
    /// drops the sender.
    fn hold_up_writer<'a>(
        repository: &'a Sqlite,
        item: &str,
    ) -> (Placing<'a>, mpsc::Sender<()>) {
        let (hold, held) = mpsc::channel();
        let (started, begun) = mpsc::channel();
        let held = Mutex::new(held);
        let clock: Clock = Arc::new(move || {
            let _ = started.send(());
            let _ = held.lock().unwrap().recv();
            NOW
        });
        let mut order = repository.place_order(new_order(item, 1), clock);
        send_off(&mut order);
        begun.recv().unwrap();
        (order, hold)
    }

    /// The handler of a client that hangs up is dropped where it waits. The transaction
    /// happens all the same: as a whole.
    #[tokio::test]
    async fn a_transaction_is_finished_even_if_the_client_hangs_up() {
        let folder = tempdir().unwrap();
        let repository = sqlite(folder.path());
        let (order, hold) = hold_up_writer(&repository, "croissant");
        drop(order);
        drop(hold);
        repository.delete_item("tea").await.unwrap(); // after this, the order is done
        assert_eq!(croissants(&other_program(folder.path())), (0, 1));
    }

    #[tokio::test]
    async fn a_client_that_hangs_up_before_its_turn_has_changed_nothing() {
        let folder = tempdir().unwrap();
        let repository = sqlite(folder.path());
        let (_first, hold) = hold_up_writer(&repository, "tea");
        let mut second = repository.place_order(new_order("croissant", 1), clock());
        send_off(&mut second);
        drop(second);
        drop(hold);
        repository.delete_item("tea").await.unwrap(); // this comes after the second order
        assert_eq!(croissants(&other_program(folder.path())), (1, 0));
    }

    /// The first order holds up the writer until all others are in the queue.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_group_stores_what_succeeds_and_rolls_back_what_does_not() {
        let folder = tempdir().unwrap();
        let repository = sqlite(folder.path());
        // ANCHOR: group
        let (_first, hold) = hold_up_writer(&repository, "tea");
        let broken: Clock = Arc::new(|| panic!("the clock has stopped"));
        let other = Mutex::new(other_program(folder.path()));
        // The croissant's sale isn't committed, so another program doesn't see it.
        let looks: Clock = Arc::new(move || {
            assert_eq!(croissants(&other.lock().unwrap()), (1, 0));
            NOW
        });
        let (sold, panicked, none_left, tea, ()) = join!(
            repository.place_order(new_order("croissant", 1), clock()),
            repository.place_order(new_order("tea", 1), broken),
            repository.place_order(new_order("croissant", 1), clock()),
            repository.place_order(new_order("tea", 1), looks),
            async { drop(hold) }, // `join!` polls this last
        );
        assert!(sold.is_ok());
        assert!(matches!(panicked, Err(RepositoryError::Aborted)));
        assert!(matches!(none_left, Err(RepositoryError::Shop(_))));
        assert!(tea.is_ok());
        assert_eq!(croissants(&other_program(folder.path())), (0, 1));
        // ANCHOR_END: group
    }

    /// Two programs with one file, as while a new version replaces an old one.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_hundred_buyers_get_one_croissant_from_two_shops_with_one_file() {
        let folder = tempdir().unwrap();
        let shops = [sqlite(folder.path()), sqlite(folder.path())].map(app_with);
        for run in 1..=support::runs() {
            let sql = "UPDATE items SET stock = 1 WHERE id = 'croissant'";
            other_program(folder.path()).execute(sql, []).unwrap();
            let mut buyers = JoinSet::new();
            for buyer in 0..100 {
                let shop = shops[buyer % 2].clone();
                buyers
                    .spawn(async move { send(&shop, order("croissant", 1)).await });
            }
            let responses = buyers.join_all().await;
            let with =
                |status| responses.iter().filter(|r| r.status == status).count();
            assert_eq!(with(StatusCode::CREATED), 1);
            assert_eq!(with(StatusCode::CONFLICT), 99);
            assert_eq!(croissants(&other_program(folder.path())), (0, run as u32));
        }
    }
}

/// The shop as a process, which gets signals.
#[cfg(all(unix, feature = "server"))]
mod processes {
    use std::net::SocketAddr;
    use std::thread;

    use serde_json::Value;

    use super::*;
    use support::process::{Server, files, order};

    const STOCK: u32 = 100_000;

    /// Makes a database with so many espressos that they don't run out.
    fn stock_up(folder: &Path) {
        drop(sqlite(folder));
        let sql = "UPDATE items SET stock = ?1 WHERE id = 'espresso'";
        other_program(folder).execute(sql, [STOCK]).unwrap();
    }

    /// Clients order espressos one after the other, until the server is gone. `stop` is
    /// called after so many orders. Returns every order that got a 201.
    fn order_until_it_stops(
        address: SocketAddr,
        clients: usize,
        enough: usize,
        stop: impl FnOnce(),
    ) -> Vec<Value> {
        // Without room in the channel, no client orders more before its last order was
        // counted.
        let (send, placed) = mpsc::sync_channel(0);
        thread::scope(|threads| {
            for _ in 0..clients {
                let send = send.clone();
                threads.spawn(move || {
                    while let Ok(placed) = order(address, "espresso") {
                        send.send(placed.expect("there are enough")).unwrap();
                    }
                });
            }
            drop(send); // so the channel ends when the clients do
            let mut orders: Vec<_> = placed.iter().take(enough).collect();
            stop();
            orders.extend(placed);
            orders
        })
    }

    /// Checks that the database has all these orders, and as many espressos less.
    async fn check(folder: &Path, orders: &[Value]) -> u32 {
        let repository = sqlite(folder);
        for order in orders {
            let id = order["id"].as_u64().unwrap();
            let stored = repository.order(id).await.unwrap();
            assert_eq!(&json!(stored), order);
        }
        let sql = "SELECT stock, (SELECT count(*) FROM orders)
                   FROM items WHERE id = 'espresso'";
        let row = other_program(folder)
            .query_row(sql, [], |row| Ok((row.get::<_, u32>(0)?, row.get(1)?)));
        let (stock, sold) = row.unwrap();
        assert_eq!(stock + sold, STOCK, "the stock and the orders differ");
        sold
    }

    // ANCHOR: survives-sigkill
    #[tokio::test]
    async fn an_order_that_got_a_201_survives_sigkill() {
        let folder = tempdir().unwrap();
        stock_up(folder.path());
        let mut all = Vec::new();
        for run in 1..=support::runs() {
            let mut server = Server::start(folder.path());
            let address = server.address;
            all.extend(order_until_it_stops(address, 4, 5 * run, || server.kill()));
            check(folder.path(), &all).await;
        }
    }
    // ANCHOR_END: survives-sigkill

    #[tokio::test]
    async fn sigterm_leaves_one_file_with_every_order_that_got_a_201() {
        let folder = tempdir().unwrap();
        stock_up(folder.path());
        let mut all = Vec::new();
        for run in 1..=support::runs() {
            let mut server = Server::start(folder.path());
            let address = server.address;
            all.extend(order_until_it_stops(address, 8, 5 * run, || {
                server.terminate()
            }));
            assert!(server.wait().success());
            assert_eq!(files(folder.path()), [Path::new("shop.db")]);
            // An order that is in the database, but got no 201, would be made twice by
            // a customer who orders again.
            let sold = check(folder.path(), &all).await;
            assert_eq!(sold as usize, all.len());
        }
    }

    #[tokio::test]
    async fn two_processes_with_one_file_sell_one_croissant() {
        let folder = tempdir().unwrap();
        let servers = [Server::start(folder.path()), Server::start(folder.path())];
        let sold = thread::scope(|threads| {
            let buyers: Vec<_> = (0..8)
                .map(|buyer| {
                    let address = servers[buyer % 2].address;
                    threads.spawn(move || order(address, "croissant").unwrap())
                })
                .collect();
            let orders = buyers.into_iter().map(|buyer| buyer.join().unwrap());
            orders.flatten().count()
        });
        assert_eq!(sold, 1);
        assert_eq!(croissants(&other_program(folder.path())), (0, 1));
    }

    #[test]
    fn programs_that_start_at_the_same_moment_make_the_tables_once() {
        for _ in 0..20 {
            let folder = tempdir().unwrap();
            let file = folder.path().join("shop.db");
            let start = Barrier::new(4);
            thread::scope(|threads| {
                for _ in 0..4 {
                    threads.spawn(|| {
                        start.wait();
                        Sqlite::open(&file).unwrap();
                    });
                }
            });
        }
    }

    #[tokio::test]
    async fn the_orders_are_listed_by_the_shop_that_is_started_again() {
        let folder = tempdir().unwrap();
        let mut server = Server::start(folder.path());
        order(server.address, "tea").unwrap().unwrap();
        server.kill();
        let all = OrderFilter::default();
        let page = sqlite(folder.path()).orders(all).await.unwrap();
        assert_eq!(page.items.len(), 1);
    }
}

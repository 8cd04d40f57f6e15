//! Two people at once, without a thread: each step is made by hand, in the order that
//! matters. What came out of it is written down for the page.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use code::data;
use code::data::repository::Repository;
use code::transactions::sqlite::Sqlite;
use rusqlite::TransactionBehavior::{Deferred, Immediate};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, ffi};

use super::{Tested, croissant, file, left};
use crate::support::recorded;

/// What Ada and Bo did, in order, and what the books held after each step.
struct Timeline {
    books: Connection,
    rows: String,
}

impl Timeline {
    fn of(file: &Path) -> rusqlite::Result<Self> {
        let books =
            Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let rows = format!("{:28}{:28}The books\n", "Ada", "Bo");
        let mut timeline = Self { books, rows };
        timeline.row("", "")?;
        Ok(timeline)
    }

    fn ada(&mut self, did: impl AsRef<str>) -> rusqlite::Result<()> {
        self.row(did.as_ref(), "")
    }

    fn bo(&mut self, did: impl AsRef<str>) -> rusqlite::Result<()> {
        self.row("", did.as_ref())
    }

    fn row(&mut self, ada: &str, bo: &str) -> rusqlite::Result<()> {
        let now = self.now()?;
        self.rows += &format!("{ada:28}{bo:28}{now}\n");
        Ok(())
    }

    /// What anybody who looks now is told.
    fn now(&self) -> rusqlite::Result<String> {
        let left = left(&self.books)?;
        let sql = "SELECT count(*) FROM orders WHERE item = 'croissant'";
        let sold: u32 = self.books.query_row(sql, [], |row| row.get(0))?;
        Ok(format!("{left} left, {sold} sold"))
    }
}

// ANCHOR: race
#[tokio::test]
async fn three_calls_let_two_people_buy_one_croissant() -> Tested {
    let (_folder, file) = file()?;
    let books = data::sqlite::Sqlite::open(&file)?;
    let mut told = Timeline::of(&file)?;

    let ada = books.item("croissant").await?.ok_or("not on the menu")?;
    told.ada(format!("reads: {} left", ada.stock))?;
    let bo = books.item("croissant").await?.ok_or("not on the menu")?;
    told.bo(format!("reads: {} left", bo.stock))?;

    books.set_stock(&ada.id, ada.stock - 1).await?;
    told.ada(format!("writes: {} left", ada.stock - 1))?;
    books.insert_order(croissant("Ada")).await?;
    told.ada("writes her order")?;

    books.set_stock(&bo.id, bo.stock - 1).await?;
    told.bo(format!("writes: {} left", bo.stock - 1))?;
    books.insert_order(croissant("Bo")).await?;
    told.bo("writes his order")?;
    // ANCHOR_END: race

    assert_eq!(told.now()?, "0 left, 2 sold");
    recorded("output/transactions/race.txt", &told.rows);
    Ok(())
}

/// Two connections to one new database.
fn two(
    file: &Path,
) -> Result<(Connection, Connection), Box<dyn std::error::Error>> {
    Sqlite::open(file)?; // makes it
    Ok((Connection::open(file)?, Connection::open(file)?))
}

/// Takes a croissant and writes an order down, as the shop does it.
fn take(connection: &Connection, customer: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE items SET stock = stock - 1 WHERE id = 'croissant'";
    connection.execute(sql, [])?;
    let sql =
        "INSERT INTO orders (customer, item, quantity, total_cents, placed_at)
               VALUES (?1, 'croissant', 1, 290, '2026-03-02T08:15:00Z')";
    connection.execute(sql, [customer]).map(drop)
}

#[test]
fn a_transaction_that_writes_from_its_start_lets_nobody_between() -> Tested {
    let (_folder, file) = file()?;
    let (mut ada, mut bo) = two(&file)?;
    // By hand nobody can wait for somebody else.
    bo.busy_timeout(Duration::ZERO)?;
    let mut told = Timeline::of(&file)?;

    let sale = ada.transaction_with_behavior(Immediate)?;
    told.ada("BEGIN IMMEDIATE")?;
    told.ada(format!("reads: {} left", left(&sale)?))?;
    assert!(
        bo.transaction_with_behavior(Immediate).is_err(),
        "Ada writes"
    );
    told.bo("BEGIN IMMEDIATE: waits")?;
    take(&sale, "Ada")?;
    told.ada("writes: 0 left")?;
    told.ada("writes her order")?;
    sale.commit()?;
    told.ada("COMMIT")?;

    let sale = bo.transaction_with_behavior(Immediate)?;
    told.bo("his turn has come")?;
    told.bo(format!("reads: {} left", left(&sale)?))?;
    drop(sale);
    told.bo("ROLLBACK")?;

    assert_eq!(told.now()?, "0 left, 1 sold");
    recorded("output/transactions/transaction.txt", &told.rows);
    Ok(())
}

// ANCHOR: deferred
#[test]
fn who_reads_before_writing_may_be_too_late_to_write() -> Tested {
    let (_folder, file) = file()?;
    let (mut ada, mut bo) = two(&file)?;
    let mut told = Timeline::of(&file)?;

    let adas = ada.transaction_with_behavior(Deferred)?; // a plain BEGIN
    told.ada(format!("BEGIN, reads: {} left", left(&adas)?))?;
    let bos = bo.transaction_with_behavior(Deferred)?;
    told.bo(format!("BEGIN, reads: {} left", left(&bos)?))?;

    take(&adas, "Ada")?;
    told.ada("writes: 0 left")?;
    told.bo(format!("writes: {}", refusal(&bos)))?;
    adas.commit()?;
    told.ada("COMMIT")?;
    told.bo(format!("writes: {}", refusal(&bos)))?;
    told.bo(format!("reads: {} left", left(&bos)?))?;
    // ANCHOR_END: deferred

    assert_eq!(told.now()?, "0 left, 1 sold");
    recorded("output/transactions/locked.txt", &told.rows);
    Ok(())
}

/// Why this transaction cannot write.
fn refusal(transaction: &Transaction<'_>) -> String {
    match take(transaction, "Bo") {
        Ok(()) => "it does".into(),
        Err(error) => error.to_string(),
    }
}

/// The extended code of a refusal.
fn code_of(done: rusqlite::Result<()>) -> (Option<ErrorCode>, i32) {
    let error = done.expect_err("it is refused");
    let code = error.sqlite_error().map_or(0, |error| error.extended_code);
    (error.sqlite_error_code(), code)
}

#[test]
fn the_two_refusals_are_busy_and_busy_snapshot() -> Tested {
    let (_folder, file) = file()?;
    let (mut ada, mut bo) = two(&file)?;
    let adas = ada.transaction_with_behavior(Deferred)?;
    let bos = bo.transaction_with_behavior(Deferred)?;
    assert_eq!((left(&adas)?, left(&bos)?), (1, 1));

    take(&adas, "Ada")?;
    let busy = Some(ErrorCode::DatabaseBusy);
    assert_eq!(code_of(take(&bos, "Bo")), (busy, ffi::SQLITE_BUSY));
    adas.commit()?;
    assert_eq!(code_of(take(&bos, "Bo")), (busy, ffi::SQLITE_BUSY_SNAPSHOT));

    // Only from the start does it go on.
    drop(bos);
    let bos = bo.transaction_with_behavior(Immediate)?;
    assert_eq!(left(&bos)?, 0);
    Ok(())
}

/// How often SQLite asked whether to wait. A handler captures nothing, so the count is here,
/// for one test alone.
static ASKED: AtomicU32 = AtomicU32::new(0);

// ANCHOR: nobody-waits
#[test]
fn waiting_is_offered_at_the_beginning_and_never_after_reading() -> Tested {
    let (_folder, file) = file()?;
    let (mut ada, mut bo) = two(&file)?;
    bo.busy_handler(Some(|_| {
        ASKED.fetch_add(1, Ordering::Relaxed);
        false // no, it shall give up
    }))?;

    let adas = ada.transaction_with_behavior(Immediate)?;
    assert!(bo.transaction_with_behavior(Immediate).is_err());
    assert_eq!(ASKED.load(Ordering::Relaxed), 1);

    let bos = bo.transaction_with_behavior(Deferred)?;
    assert_eq!(left(&bos)?, 1);
    assert!(take(&bos, "Bo").is_err()); // Ada may write
    take(&adas, "Ada")?;
    adas.commit()?;
    assert!(take(&bos, "Bo").is_err()); // Ada has written
    assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    Ok(())
}
// ANCHOR_END: nobody-waits

// ANCHOR: take
/// Takes so many of an item, if so many are left.
fn take_if_left(
    connection: &Connection,
    id: &str,
    quantity: u32,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE items SET stock = stock - ?2 WHERE id = ?1 AND stock >= ?2";
    Ok(connection.execute(sql, (id, quantity))? == 1)
}
// ANCHOR_END: take

#[test]
fn one_statement_checks_and_takes_without_a_transaction_of_ours() -> Tested {
    let (_folder, file) = file()?;
    let (ada, bo) = two(&file)?;
    assert_eq!((left(&ada)?, left(&bo)?), (1, 1), "both have looked");
    assert!(take_if_left(&ada, "croissant", 1)?);
    assert!(!take_if_left(&bo, "croissant", 1)?);
    assert!(!take_if_left(&bo, "unicorn-latte", 1)?);
    assert_eq!(left(&bo)?, 0);
    Ok(())
}

// ANCHOR: half
#[test]
fn two_statements_without_a_transaction_can_leave_one() -> Tested {
    let (_folder, file) = file()?;
    let (ada, bo) = two(&file)?;
    assert!(take_if_left(&ada, "croissant", 1)?);
    drop(ada); // her program ends here, before it writes the order

    let orders = "SELECT count(*) FROM orders";
    let sold: u32 = bo.query_row(orders, [], |row| row.get(0))?;
    assert_eq!((left(&bo)?, sold), (0, 0));
    Ok(())
}
// ANCHOR_END: half

#[test]
fn what_was_not_committed_is_taken_back() -> Tested {
    let (_folder, file) = file()?;
    let (mut ada, bo) = two(&file)?;
    let sale = ada.transaction_with_behavior(Immediate)?;
    take(&sale, "Ada")?;
    assert_eq!(left(&sale)?, 0);
    drop(sale);
    assert_eq!((left(&ada)?, left(&bo)?), (1, 1));
    take(&bo, "Bo")?;
    Ok(())
}

// ANCHOR: readers
#[tokio::test]
async fn a_reader_sees_the_last_commit_and_waits_for_nobody() -> Tested {
    let (_folder, file) = file()?;
    let books = Sqlite::open(&file)?;
    let mut elsewhere = Connection::open(&file)?; // another program, say

    let sale = elsewhere.transaction_with_behavior(Immediate)?;
    take(&sale, "Bo")?;
    let meanwhile = books.item("croissant").await?;
    assert_eq!(meanwhile.map(|item| item.stock), Some(1));

    sale.commit()?;
    let afterwards = books.item("croissant").await?;
    assert_eq!(afterwards.map(|item| item.stock), Some(0));
    Ok(())
}
// ANCHOR_END: readers

#[tokio::test]
async fn an_order_waits_for_another_program_that_writes_and_then_finds_nothing()
-> Tested {
    let (_folder, file) = file()?;
    let books = std::sync::Arc::new(Sqlite::open(&file)?);
    let mut elsewhere = Connection::open(&file)?;

    let sale = elsewhere.transaction_with_behavior(Immediate)?;
    take(&sale, "Bo")?;
    let order = tokio::spawn({
        let books = std::sync::Arc::clone(&books);
        async move { books.place_order(croissant("Ada")).await }
    });
    // Reading goes on while that order waits for its turn.
    assert!(books.item("croissant").await?.is_some());
    assert!(!order.is_finished());
    sale.commit()?;
    assert!(order.await??.is_none(), "Bo has it");
    Ok(())
}

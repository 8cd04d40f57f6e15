//! Two orders at the same time, each in a transaction that begins with BEGIN IMMEDIATE.

use std::error::Error;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, Result};

// ANCHOR: place-order
fn place_order(
    connection: &mut Connection,
    customer: &str,
    pause: impl FnOnce(),
) -> Result<bool> {
    println!("{customer} calls BEGIN IMMEDIATE");
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let stock = stock(&transaction)?;
    println!("{customer} reads the stock: {stock}");
    pause();
    if stock == 0 {
        return Ok(false); // drops the transaction, which rolls it back
    }
    set_stock(&transaction, stock - 1)?;
    println!("{customer} sets the stock to {}", stock - 1);
    insert_order(&transaction, customer)?;
    println!("{customer} commits");
    transaction.commit()?;
    Ok(true)
}
// ANCHOR_END: place-order

fn stock(connection: &Connection) -> Result<u32> {
    let sql = "SELECT stock FROM items WHERE id = 'croissant'";
    connection.query_row(sql, [], |row| row.get(0))
}

fn set_stock(connection: &Connection, stock: u32) -> Result<()> {
    let sql = "UPDATE items SET stock = ?1 WHERE id = 'croissant'";
    connection.execute(sql, [stock]).map(drop)
}

fn insert_order(connection: &Connection, customer: &str) -> Result<()> {
    let sql = "INSERT INTO orders (customer) VALUES (?1)";
    connection.execute(sql, [customer]).map(drop)
}

fn open(file: &Path) -> Result<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.busy_timeout(Duration::from_secs(60))?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS items (id TEXT UNIQUE, stock INTEGER);
         CREATE TABLE IF NOT EXISTS orders (customer TEXT);
         INSERT OR IGNORE INTO items VALUES ('croissant', 1);",
    )?;
    Ok(connection)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.db");
    let (mut first, mut second) = (open(&file)?, open(&file)?);

    // ANCHOR: threads
    let (start, started) = mpsc::channel();
    let ada = thread::spawn(move || {
        place_order(&mut first, "Ada", || {
            let _ = start.send(()); // from here on, Bo's thread runs, too
            thread::sleep(Duration::from_millis(500));
        })
    });
    let bo = thread::spawn(move || {
        let _ = started.recv();
        place_order(&mut second, "Bo", || ())
    });
    let ada = ada.join().expect("Ada's thread doesn't panic");
    let bo = bo.join().expect("Bo's thread doesn't panic");
    println!("Ada's result: {ada:?}, Bo's result: {bo:?}");
    // ANCHOR_END: threads
    Ok(())
}

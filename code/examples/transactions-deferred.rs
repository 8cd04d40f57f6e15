//! Two transactions that begin with a plain BEGIN, read, and then want to write.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::TransactionBehavior::Deferred;
use rusqlite::{Connection, Result, ffi};

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

fn stock(connection: &Connection) -> Result<u32> {
    let sql = "SELECT stock FROM items WHERE id = 'croissant'";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Sets the stock to 0 and returns what SQLite says about it.
fn update(connection: &Connection) -> String {
    let start = Instant::now();
    let sql = "UPDATE items SET stock = 0 WHERE id = 'croissant'";
    let Err(error) = connection.execute(sql, []) else {
        return "done".into();
    };
    let code = match error.sqlite_error().map(|error| error.extended_code) {
        Some(ffi::SQLITE_BUSY) => "SQLITE_BUSY",
        Some(ffi::SQLITE_BUSY_SNAPSHOT) => "SQLITE_BUSY_SNAPSHOT",
        _ => "another code",
    };
    let waited = start.elapsed() >= BUSY_TIMEOUT;
    format!("{error}, {code}, waited: {waited}")
}

fn open(file: &Path) -> Result<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS items (id TEXT UNIQUE, stock INTEGER);
         INSERT OR IGNORE INTO items VALUES ('croissant', 1);",
    )?;
    Ok(connection)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.db");
    let (mut first, mut second) = (open(&file)?, open(&file)?);

    // ANCHOR: deferred
    let ada = first.transaction_with_behavior(Deferred)?; // BEGIN DEFERRED
    let bo = second.transaction_with_behavior(Deferred)?;
    println!("Ada reads the stock: {}", stock(&ada)?);
    println!("Bo reads the stock: {}", stock(&bo)?);

    println!("Ada sets it to 0: {}", update(&ada));
    println!("Bo sets it to 0: {}", update(&bo));

    ada.commit()?;
    println!("Ada has committed");
    println!("Bo sets it to 0: {}", update(&bo));
    println!("Bo reads the stock: {}", stock(&bo)?);
    // ANCHOR_END: deferred
    Ok(())
}

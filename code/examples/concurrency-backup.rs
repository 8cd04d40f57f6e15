//! A copy of a database, made while another connection writes to it.

use std::error::Error;
use std::path::Path;

use rusqlite::{Connection, Result};

fn count_orders(connection: &Connection) -> Result<u32> {
    connection.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))
}

fn open(file: &Path) -> Result<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    Ok(connection)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (file, copy) =
        (folder.path().join("shop.db"), folder.path().join("copy.db"));
    let copy = copy.to_str().ok_or("the path is not UTF-8")?;

    // ANCHOR: backup
    let shop = open(&file)?;
    shop.execute_batch(
        "CREATE TABLE orders (customer TEXT);
         INSERT INTO orders VALUES ('Ada');
         BEGIN IMMEDIATE;
         INSERT INTO orders VALUES ('Bo');",
    )?;
    // Bo's order isn't committed yet. Another connection makes the copy.
    open(&file)?.execute("VACUUM INTO ?1", [copy])?;
    shop.execute_batch("COMMIT")?;

    assert_eq!(count_orders(&shop)?, 2);
    assert_eq!(count_orders(&Connection::open(copy)?)?, 1);
    // ANCHOR_END: backup
    Ok(())
}

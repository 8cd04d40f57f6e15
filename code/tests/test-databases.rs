//! The test of a database in memory that the chapter on databases in tests shows.
#![cfg(feature = "sqlite")]

use rusqlite::{Connection, Result, params};

// ANCHOR: in-memory
/// How many of an item are left.
fn stock(connection: &Connection, item: &str) -> Result<u32> {
    let sql = "SELECT stock FROM items WHERE id = ?1";
    connection.query_row(sql, params![item], |row| row.get("stock"))
}

#[test]
fn the_stock_is_read_from_the_table() -> Result<()> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(
        "CREATE TABLE items (id TEXT PRIMARY KEY, stock INTEGER NOT NULL) STRICT;
         INSERT INTO items (id, stock) VALUES ('tea', 20), ('croissant', 1);",
    )?;

    assert_eq!(stock(&connection, "croissant")?, 1);
    Ok(())
}
// ANCHOR_END: in-memory

//! A list that is read in pages of two, and that changes between the first page and the
//! second: with `OFFSET`, and with a cursor.

use rusqlite::{Connection, Result};

fn main() -> Result<()> {
    // ANCHOR: two-lists
    read_two_pages(
        "SELECT id FROM orders WHERE status = 'placed' ORDER BY id LIMIT 2 OFFSET ?1",
        "SELECT id FROM orders WHERE status = 'placed' AND id > ?1 ORDER BY id LIMIT 2",
        0, // less than every id
        "UPDATE orders SET status = 'canceled' WHERE id = 1",
    )?;
    read_two_pages(
        "SELECT id FROM orders ORDER BY id DESC LIMIT 2 OFFSET ?1",
        "SELECT id FROM orders WHERE id < ?1 ORDER BY id DESC LIMIT 2",
        i64::MAX, // greater than every id
        "INSERT INTO orders (status) VALUES ('placed')",
    )
    // ANCHOR_END: two-lists
}

// ANCHOR: read-two-pages
fn read_two_pages(
    with_offset: &str,
    with_cursor: &str,
    start: i64,
    change: &str,
) -> Result<()> {
    let database = six_orders()?;
    let first = page(&database, with_offset, 0)?;
    let first_by_cursor = page(&database, with_cursor, start)?;
    println!("page 1   OFFSET 0: {first:?}   cursor {start}: {first_by_cursor:?}");

    database.execute(change, [])?;
    println!("{change}");

    let offset = 2; // the number of rows on page 1
    let cursor = first_by_cursor[1]; // the last id of page 1
    let second = page(&database, with_offset, offset)?;
    let second_by_cursor = page(&database, with_cursor, cursor)?;
    println!(
        "page 2   OFFSET {offset}: {second:?}   cursor {cursor}: {second_by_cursor:?}\n"
    );
    Ok(())
}
// ANCHOR_END: read-two-pages

fn page(database: &Connection, sql: &str, start: i64) -> Result<Vec<i64>> {
    let mut statement = database.prepare(sql)?;
    statement.query_map([start], |row| row.get(0))?.collect()
}

/// A database with the orders 1 to 6.
fn six_orders() -> Result<Connection> {
    let database = Connection::open_in_memory()?;
    database.execute_batch(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT);
         INSERT INTO orders (status) VALUES
             ('placed'), ('placed'), ('placed'), ('placed'), ('placed'), ('placed')",
    )?;
    Ok(database)
}

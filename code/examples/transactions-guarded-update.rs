//! Ten connections want the last croissant, and one statement both checks the stock and
//! reduces it.

use std::error::Error;
use std::thread;

use rusqlite::{Connection, Result};

// ANCHOR: reduce-stock
/// Reduces the stock, if enough is left. Returns whether it was reduced.
fn reduce_stock(connection: &Connection, id: &str, quantity: u32) -> Result<bool> {
    let sql = "UPDATE items SET stock = stock - ?2 WHERE id = ?1 AND stock >= ?2";
    let changed_rows = connection.execute(sql, (id, quantity))?;
    Ok(changed_rows == 1)
}
// ANCHOR_END: reduce-stock

fn main() -> Result<(), Box<dyn Error>> {
    // ANCHOR: open
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.db");
    Connection::open(&file)?.execute_batch(
        "CREATE TABLE items (id TEXT, stock INTEGER CHECK (stock >= 0));
         INSERT INTO items VALUES ('croissant', 1);",
    )?;
    // ANCHOR_END: open
    // ANCHOR: ten-buyers
    let buyers: Vec<_> = (0..10)
        .map(|_| {
            let connection = Connection::open(&file)?;
            let buy = move || reduce_stock(&connection, "croissant", 1);
            Ok(thread::spawn(buy))
        })
        .collect::<Result<_>>()?;
    let mut sold = 0;
    for buyer in buyers {
        if buyer.join().expect("no thread panics")? {
            sold += 1;
        }
    }
    assert_eq!(sold, 1);
    // ANCHOR_END: ten-buyers
    Ok(())
}

//! A client chooses the column to sort by, from a list in the program.

use rusqlite::{Connection, Result};

// ANCHOR: column
/// The column for a client's choice, if the choice is allowed.
fn allowed_column(sort: &str) -> Option<&'static str> {
    match sort {
        "name" => Some("name"),
        "price" => Some("price_cents"),
        _ => None,
    }
}
// ANCHOR_END: column

fn main() -> Result<()> {
    let db = Connection::open_in_memory()?;
    db.execute_batch(
        "CREATE TABLE items (name TEXT, price_cents INTEGER);
         INSERT INTO items VALUES ('Espresso', 250), ('Tea', 220), ('Croissant', 290);",
    )?;
    // ANCHOR: sort
    for sort in ["name", "price", "price; DROP TABLE items"] {
        let Some(column) = allowed_column(sort) else {
            println!("{sort}: not allowed");
            continue;
        };
        let sql = format!("SELECT name FROM items ORDER BY {column}");
        let mut statement = db.prepare(&sql)?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        println!("{sort}: {:?}", names.collect::<Result<Vec<_>>>()?);
    }
    // ANCHOR_END: sort
    Ok(())
}

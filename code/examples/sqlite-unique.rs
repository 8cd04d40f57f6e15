//! An id that is in the table already, and how a program recognizes it.

use rusqlite::{Connection, Error, ffi::SQLITE_CONSTRAINT_UNIQUE, params};

// ANCHOR: insert-item
#[derive(Debug)]
enum InsertError {
    /// There is an item with this id. The response should be a 409.
    Taken,
    Failed(Error),
}

fn insert_item(connection: &Connection, id: &str) -> Result<(), InsertError> {
    let sql = "INSERT INTO items (id) VALUES (?1)";
    match connection.execute(sql, params![id]) {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => Err(InsertError::Taken),
        Err(error) => Err(InsertError::Failed(error)),
    }
}

fn is_taken(error: &Error) -> bool {
    error
        .sqlite_error()
        .is_some_and(|e| e.extended_code == SQLITE_CONSTRAINT_UNIQUE)
}
// ANCHOR_END: insert-item

fn main() -> rusqlite::Result<()> {
    let connection = Connection::open_in_memory()?;
    connection
        .execute_batch("CREATE TABLE items (id TEXT NOT NULL UNIQUE) STRICT")?;
    for id in ["tea", "tea", "scone"] {
        println!("{id}: {:?}", insert_item(&connection, id));
    }
    connection.execute_batch("DROP TABLE items")?;
    if let Err(InsertError::Failed(error)) = insert_item(&connection, "tea") {
        println!("without the table: {error}");
    }
    Ok(())
}

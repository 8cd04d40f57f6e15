//! An order that is sent twice with the same idempotency key is stored once.

use rusqlite::{
    Connection, OptionalExtension, Result, TransactionBehavior, params,
};

// ANCHOR: tables
const TABLES: &str = "
    CREATE TABLE orders (id INTEGER PRIMARY KEY, request TEXT NOT NULL) STRICT;
    CREATE TABLE idempotency_keys (
        key      TEXT PRIMARY KEY,
        request  TEXT NOT NULL,
        response TEXT NOT NULL
    ) STRICT;";
// ANCHOR_END: tables

// ANCHOR: place-order
fn place_order(db: &mut Connection, key: &str, request: &str) -> Result<String> {
    let transaction =
        db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let select = "SELECT request, response FROM idempotency_keys WHERE key = ?1";
    let stored: Option<(String, String)> = transaction
        .query_row(select, [key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((first_request, response)) = stored {
        return Ok(if first_request == request {
            response
        } else {
            "422, this key belongs to another request".to_owned()
        });
    }

    let insert = "INSERT INTO orders (request) VALUES (?1) RETURNING id";
    let id: u64 = transaction.query_row(insert, [request], |row| row.get(0))?;
    let response = format!("201, order {id}");
    transaction.execute(
        "INSERT INTO idempotency_keys (key, request, response) VALUES (?1, ?2, ?3)",
        params![key, request, response],
    )?;
    transaction.commit()?;
    Ok(response)
}
// ANCHOR_END: place-order

fn main() -> Result<()> {
    let mut db = Connection::open_in_memory()?;
    db.execute_batch(TABLES)?;
    // ANCHOR: main
    for (key, request) in [
        ("5f1c", "Ada, 1 tea"),
        ("5f1c", "Ada, 1 tea"), // a retry
        ("5f1c", "Ada, 2 muffins"),
        ("90b7", "Ada, 1 tea"),
    ] {
        let response = place_order(&mut db, key, request)?;
        println!("key {key}, {request}: {response}");
    }
    let orders: u64 =
        db.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))?;
    println!("orders: {orders}");
    // ANCHOR_END: main
    Ok(())
}

//! Two sales, each in a transaction of two statements. The second sale fails halfway.

use rusqlite::{Connection, Result, TransactionBehavior};

// ANCHOR: sell
fn sell(connection: &mut Connection, customer: Option<&str>) -> Result<()> {
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("UPDATE items SET stock = stock - 1", [])?;
    transaction.execute("INSERT INTO orders VALUES (?1)", [customer])?;
    transaction.commit()
}
// ANCHOR_END: sell

fn print(connection: &Connection) -> Result<()> {
    let sql = "SELECT stock, (SELECT count(*) FROM orders) FROM items";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (stock, orders): (u32, u32) = connection.query_row(sql, [], row)?;
    println!("stock {stock}, orders {orders}");
    Ok(())
}

fn main() -> Result<()> {
    let mut connection = Connection::open_in_memory()?;
    connection.execute_batch(
        "CREATE TABLE items (stock INTEGER NOT NULL);
         CREATE TABLE orders (customer TEXT NOT NULL);
         INSERT INTO items VALUES (2);",
    )?;
    // ANCHOR: main
    sell(&mut connection, Some("Bo"))?;
    print(&connection)?;
    if let Err(error) = sell(&mut connection, None) {
        println!("{error}");
    }
    print(&connection)?;
    // ANCHOR_END: main
    Ok(())
}

//! A service that begins one transaction for two repositories.

use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, Result, Transaction};

// ANCHOR: repositories
mod orders {
    use rusqlite::{Result, Transaction};

    /// Returns the order's id.
    pub fn insert(transaction: &Transaction<'_>, customer: &str) -> Result<i64> {
        let sql = "INSERT INTO orders (customer) VALUES (?1)";
        transaction.execute(sql, [customer])?;
        Ok(transaction.last_insert_rowid())
    }
}

mod payments {
    use rusqlite::{Result, Transaction};

    pub fn insert(
        transaction: &Transaction<'_>,
        order: i64,
        cents: i64,
    ) -> Result<()> {
        let sql = "INSERT INTO payments (order_id, cents) VALUES (?1, ?2)";
        transaction.execute(sql, [order, cents]).map(drop)
    }
}
// ANCHOR_END: repositories

// ANCHOR: service
struct Service {
    connection: Connection,
}

impl Service {
    fn place_order(&mut self, customer: &str, cents: i64) -> Result<i64> {
        self.in_transaction(|transaction| {
            let order = orders::insert(transaction, customer)?;
            payments::insert(transaction, order, cents)?;
            Ok(order)
        })
    }

    /// Commits if `change` returns `Ok`. Otherwise, dropping the transaction rolls
    /// it back.
    fn in_transaction<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let transaction = self.connection.transaction_with_behavior(Immediate)?;
        let value = change(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}
// ANCHOR_END: service

fn main() -> Result<()> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT);
         CREATE TABLE payments (order_id INTEGER, cents INTEGER CHECK (cents > 0));",
    )?;
    let mut service = Service { connection };
    for (customer, cents) in [("Ada", 380), ("Bo", 0)] {
        match service.place_order(customer, cents) {
            Ok(id) => println!("{customer}: order {id}"),
            Err(error) => println!("{customer}: {error}"),
        }
    }
    let sql =
        "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM payments)";
    let (orders, payments): (u32, u32) =
        service
            .connection
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    println!("In the database: {orders} order, {payments} payment");
    Ok(())
}

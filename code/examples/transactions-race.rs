//! Two orders at the same time, and a repository that has a race condition.

use rusqlite::{Connection, Result};
use tokio::task::yield_now;

// ANCHOR: repository
/// Has a race condition: between two calls to its methods, another request can
/// change the data.
struct RacyRepository {
    connection: Connection,
}

impl RacyRepository {
    async fn stock(&self) -> Result<u32> {
        yield_now().await; // in place of a real wait for the database
        let sql = "SELECT stock FROM items WHERE id = 'croissant'";
        self.connection.query_row(sql, [], |row| row.get(0))
    }

    async fn set_stock(&self, stock: u32) -> Result<()> {
        yield_now().await;
        let sql = "UPDATE items SET stock = ?1 WHERE id = 'croissant'";
        self.connection.execute(sql, [stock]).map(drop)
    }

    async fn insert_order(&self, customer: &str) -> Result<()> {
        yield_now().await;
        let sql = "INSERT INTO orders (customer) VALUES (?1)";
        self.connection.execute(sql, [customer]).map(drop)
    }
}
// ANCHOR_END: repository

// ANCHOR: place-order
/// Returns whether the customer got the croissant.
async fn place_order(repository: &RacyRepository, customer: &str) -> Result<bool> {
    let stock = repository.stock().await?;
    println!("{customer} reads the stock: {stock}");
    if stock == 0 {
        return Ok(false);
    }
    repository.set_stock(stock - 1).await?;
    println!("{customer} sets the stock to {}", stock - 1);
    repository.insert_order(customer).await?;
    println!("{customer}'s order is stored");
    Ok(true)
}
// ANCHOR_END: place-order

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(
        "CREATE TABLE items (id TEXT, stock INTEGER CHECK (stock >= 0));
         CREATE TABLE orders (customer TEXT);
         INSERT INTO items VALUES ('croissant', 1);",
    )?;
    let repository = RacyRepository { connection };
    // ANCHOR: join
    let ada = place_order(&repository, "Ada");
    let bo = place_order(&repository, "Bo");
    let (ada, bo) = tokio::join!(ada, bo);
    println!("Ada's result: {ada:?}, Bo's result: {bo:?}");
    // ANCHOR_END: join
    let tom = place_order(&repository, "Tom").await;
    println!("Tom's result: {tom:?}");
    let sql = "SELECT stock, (SELECT count(*) FROM orders) FROM items";
    let (stock, orders): (u32, u32) =
        repository
            .connection
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    println!("In the database: stock {stock}, orders {orders}");
    Ok(())
}

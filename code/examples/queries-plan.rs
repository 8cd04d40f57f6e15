//! How SQLite finds the orders for a page of the list, before and after the migration
//! that adds the indexes.

use rusqlite::{Connection, Result};

fn main() -> Result<()> {
    let database = Connection::open_in_memory()?;
    database.execute_batch(include_str!("../shop/migrations/1-shop.sql"))?;
    print_plans(&database, "Without an index")?;
    database
        .execute_batch(include_str!("../shop/migrations/3-order-indexes.sql"))?;
    print_plans(&database, "With the indexes")
}

// ANCHOR: filters
const FILTERS: [&str; 4] = [
    "customer = :customer",
    "(:customer IS NULL OR customer = :customer)",
    "status = :status",
    "item IN (SELECT value FROM json_each(:items))",
];

fn print_plans(database: &Connection, title: &str) -> Result<()> {
    println!("{title}");
    for filter in FILTERS {
        println!("  {filter}");
        let mut statement = database.prepare(&format!(
            "EXPLAIN QUERY PLAN SELECT * FROM orders
             WHERE id > :after AND {filter} ORDER BY id LIMIT :limit"
        ))?;
        let mut rows = statement.raw_query(); // these plans don't need the values
        while let Some(row) = rows.next()? {
            println!("    {}", row.get::<_, String>("detail")?);
        }
    }
    Ok(())
}
// ANCHOR_END: filters

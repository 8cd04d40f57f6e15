//! A query that contains the client's text, and one that gets it as a parameter.
use rusqlite::{Connection, Params, Result};

fn items(db: &Connection, sql: &str, values: impl Params) -> Result<Vec<String>> {
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map(values, |row| row.get(0))?;
    rows.collect()
}

fn main() -> Result<()> {
    let db = Connection::open_in_memory()?;
    db.execute_batch(
        "CREATE TABLE orders (customer TEXT, item TEXT);
         INSERT INTO orders VALUES ('Ada', 'tea'), ('Bo', 'croissant')",
    )?;
    for customer in ["Ada", "' OR 'x' = 'x"] {
        let sql = format!("SELECT item FROM orders WHERE customer = '{customer}'");
        println!("{sql}\n  {:?}", items(&db, &sql, [])?);

        let sql = "SELECT item FROM orders WHERE customer = ?1";
        println!("{sql}\n  {:?}", items(&db, sql, [customer])?);
    }
    Ok(())
}

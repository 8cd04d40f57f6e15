//! Queries that are checked against a database while they are compiled.
//!
//! The `.sqlx` folder has the answers of that database, so that this compiles without one. To
//! renew it, let `DATABASE_URL` name a database with the tables of the service, and run
//! `SQLX_OFFLINE=false SQLX_OFFLINE_DIR=.sqlx cargo check` in this folder, or
//! `cargo sqlx prepare` if you have the command `sqlx`.

use sqlx::{PgPool, query_as};

/// An item of the menu.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    /// The id, such as `flat-white`.
    pub id: String,
    /// The price of one, in cents.
    pub price_cents: i64,
}

// ANCHOR: cheap-items
/// The items that cost at most `max_price` cents, cheapest first.
///
/// # Errors
///
/// If the database can't be reached or read.
pub async fn cheap_items(
    pool: &PgPool,
    max_price: i64,
) -> Result<Vec<Item>, sqlx::Error> {
    query_as!(
        Item,
        "SELECT id, price_cents FROM items
         WHERE price_cents <= $1
         ORDER BY price_cents, id",
        max_price
    )
    .fetch_all(pool)
    .await
}
// ANCHOR_END: cheap-items

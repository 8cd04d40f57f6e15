//! The menu in PostgreSQL.

use async_trait::async_trait;
use sqlx::{FromRow, PgConnection, query, query_as};
use tracing::instrument;

use super::error::{MenuError, StockError};
use super::model::{self, Cents, Expected, Item, ItemId, NewItem, Portion};
use super::repository::{Put, Repository};
use crate::storage::StorageError;
use crate::storage::postgres::{Postgres, unsigned};

// ANCHOR: row
/// A row of the `items` table. PostgreSQL has no unsigned numbers, so the
/// numbers here are `i64`.
#[derive(FromRow)]
struct ItemRow {
    id: String,
    name: String,
    price_cents: i64,
    stock: i64,
    version: i64,
}

impl TryFrom<ItemRow> for Item {
    type Error = StorageError;

    fn try_from(row: ItemRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: ItemId::from_stored(row.id),
            name: row.name,
            price_cents: Cents::new(unsigned(row.price_cents)?),
            stock: unsigned(row.stock)?,
            version: unsigned(row.version)?,
        })
    }
}
// ANCHOR_END: row

#[async_trait]
impl Repository for Postgres {
    #[instrument(skip_all)]
    async fn items(&self) -> Result<Vec<Item>, StorageError> {
        // ANCHOR: items
        // `COLLATE "C"` sorts by bytes, as Rust does, so the in-memory repository
        // returns the items in the same order. The database's own sorting rules (its
        // *collation*) may be those of a human language. Such rules may ignore
        // hyphens, and they differ between systems.
        let sql = "SELECT id, name, price_cents, stock, version FROM items
                   ORDER BY id COLLATE \"C\"";
        let rows: Vec<ItemRow> = query_as(sql).fetch_all(self.pool()).await?;
        rows.into_iter().map(Item::try_from).collect()
        // ANCHOR_END: items
    }

    #[instrument(skip_all)]
    async fn item(&self, id: &str) -> Result<Option<Item>, StorageError> {
        // PostgreSQL answers text with this character with an error, and so no item has it
        // in its id.
        if id.contains('\0') {
            return Ok(None);
        }
        let sql = "SELECT id, name, price_cents, stock, version FROM items
                   WHERE id = $1";
        let row: Option<ItemRow> =
            query_as(sql).bind(id).fetch_optional(self.pool()).await?;
        row.map(Item::try_from).transpose()
    }

    #[instrument(skip_all)]
    async fn put_item(
        &self,
        new: NewItem,
        expected: Expected,
    ) -> Result<Put, MenuError> {
        // Each statement checks the condition and changes the row in one step. If we read
        // the version first, another request could change the row in between.
        let row: Option<ItemRow> = match &expected {
            Expected::Nothing => {
                let sql = "INSERT INTO items (id, name, price_cents, stock)
                           VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING
                           RETURNING id, name, price_cents, stock, version";
                put(sql, &new).fetch_optional(self.pool()).await
            }
            Expected::Anything => {
                let sql =
                    "UPDATE items SET name = $2, price_cents = $3, stock = $4,
                               version = version + 1
                           WHERE id = $1
                           RETURNING id, name, price_cents, stock, version";
                put(sql, &new).fetch_optional(self.pool()).await
            }
            // ANCHOR: if-match
            Expected::Versions(versions) => {
                let sql =
                    "UPDATE items SET name = $2, price_cents = $3, stock = $4,
                               version = version + 1
                           WHERE id = $1 AND version = ANY($5)
                           RETURNING id, name, price_cents, stock, version";
                // The column is a bigint. A version that doesn't fit into an i64
                // can't be in any row, so leave it out.
                let fitting =
                    versions.iter().filter_map(|&v| i64::try_from(v).ok());
                let fitting: Vec<i64> = fitting.collect();
                put(sql, &new)
                    .bind(fitting)
                    .fetch_optional(self.pool())
                    .await
            } // ANCHOR_END: if-match
        }
        .map_err(StorageError::from)?;
        let item = Item::try_from(row.ok_or_else(|| expected.unmet())?)?;
        Ok(match expected {
            Expected::Nothing => Put::Created(item),
            Expected::Anything | Expected::Versions(_) => Put::Replaced(item),
        })
    }

    #[instrument(skip_all)]
    async fn ping(&self) -> Result<(), StorageError> {
        self.check(async {
            let read = query("SELECT FROM items LIMIT 1");
            match read.execute(self.health_pool()).await {
                Ok(_) => Ok(()),
                // The server can't be reached: only one check at a time needs this pool.
                Err(error @ sqlx::Error::PoolTimedOut) => {
                    Err(StorageError::Failed(Box::new(error)))
                }
                Err(error) => match StorageError::from(error) {
                    StorageError::Busy(_) => Ok(()),
                    failed => Err(failed),
                },
            }
        })
        .await
    }
}

/// A statement with the columns of an item as its first four parameters.
fn put<'q>(
    sql: &'static str,
    new: &'q NewItem,
) -> sqlx::query::QueryAs<'q, sqlx::Postgres, ItemRow, sqlx::postgres::PgArguments>
{
    query_as(sql)
        .bind(new.id.as_str())
        .bind(&new.name)
        .bind(i64::from(new.price_cents.get()))
        .bind(i64::from(new.stock))
}

/// Takes portions out of the stock, if all of them are there. It returns the items, with
/// what is left of them. The caller's transaction decides whether the change is stored.
///
/// # Errors
///
/// [`StockError::NotOnMenu`] and [`StockError::NotEnoughLeft`].
pub(crate) async fn take_stock(
    connection: &mut PgConnection,
    portions: &[Portion],
) -> Result<Vec<Item>, StockError> {
    let items = lock_items(connection, portions).await?;
    let items = model::take(&items, portions)?;
    store_stock(connection, &items).await?;
    Ok(items)
}

/// Puts portions back in stock, as part of the caller's transaction.
pub(crate) async fn put_back(
    connection: &mut PgConnection,
    portions: &[Portion],
) -> Result<(), StorageError> {
    let mut items = lock_items(connection, portions).await?;
    model::put_back(&mut items, portions);
    store_stock(connection, &items).await
}

// ANCHOR: lock-items
/// Reads the items that the portions name, and locks their rows, in the
/// alphabetical order of their ids. The locks last until the transaction ends. If
/// another transaction locked the same rows in a different order, each could
/// hold the row that the other waits for (a deadlock).
async fn lock_items(
    connection: &mut PgConnection,
    portions: &[Portion],
) -> Result<Vec<Item>, StorageError> {
    let ids: Vec<_> = portions.iter().map(|p| p.item.as_str()).collect();
    let sql = "SELECT id, name, price_cents, stock, version FROM items
               WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    let rows: Vec<ItemRow> = query_as(sql).bind(ids).fetch_all(connection).await?;
    rows.into_iter().map(Item::try_from).collect()
}
// ANCHOR_END: lock-items

/// Stores the stock of items, and their version: the stock is part of what a client reads, so
/// the entity tag changes with it. This transaction has locked the rows, so nobody else has
/// changed them since they were read.
async fn store_stock(
    connection: &mut PgConnection,
    items: &[Item],
) -> Result<(), StorageError> {
    let ids: Vec<_> = items.iter().map(|item| item.id.as_str()).collect();
    let stock: Vec<_> = items.iter().map(|item| i64::from(item.stock)).collect();
    let sql = "UPDATE items SET stock = changed.stock, version = items.version + 1
               FROM unnest($1::text[], $2::bigint[]) AS changed (id, stock)
               WHERE items.id = changed.id";
    query(sql).bind(ids).bind(stock).execute(connection).await?;
    Ok(())
}

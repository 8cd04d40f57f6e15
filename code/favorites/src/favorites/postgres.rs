//! Favorites in PostgreSQL.

use async_trait::async_trait;
use sqlx::{PgConnection, query, query_scalar};
use tracing::instrument;

use super::error::FavoriteError;
use super::model::{Favorite, MAX_FAVORITES};
use super::repository::Repository;
use crate::customers::error::CustomerError;
use crate::customers::model::CustomerId;
use crate::menu::model::ItemId;
use crate::storage::StorageError;
use crate::storage::postgres::{Postgres, signed, unsigned};

// ANCHOR: violation
/// The table has two foreign keys. If the one on `item_id` is violated, the item isn't on
/// the menu. If the one on `customer_id` is violated, the account was removed while its
/// access token was still valid.
fn violation(error: sqlx::Error, item: &ItemId) -> FavoriteError {
    match &error {
        sqlx::Error::Database(cause) if cause.is_foreign_key_violation() => {
            match cause.constraint() {
                Some("favorites_item_id_fkey") => {
                    FavoriteError::NotOnMenu(item.as_str().into())
                }
                _ => CustomerError::InvalidToken.into(),
            }
        }
        _ => error.into(),
    }
}

impl From<sqlx::Error> for FavoriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}
// ANCHOR_END: violation

// ANCHOR: list
#[async_trait]
impl Repository for Postgres {
    #[instrument(skip_all)]
    async fn favorites(
        &self,
        customer: CustomerId,
    ) -> Result<Vec<Favorite>, StorageError> {
        let sql = r#"SELECT item_id FROM favorites WHERE customer_id = $1
                     ORDER BY item_id COLLATE "C""#;
        let ids: Vec<String> = query_scalar(sql)
            .bind(signed(customer.get()))
            .fetch_all(self.pool())
            .await?;
        let favorites = ids.into_iter().map(|id| Favorite {
            item: ItemId::from_stored(id),
        });
        Ok(favorites.collect())
    }
    // ANCHOR_END: list

    // ANCHOR: add
    #[instrument(skip_all)]
    async fn add_favorite(
        &self,
        customer: CustomerId,
        item: ItemId,
    ) -> Result<(), FavoriteError> {
        let mut tx = self.begin().await?;
        let id = signed(customer.get());
        // Only one transaction at a time can add a favorite for this customer.
        let sql = "SELECT id FROM customers WHERE id = $1 FOR NO KEY UPDATE";
        query(sql).bind(id).execute(&mut *tx).await?;
        insert(&mut tx, id, &item).await?;
        let sql = "SELECT count(*) FROM favorites WHERE customer_id = $1";
        let count: i64 = query_scalar(sql).bind(id).fetch_one(&mut *tx).await?;
        if unsigned::<usize>(count)? > MAX_FAVORITES {
            // The transaction is dropped here, which rolls it back.
            return Err(FavoriteError::TooMany);
        }
        tx.commit().await?;
        Ok(())
    }
    // ANCHOR_END: add

    // ANCHOR: remove
    #[instrument(skip_all)]
    async fn remove_favorite(
        &self,
        customer: CustomerId,
        item: ItemId,
    ) -> Result<(), StorageError> {
        let sql = "DELETE FROM favorites WHERE customer_id = $1 AND item_id = $2";
        query(sql)
            .bind(signed(customer.get()))
            .bind(item.as_str())
            .execute(self.pool())
            .await?;
        Ok(())
    }
}
// ANCHOR_END: remove

// ANCHOR: insert
/// Adds a favorite, unless it's already in the table.
async fn insert(
    connection: &mut PgConnection,
    customer: i64,
    item: &ItemId,
) -> Result<(), FavoriteError> {
    let sql = "INSERT INTO favorites (customer_id, item_id) VALUES ($1, $2)
               ON CONFLICT DO NOTHING";
    query(sql)
        .bind(customer)
        .bind(item.as_str())
        .execute(connection)
        .await
        .map_err(|error| violation(error, item))?;
    Ok(())
}
// ANCHOR_END: insert

//! Favorites in memory.

use async_trait::async_trait;
use tracing::instrument;

use super::error::FavoriteError;
use super::model::{Favorite, MAX_FAVORITES};
use super::repository::Repository;
use crate::customers::model::CustomerId;
use crate::menu::model::ItemId;
use crate::storage::StorageError;
use crate::storage::memory::Memory;

// ANCHOR: list
#[async_trait]
impl Repository for Memory {
    #[instrument(skip_all)]
    async fn favorites(
        &self,
        customer: CustomerId,
    ) -> Result<Vec<Favorite>, StorageError> {
        let data = self.lock();
        let own = data
            .favorites
            .iter()
            .filter(|(owner, _)| *owner == customer);
        let favorites = own.map(|(_, item)| Favorite { item: item.clone() });
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
        let mut data = self.lock();
        if data.find_item(item.as_str()).is_err() {
            return Err(FavoriteError::NotOnMenu(item.as_str().into()));
        }
        let others = data
            .favorites
            .iter()
            .filter(|(owner, other)| *owner == customer && *other != item);
        if others.count() >= MAX_FAVORITES {
            return Err(FavoriteError::TooMany);
        }
        data.favorites.insert((customer, item));
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
        self.lock().favorites.remove(&(customer, item));
        Ok(())
    }
}
// ANCHOR_END: remove

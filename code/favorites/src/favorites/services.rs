//! The operations of the favorites.

use std::sync::Arc;

use tracing::instrument;

use super::error::FavoriteError;
use super::model::Favorite;
use super::repository::Repository;
use crate::customers::model::Identity;
use crate::menu::model::ItemId;
use crate::storage::StorageError;

// ANCHOR: services
/// The favorites. Clones are cheap, and all of them share one repository.
#[derive(Clone)]
pub struct Favorites {
    repository: Arc<dyn Repository>,
}

impl Favorites {
    /// Makes a `Favorites` that uses this repository.
    pub fn new(repository: Arc<dyn Repository>) -> Self {
        Self { repository }
    }

    /// The customer's own favorites, sorted by the item's id.
    #[instrument(skip_all)]
    pub async fn list(
        &self,
        identity: Identity,
    ) -> Result<Vec<Favorite>, StorageError> {
        self.repository.favorites(identity.customer).await
    }
    // ANCHOR_END: services

    // ANCHOR: add-and-remove
    /// Adds an item to the favorites. If it's already there, nothing changes.
    ///
    /// # Errors
    ///
    /// For example, [`FavoriteError::NotOnMenu`] or [`FavoriteError::TooMany`].
    #[instrument(skip_all)]
    pub async fn add(
        &self,
        identity: Identity,
        item: ItemId,
    ) -> Result<(), FavoriteError> {
        self.repository.add_favorite(identity.customer, item).await
    }

    /// Removes an item from the favorites. If it isn't there, nothing changes.
    #[instrument(skip_all)]
    pub async fn remove(
        &self,
        identity: Identity,
        item: ItemId,
    ) -> Result<(), StorageError> {
        self.repository
            .remove_favorite(identity.customer, item)
            .await
    }
    // ANCHOR_END: add-and-remove
}

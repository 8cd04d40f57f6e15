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
    /// Favorites that are stored in this repository.
    pub fn new(repository: Arc<dyn Repository>) -> Self {
        Self { repository }
    }

    /// One's own favorites, sorted by the item's id.
    #[instrument(skip_all)]
    pub async fn list(
        &self,
        identity: Identity,
    ) -> Result<Vec<Favorite>, StorageError> {
        self.repository.favorites(identity.customer).await
    }
    // ANCHOR_END: services

    /// Adds one of one's own favorites. If it's already one, nothing changes.
    ///
    /// # Errors
    ///
    /// [`FavoriteError::NotOnMenu`] and [`FavoriteError::TooMany`]. In both cases, nothing
    /// has changed.
    #[instrument(skip_all)]
    pub async fn add(
        &self,
        identity: Identity,
        item: ItemId,
    ) -> Result<(), FavoriteError> {
        self.repository.add_favorite(identity.customer, item).await
    }

    /// Removes one of one's own favorites. If it isn't one, nothing changes.
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
}

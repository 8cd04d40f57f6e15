//! What the favorites need of their storage.

use async_trait::async_trait;

use super::error::FavoriteError;
use super::model::Favorite;
use crate::customers::model::CustomerId;
use crate::menu::model::ItemId;
use crate::storage::StorageError;

// ANCHOR: repository
/// Stores the favorites. Each method is one transaction.
#[async_trait]
pub trait Repository: Send + Sync {
    /// The favorites of this customer, sorted by the item's id.
    async fn favorites(
        &self,
        customer: CustomerId,
    ) -> Result<Vec<Favorite>, StorageError>;

    /// Adds an item to the favorites. If it's already there, nothing changes. The item
    /// must be on the menu, and a customer has at most `MAX_FAVORITES`.
    async fn add_favorite(
        &self,
        customer: CustomerId,
        item: ItemId,
    ) -> Result<(), FavoriteError>;

    /// Removes an item from the favorites. If it isn't there, nothing changes.
    async fn remove_favorite(
        &self,
        customer: CustomerId,
        item: ItemId,
    ) -> Result<(), StorageError>;
}
// ANCHOR_END: repository

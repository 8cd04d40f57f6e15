//! What the menu needs of its storage.

use async_trait::async_trait;

use super::error::MenuError;
use super::model::{Expected, Item, NewItem};
use crate::storage::StorageError;

/// Stores the menu. Each method is one transaction.
#[async_trait]
pub trait Repository: Send + Sync {
    /// All items, sorted by id.
    async fn items(&self) -> Result<Vec<Item>, StorageError>;

    /// The item with this id.
    async fn item(&self, id: &str) -> Result<Option<Item>, StorageError>;

    /// Adds or replaces an item, if it is as expected.
    ///
    /// # Errors
    ///
    /// [`MenuError::Stale`] or [`MenuError::Exists`], if it isn't. Then nothing has
    /// changed.
    async fn put_item(
        &self,
        new: NewItem,
        expected: Expected,
    ) -> Result<Put, MenuError>;

    /// Checks that the data can be read. A storage that is only busy passes.
    async fn ping(&self) -> Result<(), StorageError>;
}

/// What [`Repository::put_item`] did, with the item as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// There was no item with this id.
    Created(Item),
    /// There was one.
    Replaced(Item),
}

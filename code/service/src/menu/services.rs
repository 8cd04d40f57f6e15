//! The operations of the menu.

use std::sync::Arc;

use tracing::instrument;

use super::error::MenuError;
use super::model::{Expected, Item, NewItem};
use super::repository::{Put, Repository};
use crate::storage::StorageError;

/// The menu. Clones are cheap, and all of them share one repository.
#[derive(Clone)]
pub struct Menu {
    repository: Arc<dyn Repository>,
}

impl Menu {
    /// A menu that is stored in this repository.
    pub fn new(repository: Arc<dyn Repository>) -> Self {
        Self { repository }
    }

    /// All items, sorted by id.
    #[instrument(skip_all)]
    pub async fn items(&self) -> Result<Vec<Item>, StorageError> {
        self.repository.items().await
    }

    /// The item with this id.
    ///
    /// # Errors
    ///
    /// [`MenuError::UnknownItem`].
    #[instrument(skip_all)]
    pub async fn item(&self, id: &str) -> Result<Item, MenuError> {
        let item = self.repository.item(id).await?;
        item.ok_or_else(|| MenuError::UnknownItem(id.into()))
    }

    /// Adds an item, or replaces the one with its id, if it is as expected.
    ///
    /// # Errors
    ///
    /// [`MenuError::Stale`] and [`MenuError::Exists`].
    #[instrument(skip_all)]
    pub async fn put_item(
        &self,
        new: NewItem,
        expected: Expected,
    ) -> Result<Put, MenuError> {
        self.repository.put_item(new, expected).await
    }

    /// Whether the data can be read.
    #[instrument(skip_all)]
    pub async fn ready(&self) -> Result<(), StorageError> {
        self.repository.ping().await
    }
}

//! The menu in memory.

use async_trait::async_trait;
use tracing::instrument;

use super::error::MenuError;
use super::model::{Expected, Item, NewItem};
use super::repository::{Put, Repository};
use crate::storage::StorageError;
use crate::storage::memory::{Data, Memory};

impl Data {
    /// The place of an item in the list: `Err` has the place where it would belong.
    pub(crate) fn find_item(&self, id: &str) -> Result<usize, usize> {
        self.items.binary_search_by(|item| item.id.as_str().cmp(id))
    }

    /// Replaces items that have been changed.
    pub(crate) fn store_items(&mut self, items: Vec<Item>) {
        for item in items {
            if let Ok(place) = self.find_item(item.id.as_str()) {
                self.items[place] = item;
            }
        }
    }
}

#[async_trait]
impl Repository for Memory {
    #[instrument(skip_all)]
    async fn items(&self) -> Result<Vec<Item>, StorageError> {
        Ok(self.lock().items.clone())
    }

    #[instrument(skip_all)]
    async fn item(&self, id: &str) -> Result<Option<Item>, StorageError> {
        let data = self.lock();
        let place = data.find_item(id).ok();
        Ok(place.map(|place| data.items[place].clone()))
    }

    #[instrument(skip_all)]
    async fn put_item(
        &self,
        new: NewItem,
        expected: Expected,
    ) -> Result<Put, MenuError> {
        let mut data = self.lock();
        let place = data.find_item(new.id.as_str());
        let old = place.ok().map(|place| &data.items[place]);
        if !expected.allows(old) {
            return Err(expected.unmet());
        }
        let item = Item {
            version: old.map_or(1, |old| old.version + 1),
            id: new.id,
            name: new.name,
            price_cents: new.price_cents,
            stock: new.stock,
        };
        Ok(match place {
            Ok(place) => {
                data.items[place] = item.clone();
                Put::Replaced(item)
            }
            Err(place) => {
                data.items.insert(place, item.clone());
                Put::Created(item)
            }
        })
    }

    #[instrument(skip_all)]
    async fn ping(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

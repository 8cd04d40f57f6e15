//! What can be done with the menu.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::model::Item;

/// The menu. Clones are cheap, and all of them share one list.
#[derive(Clone)]
pub struct Menu {
    items: Arc<Mutex<Vec<Item>>>,
}

impl Default for Menu {
    fn default() -> Self {
        let croissant = Item {
            id: "croissant".into(),
            stock: 1,
        };
        Self {
            items: Arc::new(Mutex::new(vec![croissant])),
        }
    }
}

impl Menu {
    /// The whole menu.
    pub fn items(&self) -> Vec<Item> {
        self.lock().clone()
    }

    /// Reduces the stock of an item. Returns `false` if none is left.
    pub fn take_one(&self, id: &str) -> bool {
        let mut items = self.lock();
        items
            .iter_mut()
            .any(|item| item.id == id && item.take_one())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Item>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

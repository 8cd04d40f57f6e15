//! A third repository, which is broken.

use std::sync::Mutex;

use async_trait::async_trait;
use code::data::memory::Memory;
use code::data::repository::{Repository, Sale, StorageError};
use code::legacy::{Item, Order};

/// Looks at the stock, and forgets to take from it.
pub struct Forgetful {
    menu: Memory,
    orders: Mutex<Vec<Order>>,
}

impl Forgetful {
    pub fn new(menu: Vec<Item>) -> Self {
        let orders = Mutex::default();
        let menu = Memory::new(menu);
        Self { menu, orders }
    }
}

#[async_trait]
impl Repository for Forgetful {
    async fn menu(
        &self,
        max_price: Option<u32>,
    ) -> Result<Vec<Item>, StorageError> {
        self.menu.menu(max_price).await
    }

    async fn item(&self, id: &str) -> Result<Option<Item>, StorageError> {
        self.menu.item(id).await
    }

    async fn order(&self, id: u64) -> Result<Option<Order>, StorageError> {
        let orders = self.orders.lock().expect("nothing panics with it");
        Ok(orders.iter().find(|order| order.id == id).cloned())
    }

    async fn place_order(&self, sale: Sale) -> Result<Option<Order>, StorageError> {
        let item = self.item(&sale.item).await?;
        if item.is_none_or(|item| item.stock < sale.quantity) {
            return Ok(None);
        }
        let mut orders = self.orders.lock().expect("nothing panics with it");
        let order = sale.numbered(orders.len() as u64 + 1);
        orders.push(order.clone());
        Ok(Some(order))
    }
}

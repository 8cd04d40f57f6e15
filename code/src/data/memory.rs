//! The books in memory: for tests, for the page, and for a start.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tracing::instrument;

use super::repository::{Repository, Sale, StorageError};
use crate::legacy::{Item, Order};

// ANCHOR: memory
/// Forgets everything when the program ends.
pub struct Memory {
    books: Mutex<Books>,
}
// ANCHOR_END: memory

struct Books {
    menu: Vec<Item>,
    orders: Vec<Order>,
}

impl Memory {
    /// Books with this menu and no order.
    pub fn new(menu: Vec<Item>) -> Self {
        let orders = Vec::new();
        Self {
            books: Mutex::new(Books { menu, orders }),
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Repository for Memory {
    #[instrument(skip_all)]
    async fn menu(
        &self,
        max_price: Option<u32>,
    ) -> Result<Vec<Item>, StorageError> {
        let max_price = max_price.unwrap_or(u32::MAX);
        let books = self.books();
        let menu = books.menu.iter();
        Ok(menu
            .filter(|item| item.price_cents <= max_price)
            .cloned()
            .collect())
    }

    #[instrument(skip_all)]
    async fn item(&self, id: &str) -> Result<Option<Item>, StorageError> {
        let books = self.books();
        Ok(books.menu.iter().find(|item| item.id == id).cloned())
    }

    #[instrument(skip_all)]
    async fn order(&self, id: u64) -> Result<Option<Order>, StorageError> {
        let books = self.books();
        Ok(books.orders.iter().find(|order| order.id == id).cloned())
    }

    // ANCHOR: place-order
    #[instrument(skip_all)]
    async fn place_order(&self, sale: Sale) -> Result<Option<Order>, StorageError> {
        let mut guard = self.books();
        let books = &mut *guard; // so that menu and orders can be borrowed apart
        let mut menu = books.menu.iter_mut();
        let Some(item) = menu.find(|item| item.id == sale.item) else {
            return Ok(None);
        };
        let Some(left) = item.stock.checked_sub(sale.quantity) else {
            return Ok(None);
        };
        // Orders are never removed, so their count is a number that nobody has.
        let order = sale.numbered(books.orders.len() as u64 + 1);
        item.stock = left;
        books.orders.push(order.clone());
        Ok(Some(order))
    }
    // ANCHOR_END: place-order
}

//! A repository in memory: for tests, and for a first try. The data is lost when the
//! program ends.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tracing::instrument;

use super::{Clock, Put, Repository, RepositoryError};
use crate::model::{
    Item, MenuFilter, NewOrder, Order, OrderChange, OrderFilter, OrderStatus, Page,
    ShopError,
};

// ANCHOR: memory
/// Keeps all data in memory. The amount of data isn't limited.
pub struct Memory {
    inventory: Mutex<Inventory>,
}

struct Inventory {
    menu: Vec<Item>,
    /// The orders, sorted by id. The ids are 1, 2, 3, and so on, because
    /// orders are never removed.
    orders: Vec<Order>,
}
// ANCHOR_END: memory

impl Memory {
    /// A repository with this menu and without orders.
    pub fn new(menu: Vec<Item>) -> Self {
        let orders = Vec::new();
        Self {
            inventory: Mutex::new(Inventory { menu, orders }),
        }
    }

    /// The inventory, locked until the guard is dropped. No method below holds the
    /// guard across an `.await`.
    fn lock(&self) -> MutexGuard<'_, Inventory> {
        // A mutex is poisoned when a thread panics while it holds the lock. The methods
        // below change the inventory last, after everything that is likely to panic, so
        // the inventory is consistent even after a panic.
        self.inventory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inventory {
    fn item_mut(&mut self, id: &str) -> Option<&mut Item> {
        self.menu.iter_mut().find(|item| item.id.as_str() == id)
    }

    fn order(&self, id: u64) -> Option<&Order> {
        self.orders.iter().find(|order| order.id == id)
    }
}

#[async_trait]
impl Repository for Memory {
    #[instrument(skip_all)]
    async fn menu(&self, filter: MenuFilter) -> Result<Vec<Item>, RepositoryError> {
        let affordable = |item: &&Item| {
            filter
                .max_price
                .is_none_or(|max_price| item.price_cents.get() <= max_price)
        };
        let inventory = self.lock();
        Ok(inventory.menu.iter().filter(affordable).cloned().collect())
    }

    #[instrument(skip_all)]
    async fn item(&self, id: &str) -> Result<Option<Item>, RepositoryError> {
        let inventory = self.lock();
        let mut menu = inventory.menu.iter();
        Ok(menu.find(|item| item.id.as_str() == id).cloned())
    }

    #[instrument(skip_all)]
    // ANCHOR: put-and-delete-item
    async fn put_item(&self, item: Item) -> Result<Put, RepositoryError> {
        let mut inventory = self.lock();
        Ok(match inventory.item_mut(item.id.as_str()) {
            Some(old) => {
                *old = item;
                Put::Replaced
            }
            None => {
                inventory.menu.push(item);
                Put::Created
            }
        })
    }

    #[instrument(skip_all)]
    async fn delete_item(&self, id: &str) -> Result<bool, RepositoryError> {
        let mut inventory = self.lock();
        let before = inventory.menu.len();
        inventory.menu.retain(|item| item.id.as_str() != id);
        Ok(inventory.menu.len() < before)
    }
    // ANCHOR_END: put-and-delete-item

    #[instrument(skip_all)]
    // ANCHOR: place-order
    async fn place_order(
        &self,
        new: NewOrder,
        clock: Clock,
    ) -> Result<Order, RepositoryError> {
        let mut inventory = self.lock();
        let id = inventory.orders.len() as u64 + 1;
        let item = inventory.item_mut(&new.item).ok_or(ShopError::NotOnMenu)?;
        let mut sold = item.clone();
        let total_cents = sold.sell(new.quantity)?;
        let order = Order::new(id, new, &sold, total_cents, clock());
        let placed = order.clone();
        *item = sold;
        inventory.orders.push(order);
        Ok(placed)
    }
    // ANCHOR_END: place-order

    #[instrument(skip_all)]
    async fn order(&self, id: u64) -> Result<Option<Order>, RepositoryError> {
        Ok(self.lock().order(id).cloned())
    }

    #[instrument(skip_all)]
    async fn orders(
        &self,
        filter: OrderFilter,
    ) -> Result<Page<Order>, RepositoryError> {
        let wanted = |order: &&Order| {
            let customer = filter.customer.as_deref();
            order.id > filter.after
                && customer.is_none_or(|name| order.customer.as_str() == name)
                && filter.status.is_none_or(|status| order.status == status)
                && (filter.items.is_empty()
                    || filter.items.iter().any(|id| id == order.item.as_str()))
        };
        let limit = filter.limit.get() as usize;
        let inventory = self.lock();
        // One more than the page has room for: so we know whether there is a next page.
        let found = inventory.orders.iter().filter(wanted).take(limit + 1);
        Ok(Page::new(found.cloned().collect(), filter.limit))
    }

    #[instrument(skip_all)]
    async fn change_order(
        &self,
        id: u64,
        change: OrderChange,
    ) -> Result<Order, RepositoryError> {
        let mut inventory = self.lock();
        let old = inventory.order(id).ok_or(ShopError::UnknownOrder(id))?;
        let mut order = old.clone();
        order.change(change)?;
        let changed = order.clone();
        if order.status == OrderStatus::Canceled
            && let Some(item) = inventory.item_mut(order.item.as_str())
        {
            item.put_back(order.quantity);
        }
        if let Some(old) = inventory.orders.iter_mut().find(|old| old.id == id) {
            *old = order;
        }
        Ok(changed)
    }

    #[instrument(skip_all)]
    async fn ping(&self) -> Result<(), RepositoryError> {
        Ok(())
    }
}

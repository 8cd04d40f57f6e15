//! The operations of the shop. Handlers, tests and command-line programs call them,
//! and nothing here depends on HTTP.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tracing::instrument;

use super::model::{
    Cents, Item, MenuFilter, NewOrder, Order, ShopError, opening_menu,
};

/// The shop. Clones are cheap, and all of them share one inventory.
#[derive(Clone)]
pub struct Shop {
    inventory: Arc<Mutex<Inventory>>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    next_id: Arc<dyn Fn() -> u64 + Send + Sync>,
}

/// The menu with its stock, and the orders. It's private, so only the methods of
/// [`Shop`] can change it.
struct Inventory {
    menu: Vec<Item>,
    orders: Vec<Order>,
}

/// What [`Shop::put_item`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There was no item with this id.
    Created,
    /// There was one.
    Replaced,
}

impl Shop {
    /// A shop with the opening menu, a clock and a source of order ids.
    pub fn new(
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        next_id: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        let inventory = Inventory {
            menu: opening_menu(),
            orders: Vec::new(),
        };
        Self {
            inventory: Arc::new(Mutex::new(inventory)),
            clock: Arc::new(clock),
            next_id: Arc::new(next_id),
        }
    }

    /// The items on the menu that pass the filter.
    #[instrument(skip_all)]
    pub fn menu(&self, filter: MenuFilter) -> Vec<Item> {
        let max_price = filter.max_price.map_or(Cents::new(u32::MAX), Cents::new);
        let inventory = self.lock();
        let items = inventory.menu.iter();
        items
            .filter(|item| item.price_cents <= max_price)
            .cloned()
            .collect()
    }

    /// The item with this id.
    ///
    /// # Errors
    ///
    /// [`ShopError::UnknownItem`].
    #[instrument(skip_all)]
    // ANCHOR: item
    pub fn item(&self, id: &str) -> Result<Item, ShopError> {
        let inventory = self.lock();
        let mut menu = inventory.menu.iter();
        let item = menu.find(|item| item.id.as_str() == id);
        item.cloned()
            .ok_or_else(|| ShopError::UnknownItem(id.into()))
    }
    // ANCHOR_END: item

    /// Adds an item to the menu, or replaces the item that has the same id.
    #[instrument(skip_all)]
    pub fn put_item(&self, item: Item) -> Put {
        let mut inventory = self.lock();
        match inventory.menu.iter_mut().find(|old| old.id == item.id) {
            Some(old) => {
                *old = item;
                Put::Replaced
            }
            None => {
                inventory.menu.push(item);
                Put::Created
            }
        }
    }

    /// The order with this id.
    ///
    /// # Errors
    ///
    /// [`ShopError::UnknownOrder`].
    #[instrument(skip_all)]
    pub fn order(&self, id: u64) -> Result<Order, ShopError> {
        let inventory = self.lock();
        let order = inventory.orders.iter().find(|order| order.id == id);
        order.cloned().ok_or(ShopError::UnknownOrder(id))
    }

    // ANCHOR: place-order
    /// Places an order, if enough of the item is left.
    ///
    /// # Errors
    ///
    /// Returns [`ShopError::NotOnMenu`], [`ShopError::NotEnoughLeft`] or
    /// [`ShopError::TotalTooLarge`]. In each case, nothing has changed.
    #[instrument(skip_all)]
    pub fn place_order(&self, new: NewOrder) -> Result<Order, ShopError> {
        let mut inventory = self.lock();
        let Inventory { menu, orders } = &mut *inventory;
        let item = menu.iter_mut().find(|item| item.id.as_str() == new.item);
        let item = item.ok_or(ShopError::NotOnMenu)?;

        // Sell from a copy, so that a panic below leaves the menu unchanged.
        let mut sold = item.clone();
        let total_cents = sold.sell(new.quantity)?;
        let order = Order::new((self.next_id)(), new, total_cents, (self.clock)());
        orders.push(order.clone());
        *item = sold;
        Ok(order)
    }
    // ANCHOR_END: place-order

    /// The inventory, locked until the guard is dropped.
    fn lock(&self) -> MutexGuard<'_, Inventory> {
        // A mutex is poisoned when a thread panics while it holds the lock. The methods
        // above change the inventory last, after everything that could panic, so the
        // inventory is in order even then.
        self.inventory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

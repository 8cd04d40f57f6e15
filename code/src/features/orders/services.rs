//! What can be done with orders.

use super::model::Order;
use crate::features::menu::services::Menu;

/// The orders. Each order takes something from the menu.
#[derive(Clone)]
pub struct Orders {
    menu: Menu,
}

impl Orders {
    /// Orders from this menu.
    pub const fn new(menu: Menu) -> Self {
        Self { menu }
    }

    // ANCHOR: place
    /// Places an order. Returns `false` if the ordered item is sold out.
    pub fn place(&self, order: &Order) -> bool {
        self.menu.take_one(&order.item)
    }
    // ANCHOR_END: place
}

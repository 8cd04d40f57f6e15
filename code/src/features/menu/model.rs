//! The data of the menu.

use serde::Serialize;

/// An item of the menu.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// The part of the path that names it.
    pub id: String,
    /// How many are left.
    pub stock: u32,
}

impl Item {
    /// Reduces the stock, if it isn't 0. Returns whether it was reduced.
    pub fn take_one(&mut self) -> bool {
        let taken = self.stock > 0;
        self.stock -= u32::from(taken);
        taken
    }
}

//! The data of an order.

use serde::Deserialize;

/// An order of one item.
#[derive(Debug, Deserialize)]
pub struct Order {
    /// The id of the item.
    pub item: String,
}

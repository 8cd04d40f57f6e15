//! The ticket that is printed beside the coffee machine.

use shop::model::Order;

// ANCHOR: ticket
/// The text of a ticket: the quantity, the item, and where to bring it.
pub fn ticket(order: &Order) -> String {
    let place = match order.table {
        Some(table) => format!("table {}", table.get()),
        None => "to go".into(),
    };
    format!("{} x {}, {place}\n", order.quantity.get(), order.item_name)
}
// ANCHOR_END: ticket

//! The slip of paper that comes out beside the coffee machine.

use crate::legacy::Order;

// ANCHOR: ticket
/// What Tom reads: how many of what, and where they go.
pub fn ticket(order: &Order) -> String {
    let to = match order.table {
        Some(table) => format!("table {table}"),
        None => "to go".into(),
    };
    format!("{} x {}, {to}\n", order.quantity, order.item)
}
// ANCHOR_END: ticket

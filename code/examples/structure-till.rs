//! The till: Tom enters the orders that come in by telephone.

use code::structure::model::{NewOrder, OrderRequest};
use code::structure::services::Shop;
use code::structure::{OPENING, count_from_one};

// ANCHOR: main
fn main() {
    let shop = Shop::new(|| OPENING, count_from_one());
    enter(&shop, "Ada", "flat-white", 2);
    enter(&shop, "Bo", "croissant", 11);
    enter(&shop, "Bo", "croissant", 1);
    enter(&shop, "Ada", "croissant", 1);
}
// ANCHOR_END: main

// ANCHOR: enter
fn enter(shop: &Shop, customer: &str, item: &str, quantity: u32) {
    let request = OrderRequest {
        customer: customer.into(),
        item: item.into(),
        quantity,
        note: None,
        table: None,
    };
    let new_order = match NewOrder::try_from(request) {
        Ok(new_order) => new_order,
        Err(mistakes) => {
            for mistake in mistakes {
                println!("Ask {customer}: {mistake}");
            }
            return;
        }
    };
    match shop.place_order(new_order) {
        Ok(order) => println!("{customer} pays {} cents", order.total_cents.get()),
        Err(error) => println!("Tell {customer}: {error}"),
    }
}
// ANCHOR_END: enter

//! The till: Tom types in what people order by telephone.

use code::legacy::{NewOrder, OPENING, count_from_one};
use code::structure::services::Shop;

fn main() {
    let shop = Shop::new(|| OPENING, count_from_one());
    for (customer, item, quantity) in [
        ("Bo", "croissant", 1),
        ("Ada", "croissant", 1),
        ("Ada", "tea", 12),
    ] {
        let new = NewOrder {
            customer: customer.into(),
            item: item.into(),
            quantity,
            note: None,
        };
        match shop.place_order(new, None) {
            Ok(order) => println!("{customer} pays {} cents", order.total_cents),
            Err(no) => println!("Tell {customer}: {no}"),
        }
    }
}

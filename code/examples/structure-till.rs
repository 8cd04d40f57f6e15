//! The till: Tom types in what people order by telephone.

use code::structure::model::{NewOrder, OrderRequest};
use code::structure::services::Shop;
use code::structure::{OPENING, count_from_one};

fn main() {
    let shop = Shop::new(|| OPENING, count_from_one());
    for (customer, item) in [("Bo", "croissant"), ("Ada", "croissant")] {
        let request = OrderRequest {
            customer: customer.into(),
            item: item.into(),
            quantity: 1,
            note: None,
            table: None,
        };
        let Ok(new_order) = NewOrder::try_from(request) else {
            continue;
        };
        match shop.place_order(new_order) {
            Ok(order) => {
                println!("{customer} pays {} cents", order.total_cents.get())
            }
            Err(error) => println!("Tell {customer}: {error}"),
        }
    }
}

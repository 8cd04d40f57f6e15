//! What the chapter on organizing the project says, tested: the rules without HTTP, and
//! the router without a socket.

// In a module of the chapter's name, so that `cargo test structure` finds them.
mod structure {
    use code::structure::model::{NewOrder, OrderRequest, ShopError};
    use code::structure::services::Shop;
    use code::structure::{OPENING, count_from_one};

    fn new_order(customer: &str, item: &str, quantity: u32) -> NewOrder {
        let request = OrderRequest {
            customer: customer.into(),
            item: item.into(),
            quantity,
            note: None,
            table: None,
        };
        request.try_into().expect("this order is valid")
    }

    // ANCHOR: without-http
    #[test]
    fn the_last_croissant_is_sold_once() {
        let shop = Shop::new(|| OPENING, count_from_one());
        let bo = shop.place_order(new_order("Bo", "croissant", 1));
        let ada = shop.place_order(new_order("Ada", "croissant", 1));
        assert!(bo.is_ok());
        let error = ShopError::NotEnoughLeft("Croissant".into());
        assert_eq!(ada.err(), Some(error));
    }
    // ANCHOR_END: without-http
}

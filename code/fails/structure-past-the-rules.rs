mod services {
    pub struct Shop {
        stock: u32,
    }

    impl Shop {
        pub fn sell_one(&mut self) -> bool {
            let sold = self.stock > 0;
            self.stock -= u32::from(sold);
            sold
        }
    }
}

mod handlers {
    use super::services::Shop;

    pub(super) fn order_croissant(shop: &mut Shop) {
        shop.stock -= 1;
    }
}

fn main() {}

// ANCHOR: private-field
mod model {
    /// The quantity of one item in an order: 1 to 10.
    pub struct Quantity(u32);
}

fn main() {
    let _nothing = model::Quantity(0);
}
// ANCHOR_END: private-field

// ANCHOR: private-field
mod model {
    /// How many of an item are ordered: 1 to 10.
    pub struct Quantity(u32);
}

fn main() {
    let _nothing = model::Quantity(0);
}
// ANCHOR_END: private-field

//! A function whose documentation is tested.

// ANCHOR: doctest
/// The price of a drink with extra milk, in cents.
///
/// ```
/// use code::prices::with_milk;
///
/// assert_eq!(with_milk(380, 50), 430);
/// ```
///
/// A price is a number, so this doesn't compile:
///
/// ```compile_fail
/// code::prices::with_milk("3.80", 50);
/// ```
pub fn with_milk(drink: u32, milk: u32) -> u32 {
    drink + milk
}
// ANCHOR_END: doctest

#[cfg(test)]
mod tests {
    use super::*;

    // `site/proofs/coverage.sh` doesn't run documentation tests.
    #[test]
    fn milk_is_added_to_the_price() {
        assert_eq!(with_milk(380, 50), 430);
    }
}

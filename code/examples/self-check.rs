//! Adds up the prices on a menu board, in cents. A line looks like this: `tea 2.20`.

#[derive(Debug, PartialEq)]
struct BadPrice(String);

fn price_cents(line: &str) -> Result<u64, BadPrice> {
    let bad_price = || BadPrice(line.to_owned());
    let (_, price) = line.rsplit_once(' ').ok_or_else(bad_price)?;
    let (whole, cents) = price.split_once('.').ok_or_else(bad_price)?;
    let digits = [whole, cents].concat();
    match digits.parse::<u32>() {
        Ok(n) if cents.len() == 2 => Ok(n.into()),
        _ => Err(bad_price()),
    }
}

fn total_cents<'a>(lines: impl Iterator<Item = &'a str>) -> Result<u64, BadPrice> {
    lines.map(price_cents).sum()
}

fn main() {
    assert_eq!(total_cents("espresso 2.50\ntea 2.20".lines()), Ok(470));
    let smudged = BadPrice("tea 2.2".to_owned());
    assert_eq!(total_cents("espresso 2.50\ntea 2.2".lines()), Err(smudged));
}

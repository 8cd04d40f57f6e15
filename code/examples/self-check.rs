//! Reads the prices on a board and adds them up, in cents.

/// One line of the board: `tea 2.20`.
fn price_cents(line: &str) -> Result<u32, String> {
    let no_price = || format!("no price: {line}");
    let (_, price) = line.rsplit_once(' ').ok_or_else(no_price)?;
    let (whole, cents) = price.split_once('.').ok_or_else(no_price)?;
    let number =
        |text: &str| text.parse::<u32>().map_err(|error| error.to_string());
    match cents.len() {
        2 => Ok(number(whole)? * 100 + number(cents)?),
        _ => Err(no_price()),
    }
}

fn total_cents<'a>(lines: impl Iterator<Item = &'a str>) -> Result<u32, String> {
    lines.map(price_cents).sum()
}

fn main() {
    assert_eq!(total_cents("espresso 2.50\ntea 2.20".lines()), Ok(470));
    let smudged = total_cents("espresso 2.50\ntea".lines());
    assert_eq!(smudged, Err("no price: tea".into()));
    assert!(total_cents("tea 2.2".lines()).is_err());
}

//! Reads the prices on a board and adds them up, in cents.

/// One line of the board: `tea 2.20`.
fn price_cents(line: &str) -> Result<u32, String> {
    let (name, price) = line.rsplit_once(' ').ok_or(format!("no price: {line}"))?;
    let (whole, cents) =
        price.split_once('.').ok_or(format!("no cents: {name}"))?;
    let number =
        |text: &str| text.parse::<u32>().map_err(|error| error.to_string());
    Ok(number(whole)? * 100 + number(cents)?)
}

fn total_cents<'a>(lines: impl Iterator<Item = &'a str>) -> Result<u32, String> {
    lines.map(price_cents).sum()
}

fn main() {
    let board = "espresso 2.50\ntea 2.20";
    assert_eq!(total_cents(board.lines()), Ok(470));

    let smudged = "espresso 2.50\ntea 2.x0";
    let total = total_cents(smudged.lines());
    assert!(total.is_err_and(|reason| reason.contains("digit")));
}

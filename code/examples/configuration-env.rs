//! Starts itself again with SHOP_URL set, and prints what each of two ways to read it sees.

use std::env;
use std::error::Error;
use std::process::Command;

// ANCHOR: both
/// The value that the variable had when this program was compiled.
const WHEN_BUILT: Option<&str> = option_env!("SHOP_URL");

fn print_both() {
    println!("option_env!  {WHEN_BUILT:?}");
    println!("env::var     {:?}", env::var("SHOP_URL").ok());
}
// ANCHOR_END: both

fn main() -> Result<(), Box<dyn Error>> {
    if env::args().len() > 1 {
        print_both();
        return Ok(());
    }
    let mut again = Command::new(env::current_exe()?);
    again.arg("again").env("SHOP_URL", "https://shop.example");
    again.status()?;
    Ok(())
}

//! Starts itself again, on a machine that has another SHOP_URL.

use std::env;
use std::error::Error;
use std::process::Command;

/// What the compiler saw. `env!` is the same, and wants it to be there.
const WHEN_BUILT: Option<&str> = option_env!("SHOP_URL");

fn main() -> Result<(), Box<dyn Error>> {
    if env::args().len() == 1 {
        let mut again = Command::new(env::current_exe()?);
        again.arg("again").env("SHOP_URL", "https://shop.example");
        again.status()?;
        return Ok(());
    }
    println!("option_env!    {WHEN_BUILT:?}");
    println!("std::env::var  {:?}", env::var("SHOP_URL").ok());
    Ok(())
}

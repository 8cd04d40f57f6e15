//! Reads one environment variable.

use std::env::{self, VarError};

fn main() {
    match env::var("SHOP_TABLES") {
        Ok(value) => match value.parse::<u8>() {
            Ok(tables) => println!("{tables} tables"),
            Err(error) => println!("{value:?}: {error}"),
        },
        Err(VarError::NotPresent) => println!("SHOP_TABLES is not set"),
        Err(VarError::NotUnicode(_)) => println!("SHOP_TABLES is not UTF-8"),
    }
}

//! Reads one environment variable.

use std::env::{self, VarError};

// ANCHOR: print-tables
fn print_tables(variable: Result<String, VarError>) {
    match variable {
        Ok(value) => match value.parse::<u8>() {
            Ok(tables) => println!("{tables} tables"),
            Err(error) => println!("{value:?}: {error}"),
        },
        Err(VarError::NotPresent) => println!("SHOP_TABLES is not set"),
        Err(VarError::NotUnicode(_)) => println!("SHOP_TABLES is not UTF-8"),
    }
}
// ANCHOR_END: print-tables

// ANCHOR: main
fn main() {
    print_tables(env::var("SHOP_TABLES"));

    // The four cases, without the environment.
    print_tables(Ok("8".to_owned()));
    print_tables(Ok("twelve".to_owned()));
    print_tables(Err(VarError::NotPresent));
    print_tables(Err(VarError::NotUnicode("not UTF-8".into())));
}
// ANCHOR_END: main

//! Prints a line, and logs a line, to a pipe that nobody reads.

use std::error::Error;
use std::process::Command;
use std::{env, io};

use tracing::info;

// ANCHOR: write
fn write(with: &str) {
    if with == "println!" {
        println!("order 17 is placed");
    } else {
        tracing_subscriber::fmt().init();
        info!("order 17 is placed");
    }
}
// ANCHOR_END: write

// ANCHOR: run
/// Starts this program again, with a standard output that is closed at the other end.
fn run_with_closed_stdout(with: &str) -> Result<(), Box<dyn Error>> {
    let (reader, writer) = io::pipe()?;
    drop(reader);
    let mut again = Command::new(env::current_exe()?);
    let output = again.arg(with).stdout(writer).output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let panicked = stderr.contains("panicked");
    println!("{with:8}  panicked: {panicked}");
    Ok(())
}
// ANCHOR_END: run

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(with) = env::args().nth(1) {
        write(&with);
        return Ok(());
    }
    run_with_closed_stdout("println!")?;
    run_with_closed_stdout("info!")
}

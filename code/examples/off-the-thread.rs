//! The same with a mill that has a thread of its own.

use std::{error::Error, sync::mpsc};
use tokio::task::spawn_blocking;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (bo_served, stop) = mpsc::channel();
    // `recv` holds its thread until somebody sends.
    let mill = spawn_blocking(move || stop.recv());
    let bo = tokio::spawn(async move {
        println!("Bo gets his tea");
        bo_served.send("Tom is done grinding")
    });
    println!("{}", mill.await??);
    bo.await??;
    Ok(())
}

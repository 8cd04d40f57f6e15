//! Starts itself twice: one process logs an event as text, the other as JSON.

use std::env;
use std::error::Error;
use std::process::Command;

use tracing::info;

// ANCHOR: init
/// Starts the subscriber. It writes text for people, or JSON for programs.
fn init(as_text: bool) -> Result<(), Box<dyn Error + Send + Sync>> {
    let builder = tracing_subscriber::fmt().with_ansi(false).without_time();
    if as_text {
        builder.try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    }
}
// ANCHOR_END: init

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    if let Some(format) = env::args().nth(1) {
        init(format == "text")?;
        info!(order_id = 17, total_cents = 760, "placed an order");
        return Ok(());
    }
    for format in ["text", "json"] {
        Command::new(env::current_exe()?).arg(format).status()?;
    }
    Ok(())
}

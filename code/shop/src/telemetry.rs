//! Sets up the log: lines on standard output.

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

// ANCHOR: init
/// Starts the log. `filter` is the value of `RUST_LOG`; without it, the level is
/// `info`.
///
/// # Errors
///
/// If `filter` can't be read, or a log was started before.
pub fn init(filter: Option<OsString>) -> anyhow::Result<()> {
    let filter = filter.unwrap_or_default();
    let filter = filter.to_str().context("RUST_LOG is not UTF-8")?;
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(filter)
        .context("RUST_LOG must be a level, such as info, or a filter, such as info,shop=debug")?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stdout().is_terminal())
        // The program that reads the log may end before the shop does. A line that can't
        // be written is then lost. Reporting that with `eprintln!` would panic. If the
        // program is still there and reads nothing, its pipe fills up, and the shop waits:
        // the crate tracing-appender writes the log in another thread and drops lines.
        .log_internal_errors(false)
        .try_init()
        .map_err(|error| anyhow::anyhow!(error))
}
// ANCHOR_END: init

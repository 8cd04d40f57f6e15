//! Sets up the log: lines on standard output.

use std::ffi::OsString;
use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// Sets up logging. `filter` is the value of `RUST_LOG`. Without it, the level
/// is `info`.
///
/// # Errors
///
/// If `filter` is wrong, or if logging has already been set up.
pub fn init(filter: Option<OsString>) -> anyhow::Result<()> {
    let filter = filter.unwrap_or_default();
    let filter = filter.to_str().context("RUST_LOG is not UTF-8")?;
    tracing_subscriber::fmt()
        .with_env_filter(parse(filter)?)
        .with_ansi(io::stdout().is_terminal())
        // If the program that reads the log has ended, lines are lost. By default,
        // tracing-subscriber reports each lost line with `eprintln!`, which panics
        // if standard error is closed, too. The next line turns these reports off.
        .log_internal_errors(false)
        .try_init()
        .map_err(|error| anyhow::anyhow!(error))
}

const EXPECTED: &str = "RUST_LOG must be a level, such as info, or a filter, such as info,service=debug";

fn parse(filter: &str) -> anyhow::Result<EnvFilter> {
    // `EnvFilter` would take `warning`, which isn't a level, for the name of a
    // module. Then everything else would be off, even errors.
    let is_directive = |part: &str| {
        part.contains(['=', '[']) || part.parse::<LevelFilter>().is_ok()
    };
    anyhow::ensure!(filter.split(',').all(is_directive), EXPECTED);
    EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(filter)
        .context(EXPECTED)
}

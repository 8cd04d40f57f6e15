//! Logs from two modules, as much as RUST_LOG asks for.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

// ANCHOR: modules
mod menu {
    pub fn read() {
        tracing::debug!("the menu has 5 items");
    }
}

mod orders {
    pub fn place() {
        tracing::debug!("a flat white costs 380 cents");
        tracing::info!("order 1 is placed");
        tracing::warn!("two croissants are left");
    }
}
// ANCHOR_END: modules

// ANCHOR: main
fn main() {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .without_time()
        .with_ansi(false)
        .init();
    menu::read();
    orders::place();
}
// ANCHOR_END: main

//! Starts a subscriber, and logs at each level.

use tracing::{debug, error, info, trace, warn};

fn main() {
    info!("nobody sees this line");

    tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .init();

    error!("the database can't be opened");
    warn!("two croissants are left");
    info!("listening on http://127.0.0.1:4000");
    debug!("the menu has 5 items");
    trace!("comparing tea with espresso");
}

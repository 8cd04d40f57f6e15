//! Two orders at the same time: each line says which order it belongs to.

use tokio::task::{JoinError, yield_now};
use tracing::{Instrument, info, instrument};

// ANCHOR: prepare
#[instrument(skip(customer))]
async fn prepare(order_id: u64, customer: &str) -> Result<(), JoinError> {
    info!("grinding the beans");
    yield_now().await; // the other order continues here
    info!(letters = customer.len(), "writing the name on the cup");
    tokio::spawn(clean_machine()).await?;
    tokio::spawn(clean_machine().in_current_span()).await
}

async fn clean_machine() {
    info!("cleaning the machine");
}
// ANCHOR_END: prepare

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), JoinError> {
    tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .init();
    tokio::try_join!(prepare(1, "Ada"), prepare(2, "Bo"))?;
    Ok(())
}

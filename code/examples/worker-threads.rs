//! Tokio starts a worker thread for each core.

use std::{io, thread};
use tokio::runtime::Handle;

#[tokio::main]
async fn main() -> io::Result<()> {
    let cores = thread::available_parallelism()?.get();
    let workers = Handle::current().metrics().num_workers();
    println!("as many worker threads as cores: {}", workers == cores);
    Ok(())
}

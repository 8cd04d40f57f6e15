//! The shop, as a server.

use std::{env, error::Error, process::ExitCode};

use shop::{errors, settings};
use tokio::net::TcpListener;

// ANCHOR: main
#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().init();
    match open().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn open() -> Result<(), Box<dyn Error>> {
    let settings = settings::read(|name| env::var_os(name))?;
    let app = errors::open(&settings.database)?;
    let listener = TcpListener::bind(settings.address).await?;
    println!("The shop is open on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
// ANCHOR_END: main

//! Starts the service: settings, log, socket, storage, router.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use service::clock::{Clock, Random, system_random};
use service::customers::services::Customers;
use service::customers::tokens::{JwtSecret, Tokens};
use service::menu::model::opening_menu;
use service::menu::services::Menu;
use service::orders::services::Orders;
use service::settings::Settings;
use service::storage::memory::Memory;
use service::storage::postgres::Postgres;
use service::{AppState, middleware, router, server, telemetry};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tracing::{info, warn};

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics if nobody reads standard error any more.
            let _ = writeln!(io::stderr(), "The service can't start: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let dotenv = read_dotenv(Path::new(".env"))?;
    let get = |name: &str| env::var_os(name).or_else(|| dotenv.get(name).cloned());
    telemetry::init(get("RUST_LOG"))?;
    let settings = Settings::read(get)?;

    let runtime = Runtime::new()?;
    runtime.block_on(run(settings))?;
    // A `main` with `#[tokio::main]` doesn't return before all calls in `spawn_blocking`
    // have ended, however long they take. This waits for them for a second at most.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

/// Serves requests until it is asked to stop.
async fn run(settings: Settings) -> anyhow::Result<()> {
    let address = settings.address;
    // The socket comes first: if the address is in use, no database is changed.
    let listener = TcpListener::bind(address).await;
    let listener =
        listener.with_context(|| format!("can't listen on {address}"))?;
    let shutdown = server::shutdown_signal()?;
    let address = listener.local_addr()?;

    match &settings.database {
        Some(url) => {
            let storage = Postgres::connect(url.expose_secret()).await;
            let storage = Arc::new(storage.context("can't open the database")?);
            let app = app(&settings, storage.clone())?;
            info!("listening on http://{address}");
            server::serve(listener, app, shutdown).await;
            storage.close().await;
        }
        None => {
            warn!(
                "DATABASE_URL is not set: the data is in memory, and everything is lost at exit"
            );
            let app = app(&settings, Arc::new(Memory::new(opening_menu())))?;
            info!("listening on http://{address}");
            server::serve(listener, app, shutdown).await;
        }
    }
    Ok(())
}

/// The router with all services on one storage.
fn app<S>(settings: &Settings, storage: Arc<S>) -> anyhow::Result<axum::Router>
where
    S: service::menu::repository::Repository
        + service::customers::repository::Repository
        + service::orders::repository::Repository
        + 'static,
{
    let clock = Clock::new(Timestamp::now);
    let random = Random::new(system_random);
    let secret = settings.jwt_secret.clone().unwrap_or_else(|| {
        warn!("JWT_SECRET is not set: access tokens are valid only until the exit");
        JwtSecret::random(&random)
    });
    let tokens =
        Tokens::new(&secret, &settings.url, clock.clone(), random.clone())?;
    let state = AppState {
        customers: Customers::new(storage.clone(), tokens, clock.clone(), random),
        menu: Menu::new(storage.clone()),
        orders: Orders::new(storage, clock),
    };
    Ok(middleware::server_layers(
        router(state),
        middleware::random_id,
    ))
}

/// Reads the file `.env`, if there is one, without changing the environment.
fn read_dotenv(file: &Path) -> anyhow::Result<HashMap<String, OsString>> {
    let exists = file.try_exists();
    if !exists.with_context(|| format!("can't read {}", file.display()))? {
        return Ok(HashMap::new());
    }
    let pairs = dotenvy::from_path_iter(file).and_then(|pairs| {
        pairs
            .map(|pair| pair.map(|(name, value)| (name, value.into())))
            .collect()
    });
    match pairs {
        // The error would contain the line, and the line may contain a secret.
        Err(dotenvy::Error::LineParse(..)) => bail!(
            "{} has a line that can't be read. Write NAME=value, and put a value with \
             spaces, a # or a $ into single quotes",
            file.display()
        ),
        pairs => pairs.with_context(|| format!("can't read {}", file.display())),
    }
}

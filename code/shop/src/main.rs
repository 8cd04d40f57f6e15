//! Starts the shop: settings, log, socket, database, router.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, absolute};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use mimalloc::MiMalloc;
use shop::extract::StaffToken;
use shop::middleware::{BODY_TIMEOUT, REQUEST_TIMEOUT};
use shop::repository::sqlite::{LONGEST_WAIT, Sqlite};
use shop::services::Shop;
use shop::settings::Settings;
use shop::{AppState, middleware, router, server, telemetry};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tracing::{info, warn};

// ANCHOR: timeouts
/// How long the rest of a request may take, including the transaction itself.
const MARGIN: Duration = Duration::from_secs(1);

// If a slow body and a busy database together took longer than `REQUEST_TIMEOUT`, the
// client would get a 500, and wouldn't know that nothing was changed and that it may
// try again.
const _: () = assert!(
    (BODY_TIMEOUT.as_millis() + LONGEST_WAIT.as_millis() + MARGIN.as_millis())
        < REQUEST_TIMEOUT.as_millis()
);
// ANCHOR_END: timeouts

/// The allocator of the whole program. A thread that reads from the database allocates
/// the values that it has read, and another thread frees them once the response has been
/// sent. glibc's `malloc`, the standard allocator on most Linux systems, is slow at this.
/// With mimalloc, the shop answers about a seventh more requests for the menu in the same
/// time, and uses about nine megabytes more memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics if nobody reads standard error any more.
            let _ = writeln!(io::stderr(), "The shop can't start: {error:#}");
            ExitCode::FAILURE
        }
    }
}

// ANCHOR: start
fn start() -> anyhow::Result<()> {
    let dotenv = read_dotenv(Path::new(".env"))?;
    let get = |name: &str| env::var_os(name).or_else(|| dotenv.get(name).cloned());
    telemetry::init(get("RUST_LOG"))?;
    let settings = Settings::read(get)?;

    let runtime = Runtime::new()?;
    runtime.block_on(run(settings))?;
    // This drops the requests that are still running. When the last of them has
    // been dropped, the database is closed, which takes one second at most. But if
    // a request blocks its thread, a `main` with `#[tokio::main]` might wait
    // forever. `shutdown_timeout` gives up after one second.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}
// ANCHOR_END: start

/// Serves the shop until it is asked to stop.
async fn run(settings: Settings) -> anyhow::Result<()> {
    let address = settings.address;
    // The socket comes first: if the address is in use, no database is created. From here
    // on, the system accepts connections, and their requests wait until the migrations
    // are done. If yours take long, send health checks to `/health/ready`, and don't
    // take an accepted connection as a sign that the server is ready. Ctrl-C and SIGTERM
    // stop the program only after the migrations.
    let listener = TcpListener::bind(address).await;
    let listener =
        listener.with_context(|| format!("can't listen on {address}"))?;
    let shutdown = server::shutdown_signal()?;

    let database = absolute(&settings.database)?;
    let repository = Sqlite::open(&database)
        .map_err(anyhow::Error::from_boxed)
        .with_context(|| {
            format!("can't open the database {}", database.display())
        })?;
    if settings.staff_token.is_none() {
        warn!(
            "SHOP_STAFF_TOKEN is not set: nobody can change the menu or list the orders"
        );
    }
    // ANCHOR: state
    let state = AppState {
        shop: Shop::new(Arc::new(repository), Timestamp::now),
        staff_token: settings.staff_token.map(StaffToken::new),
    };
    // ANCHOR_END: state
    let app = middleware::server_layers(
        router(state),
        middleware::random_id,
        settings.allowed_origins,
    );

    let address = listener.local_addr()?;
    info!(database = %database.display(), "listening on http://{address}");
    server::serve(listener, app, shutdown).await;
    Ok(())
}

// ANCHOR: read-dotenv
/// Reads the file `.env`, if there is one, without changing the environment.
fn read_dotenv(file: &Path) -> anyhow::Result<HashMap<String, OsString>> {
    let text = match fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(HashMap::new());
        }
        text => text.with_context(|| format!("can't read {}", file.display()))?,
    };
    // Some editors begin a file with these bytes (a byte order mark, BOM), and
    // dotenvy would take them for a part of the first name.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
    let pairs: Result<_, _> = dotenvy::from_read_iter(text)
        .map(|pair| pair.map(|(name, value)| (name, value.into())))
        .collect();
    match pairs {
        // dotenvy's error contains the line, and the line may contain a secret.
        Err(dotenvy::Error::LineParse(..)) => bail!(
            "{} has a line that can't be read. Write NAME=value, and put a value that \
             contains spaces, quotes, a \\, a # or a $ in single quotes",
            file.display()
        ),
        pairs => pairs.with_context(|| format!("can't read {}", file.display())),
    }
}
// ANCHOR_END: read-dotenv

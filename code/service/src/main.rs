//! Starts the service: settings, log, socket, storage, router.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::Timestamp;
use mimalloc::MiMalloc;
use secrecy::{ExposeSecret, SecretString};
use service::clock::{Clock, Random, system_random};
use service::customers::model::{EmailAddress, Role};
use service::customers::repository::Repository;
use service::customers::services::Customers;
use service::customers::tokens::{JwtSecret, JwtSecrets, Tokens};
use service::menu::model::opening_menu;
use service::menu::services::Menu;
use service::orders::services::Orders;
use service::payments::services::{Gateway, Payments};
use service::payments::stripe::{Stripe, Timeouts};
use service::settings::Settings;
use service::storage::memory::Memory;
use service::storage::postgres::Postgres;
use service::{
    AppState, customers, menu, middleware, orders, payments, router, server,
    telemetry,
};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{error, info, warn};

// ANCHOR: allocator
/// Each password hash needs 19 MiB for a moment. glibc's `malloc`, the standard
/// allocator on most Linux systems, doesn't return this memory: soon it keeps several
/// such blocks for each thread that computes hashes. mimalloc returns large blocks
/// soon after they're free.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
// ANCHOR_END: allocator

fn main() -> ExitCode {
    let command = match Command::read(env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => return failure("The arguments are wrong", &error),
    };
    let problem = match command {
        Command::Serve => "The service can't start",
        Command::MakeBarista(_) => "The role can't be changed",
    };
    match start(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(problem, &error),
    }
}

fn failure(problem: &str, error: &anyhow::Error) -> ExitCode {
    // Not `eprintln!`, which panics if nobody reads standard error any more.
    let _ = writeln!(io::stderr(), "{problem}: {error:#}");
    ExitCode::FAILURE
}

fn start(command: Command) -> anyhow::Result<()> {
    let dotenv = read_dotenv(Path::new(".env"))?;
    let get = |name: &str| env::var_os(name).or_else(|| dotenv.get(name).cloned());
    telemetry::init(get("RUST_LOG"))?;

    let runtime = Runtime::new()?;
    runtime.block_on(async {
        match command {
            Command::Serve => serve(Settings::read(get)?).await,
            Command::MakeBarista(email) => {
                make_barista(Settings::read_database(get)?, email).await
            }
        }
    })?;
    // A `main` with `#[tokio::main]` doesn't return before all calls in
    // `spawn_blocking` have ended, however long they take. `shutdown_timeout`
    // waits for at most one second.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

/// What the program is asked to do.
enum Command {
    /// Without arguments.
    Serve,
    /// `make-barista ada@shop.example`
    MakeBarista(EmailAddress),
}

impl Command {
    fn read(args: impl Iterator<Item = OsString>) -> anyhow::Result<Self> {
        let args: Vec<_> = args.map(|arg| arg.into_string().ok()).collect();
        let args: Vec<_> = args.iter().map(Option::as_deref).collect();
        match args.as_slice() {
            [] => Ok(Self::Serve),
            [Some("make-barista"), Some(email)] => {
                match EmailAddress::try_from(*email) {
                    Ok(email) => Ok(Self::MakeBarista(email)),
                    Err(mistake) => bail!("the address {}", mistake.reason),
                }
            }
            _ => bail!(
                "write no arguments, or make-barista and the address of an account"
            ),
        }
    }
}

/// Gives an account the role of a barista.
async fn make_barista(
    database: Option<SecretString>,
    email: EmailAddress,
) -> anyhow::Result<()> {
    let Some(url) = database else {
        bail!(
            "make-barista needs DATABASE_URL. Without it, the accounts are in the memory \
             of the running service. Start the service with SHOP_BARISTA instead"
        );
    };
    // Without migrations: those of this program may be newer than the service that runs.
    let storage = Postgres::connect_without_migrations(url.expose_secret()).await;
    let storage = storage.map_err(cannot_open)?;
    let now = Timestamp::now();
    let found = storage.set_role(&email, Role::Barista, now).await;
    close(&storage).await;
    let found = found.context(
        "can't change the account. The service makes the tables when it starts on this \
         database for the first time",
    )?;
    if !found {
        bail!(
            "no account has the address {}. Sign up first",
            email.as_str()
        );
    }
    info!(
        "{} will be a barista from the next sign-in on, and all earlier sessions have ended",
        email.as_str()
    );
    Ok(())
}

/// Says what to do if the database doesn't exist.
fn cannot_open(error: sqlx::Error) -> anyhow::Error {
    let cause = error.as_database_error();
    // 3D000: there is no such database.
    let missing =
        cause.is_some_and(|cause| cause.code().as_deref() == Some("3D000"));
    let mut error = anyhow::Error::new(error);
    if missing {
        error = error.context("make one first, for example with `createdb`");
    }
    error.context("can't open the database")
}

/// Closes the connections, within half a second: a query that was running at the end of the
/// server must not keep the process from ending. PostgreSQL notices that it's gone, and rolls
/// its transaction back.
async fn close(storage: &Postgres) {
    if timeout(Duration::from_millis(500), storage.close())
        .await
        .is_err()
    {
        warn!("some connections to the database were not closed in time");
    }
}

/// Serves requests until the program is asked to stop.
async fn serve(settings: Settings) -> anyhow::Result<()> {
    let address = settings.address;
    // The socket comes first: if the address is in use, no database is changed.
    let listener = TcpListener::bind(address).await;
    let listener =
        listener.with_context(|| format!("can't listen on {address}"))?;
    let mut shutdown = pin!(server::shutdown_signal()?);

    match &settings.database {
        Some(url) => {
            // Without `select!`, the program couldn't be stopped while it waits for a
            // database that doesn't respond.
            let opened = tokio::select! {
                opened = Postgres::connect(url.expose_secret()) => {
                    opened.map_err(cannot_open)?
                }
                () = &mut shutdown => return Ok(()),
            };
            let storage = Arc::new(opened);
            let state = state(&settings, storage.clone())?;
            serve_state(listener, state, shutdown).await?;
            close(&storage).await;
        }
        None => {
            warn!(
                "DATABASE_URL is not set: the data is in memory, and everything is lost at exit"
            );
            let storage = Arc::new(Memory::new(opening_menu()));
            let state = state(&settings, storage)?;
            serve_state(listener, state, shutdown).await?;
        }
    }
    Ok(())
}

async fn serve_state(
    listener: TcpListener,
    state: AppState,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    // In a task of its own, so that a panic in it doesn't end the server.
    let clean_up = tokio::spawn(clean_up(state.clone()));
    let app = middleware::server_layers(router(state), middleware::random_id);
    info!("listening on http://{address}");
    server::serve(listener, app, shutdown).await;
    clean_up.abort();
    Ok(())
}

/// Removes what has expired, once an hour. Several processes may do so on one
/// database.
async fn clean_up(state: AppState) {
    loop {
        run_round(clean_up_once(state.clone())).await;
        tokio::time::sleep(Duration::from_secs(60 * 60)).await;
    }
}

/// Runs one round in a task of its own, so that a panic ends only this round. If the shutdown
/// drops this future, the `JoinSet` aborts the task, which a `JoinHandle` wouldn't.
async fn run_round(round: impl Future<Output = ()> + Send + 'static) {
    let mut tasks = JoinSet::new();
    tasks.spawn(round);
    if let Some(Err(error)) = tasks.join_next().await {
        let error: &dyn Error = &error;
        error!(error, "the removal of what has expired has panicked");
    }
}

async fn clean_up_once(state: AppState) {
    let results = [
        state.customers.clean_up().await,
        state.orders.clean_up().await.map(drop),
        state.payments.clean_up().await,
    ];
    for error in results.into_iter().filter_map(Result::err) {
        let error: &dyn Error = &error;
        warn!(error, "can't remove what has expired");
    }
}

/// All services on one storage.
fn state<S>(settings: &Settings, storage: Arc<S>) -> anyhow::Result<AppState>
where
    S: menu::repository::Repository
        + customers::repository::Repository
        + orders::repository::Repository
        + payments::repository::Repository
        + 'static,
{
    let clock = Clock::new(Timestamp::now);
    let random = Random::new(system_random);
    let secrets = settings.jwt_secrets.clone().unwrap_or_else(|| {
        warn!("the secret for access tokens is random, so they are invalid after a restart");
        JwtSecrets::from(JwtSecret::random(&random))
    });
    let tokens =
        Tokens::new(&secrets, &settings.url, clock.clone(), random.clone())?;
    let mut customers =
        Customers::new(storage.clone(), tokens, clock.clone(), random.clone());
    if let Some(email) = &settings.barista {
        warn!(
            "SHOP_BARISTA: the customer who signs up as {} becomes a barista",
            email.as_str()
        );
        customers = customers.with_barista(email.clone());
    }
    let gateway = gateway(settings, &random)?;
    let payments = Payments::new(storage.clone(), gateway, clock.clone(), random);
    // ANCHOR: before-cancel
    let before_cancel = Arc::new(payments.clone());
    Ok(AppState {
        customers,
        menu: Menu::new(storage.clone()),
        orders: Orders::new(storage, before_cancel, clock),
        payments,
    })
    // ANCHOR_END: before-cancel
}

/// Stripe, if the service has an account there.
fn gateway(
    settings: &Settings,
    random: &Random,
) -> anyhow::Result<Option<Gateway>> {
    let Some(stripe) = &settings.stripe else {
        warn!(
            "STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET are not set: nobody can pay, and \
             the routes for payments answer with the status 503"
        );
        return Ok(None);
    };
    if !stripe.is_live() {
        warn!("STRIPE_SECRET_KEY is a test key: nobody pays real money");
    }
    let provider = Stripe::new(
        &stripe.api,
        &stripe.secret_key,
        &settings.website,
        random.clone(),
        Timeouts::default(),
    )?;
    Ok(Some(Gateway {
        provider: Arc::new(provider),
        secrets: stripe.webhook_secrets.clone(),
    }))
}

/// Reads the file `.env`, if there is one, without changing the environment.
fn read_dotenv(file: &Path) -> anyhow::Result<HashMap<String, OsString>> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(HashMap::new());
        }
        text => text.with_context(|| format!("can't read {}", file.display()))?,
    };
    // Some editors on Windows put a byte order mark at the start of a file.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let pairs = dotenvy::from_read_iter(text.as_bytes())
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::mpsc;

    use super::*;

    /// The clock is paused, so a round that isn't aborted fails the test at once.
    #[tokio::test(start_paused = true)]
    async fn the_shutdown_aborts_a_round_that_has_begun() {
        let (sender, mut receiver) = mpsc::channel(1);
        let round = async move {
            sender.send(()).await.unwrap();
            pending::<()>().await;
            drop(sender);
        };
        let clean_up = tokio::spawn(run_round(round));
        assert_eq!(receiver.recv().await, Some(()), "it has begun");
        clean_up.abort();
        // The round owns the sender, so this ends when the round is dropped.
        let end = timeout(Duration::from_secs(60), receiver.recv()).await;
        assert_eq!(end, Ok(None));
    }
}

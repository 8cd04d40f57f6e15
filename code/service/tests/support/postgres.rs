//! A PostgreSQL database for each test.

use std::env;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, Once};
use std::thread;

use service::storage::postgres::Postgres;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, query_scalar, raw_sql};
use tokio::runtime;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use super::{Repositories, on};

/// How many databases the tests of one program use at the same time. Each has a pool of
/// connections, and PostgreSQL allows 100 connections by default.
static DATABASES: Semaphore = Semaphore::const_new(4);

/// Runs a test with its data in a new database, if `POSTGRES_URL` names a server.
pub async fn on_postgres<F>(test: impl FnOnce(Repositories) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    if let Some(database) = TestDatabase::create() {
        let repositories = database.repositories().await;
        database.need_no_accounts();
        on("PostgreSQL", test(repositories)).await;
    }
}

/// A database of its own for one test. It's dropped with this value, even if the test panics.
pub struct TestDatabase {
    server: PgConnectOptions,
    name: String,
    _permit: SemaphorePermit<'static>,
}

impl TestDatabase {
    // ANCHOR: create
    /// Creates an empty database on the server that `POSTGRES_URL` names. Returns
    /// `None` if `POSTGRES_URL` isn't set.
    pub fn create() -> Option<Self> {
        let address = server()?;
        let name = format!("test_{}", Uuid::new_v4().simple());
        let permit = block_on(DATABASES.acquire()).unwrap();
        execute(&address, format!("CREATE DATABASE {name}"));
        Some(Self {
            server: address,
            name,
            _permit: permit,
        })
    }
    // ANCHOR_END: create

    /// Where it is.
    fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    /// Its address, as a value for `DATABASE_URL`.
    pub fn url(&self) -> String {
        self.options().to_url_lossy().into()
    }

    /// Makes its tables, and returns all repositories on it.
    pub async fn repositories(&self) -> Repositories {
        let storage = Postgres::connect(&self.url()).await.unwrap();
        Repositories::of(Arc::new(storage))
    }

    /// Lets customers order who have no accounts, since most tests of orders choose the
    /// numbers of the customers themselves.
    pub fn need_no_accounts(&self) {
        self.execute("ALTER TABLE orders DROP CONSTRAINT orders_customer_id_fkey");
    }

    /// The number that a query finds.
    pub fn count(&self, sql: &'static str) -> i64 {
        let options = self.options();
        block_on(async {
            let mut connection =
                PgConnection::connect_with(&options).await.unwrap();
            let count = query_scalar(sql).fetch_one(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            count
        })
    }

    /// Executes statements in it, and keeps their connection open while this runs.
    pub fn execute_while(&self, sql: &str, run: impl FnOnce() + Send) {
        execute_while(&self.options(), sql.to_owned(), run);
    }

    /// Lets it store nothing, as the copy of a database does, and ends its connections.
    pub fn set_read_only(&self, on: bool) {
        let name = &self.name;
        execute(
            &self.server,
            format!(
                "ALTER DATABASE {name} SET default_transaction_read_only = {on};
                 SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = '{name}'"
            ),
        );
    }

    /// Executes statements in it, as another program might.
    pub fn execute(&self, sql: &str) {
        execute(&self.options(), sql.to_owned());
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // `FORCE` ends connections that are still open.
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        execute(&self.server, sql);
    }
}

/// A way to a database that a test can block, as a broken network would.
pub struct Forwarder {
    address: SocketAddr,
    /// For the connections that are opened from now on. Those that are open have their own.
    state: Arc<Mutex<Arc<Mutex<Way>>>>,
}

/// What becomes of bytes and connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Bytes are taken and thrown away.
    Frozen,
    /// Connections are closed or refused.
    Closed,
}

impl Forwarder {
    /// Forwards to the server that `POSTGRES_URL` names, which must have a port.
    pub fn start() -> Self {
        let server = server().unwrap();
        let server = (server.get_host().to_owned(), server.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let forwarder = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(Mutex::new(Arc::new(Mutex::new(Way::Open)))),
        };
        let state = forwarder.state.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let state = Arc::clone(&state.lock().unwrap());
                if *state.lock().unwrap() == Way::Closed {
                    break; // without its listener, the system refuses connections
                }
                let server = TcpStream::connect(server.clone()).unwrap();
                let back =
                    (server.try_clone().unwrap(), client.try_clone().unwrap());
                let there = state.clone();
                thread::spawn(move || copy(client, server, &there));
                thread::spawn(move || copy(back.0, back.1, &state));
            }
        });
        forwarder
    }

    /// The address of a database through this way, as a value for `DATABASE_URL`.
    pub fn url(&self, database: &TestDatabase) -> String {
        let options = database.options();
        let options = options.host("127.0.0.1").port(self.address.port());
        options.to_url_lossy().into()
    }

    /// Lets nothing through any more, and keeps the connections.
    pub fn freeze(&self) {
        *self.state.lock().unwrap().lock().unwrap() = Way::Frozen;
    }

    /// Lets nothing through on the connections that are open now. New ones work.
    pub fn freeze_open(&self) {
        let mut state = self.state.lock().unwrap();
        *state.lock().unwrap() = Way::Frozen;
        *state = Arc::new(Mutex::new(Way::Open));
    }

    /// Closes each connection at the next byte, and refuses new ones.
    pub fn close(&self) {
        *self.state.lock().unwrap().lock().unwrap() = Way::Closed;
        while TcpStream::connect(self.address).is_ok() {
            thread::yield_now();
        }
    }
}

/// Copies what comes from one side to the other, as the state of the way says.
fn copy(mut from: TcpStream, mut to: TcpStream, state: &Mutex<Way>) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let way = *state.lock().unwrap();
        match way {
            Way::Open if to.write_all(&bytes[..count]).is_ok() => {}
            Way::Frozen => {}
            Way::Open | Way::Closed => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// The server that `POSTGRES_URL` names, with a user who may create databases. Without that
/// variable, this says once that tests are left out.
fn server() -> Option<PgConnectOptions> {
    static LEFT_OUT: Once = Once::new();

    let Ok(url) = env::var("POSTGRES_URL") else {
        LEFT_OUT.call_once(|| {
            // Not `eprintln!`, whose text `cargo test` shows only for a test that fails.
            let _ = writeln!(
                io::stderr(),
                "POSTGRES_URL is not set: the tests on PostgreSQL are left out"
            );
        });
        return None;
    };
    Some(url.parse().unwrap())
}

fn execute(options: &PgConnectOptions, sql: String) {
    execute_while(options, sql, || ());
}

fn execute_while(
    options: &PgConnectOptions,
    sql: String,
    run: impl FnOnce() + Send,
) {
    block_on(async {
        let mut connection = PgConnection::connect_with(options).await.unwrap();
        // Only names that this module makes are in the SQL.
        let sql = raw_sql(AssertSqlSafe(sql));
        sql.execute(&mut connection).await.unwrap();
        run();
        connection.close().await.unwrap();
    });
}

/// Waits for a future on a thread of its own, because `drop` isn't async, and no thread of
/// a runtime may wait for another future.
fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> T {
    let wait = || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(future)
    };
    thread::scope(|scope| scope.spawn(wait).join().unwrap())
}

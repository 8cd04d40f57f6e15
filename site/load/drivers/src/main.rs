//! Reads rows of the same SQLite file with rusqlite and with sqlx, and prints how many reads
//! each one completes in a second. The two take turns, and each line is the median of seven
//! rounds.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long one round takes.
const ROUND: Duration = Duration::from_secs(1);
const ROUNDS: usize = 7;

const ONE: &str = "SELECT id, name, price_cents, stock FROM items WHERE id = ?1";
const ALL: &str = "SELECT id, name, price_cents, stock FROM items ORDER BY id";

type Row = (String, String, i64, i64);

#[derive(Clone, Copy)]
enum Query {
    One,
    All,
}

impl Query {
    fn sql(self) -> &'static str {
        match self {
            Self::One => ONE,
            Self::All => ALL,
        }
    }
}

fn create(file: &Path) -> Result<()> {
    let db = Connection::open(file)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.execute_batch(
        "CREATE TABLE items (id TEXT PRIMARY KEY, name TEXT NOT NULL,
                             price_cents INTEGER NOT NULL, stock INTEGER NOT NULL) STRICT;",
    )?;
    for number in 0..8 {
        let values = (format!("item-{number}"), format!("Item {number}"), 250, 20);
        db.execute("INSERT INTO items VALUES (?1, ?2, ?3, ?4)", values)?;
    }
    Ok(())
}

/// rusqlite, as in the guide's method `run`: `spawn_blocking` and a mutex around the only
/// connection.
async fn rusqlite_read(db: Arc<Mutex<Connection>>, query: Query) -> Result<usize> {
    tokio::task::spawn_blocking(move || {
        let db = db.lock().unwrap();
        let mut statement = db.prepare_cached(query.sql())?;
        let row = |row: &rusqlite::Row<'_>| {
            Ok::<Row, rusqlite::Error>((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let rows: std::result::Result<Vec<Row>, _> = match query {
            Query::One => statement.query_map(["item-5"], row)?.collect(),
            Query::All => statement.query_map([], row)?.collect(),
        };
        Ok(rows?.len())
    })
    .await?
}

async fn sqlx_read(pool: SqlitePool, query: Query) -> Result<usize> {
    let read = sqlx::query_as::<_, Row>(query.sql());
    let read = match query {
        Query::One => read.bind("item-5"),
        Query::All => read,
    };
    Ok(read.fetch_all(&pool).await?.len())
}

/// How many reads this many clients complete in a second.
async fn measure<F>(clients: usize, read: impl Fn() -> F + Clone + Send + 'static) -> Result<f64>
where
    F: Future<Output = Result<usize>> + Send + 'static,
{
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let read = read.clone();
        tasks.spawn(async move {
            let mut done = 0_u64;
            while start.elapsed() < ROUND {
                assert!(read().await? > 0);
                done += 1;
            }
            Ok::<u64, Box<dyn std::error::Error + Send + Sync>>(done)
        });
    }
    let mut done = 0;
    while let Some(task) = tasks.join_next().await {
        done += task??;
    }
    Ok(done as f64 / start.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("drivers.db");
    create(&file)?;
    let db = Arc::new(Mutex::new(Connection::open(&file)?));
    let options = SqliteConnectOptions::new().filename(&file);
    let pool = SqlitePoolOptions::new().max_connections(4);
    let pool = pool.connect_with(options).await?;

    for (name, query) in [("one row", Query::One), ("eight rows", Query::All)] {
        for clients in [1, 32] {
            let (mut direct, mut pooled) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                let db = Arc::clone(&db);
                direct.push(measure(clients, move || rusqlite_read(Arc::clone(&db), query)).await?);
                let pool = pool.clone();
                pooled.push(measure(clients, move || sqlx_read(pool.clone(), query)).await?);
            }
            let (direct, pooled) = (median(direct), median(pooled));
            println!(
                "{name}, {clients:2} clients: rusqlite {direct:7.0}/s, sqlx {pooled:7.0}/s, ratio {:.2}",
                direct / pooled
            );
        }
    }
    Ok(())
}

//! A PostgreSQL database for one test.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, query};

/// Runs a test with a database of its own, if `POSTGRES_URL` is set.
pub async fn with_database<F: Future<Output = ()>>(
    test: impl FnOnce(PgConnectOptions) -> F,
) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(url) = env::var("POSTGRES_URL") else {
        eprintln!("left out, as POSTGRES_URL is not set");
        return;
    };
    let options: PgConnectOptions =
        url.parse().expect("POSTGRES_URL is an address");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("guide_{}_{count}", std::process::id());
    let mut server = PgConnection::connect_with(&options).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    query(create).execute(&mut server).await.unwrap();

    test(options.database(&name)).await;

    let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    query(drop).execute(&mut server).await.unwrap();
}

//! A PostgreSQL database for a test.

// Each file of tests is a crate of its own and uses a part of this.
#![allow(dead_code)]

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, query, query_scalar};

/// Runs a test with a pool of connections to a database of its own, in which these statements
/// were executed, if `POSTGRES_URL` names a server.
pub async fn with_database<F: Future<Output = ()>>(
    statements: &[&'static str],
    test: impl FnOnce(PgPool) -> F,
) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(url) = env::var("POSTGRES_URL") else {
        eprintln!("left out, as POSTGRES_URL is not set");
        return;
    };
    let options: PgConnectOptions =
        url.parse().expect("POSTGRES_URL is an address");
    let program = env!("CARGO_CRATE_NAME");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{program}_{}_{count}", std::process::id());
    let mut server = PgConnection::connect_with(&options).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    query(create).execute(&mut server).await.unwrap();

    let pool = PgPoolOptions::new().max_connections(3);
    let pool = pool.connect_with(options.database(&name)).await.unwrap();
    for &statement in statements {
        query(statement).execute(&pool).await.unwrap();
    }
    test(pool.clone()).await;

    pool.close().await;
    let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    query(drop).execute(&mut server).await.unwrap();
}

/// Returns when a connection to this database waits for a lock of another one.
pub async fn somebody_waits(pool: &PgPool) {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock')";
    while !query_scalar::<_, bool>(sql).fetch_one(pool).await.unwrap() {
        tokio::task::yield_now().await;
    }
}

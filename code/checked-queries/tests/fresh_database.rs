//! A test with a fresh database on a PostgreSQL server. It runs if `POSTGRES_URL` names a server.

use std::env;
use std::process::Command;

use checked_queries::cheap_items;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, query};

// ANCHOR: sqlx-test
#[sqlx::test(migrations = "../service/migrations")]
#[ignore = "needs DATABASE_URL"]
async fn the_cheapest_item_comes_first(pool: PgPool) -> sqlx::Result<()> {
    let sql = "UPDATE items SET price_cents = 100 WHERE id = 'croissant'";
    query(sql).execute(&pool).await?;

    let items = cheap_items(&pool, 250).await?;
    assert_eq!(items[0].id, "croissant");
    Ok(())
}
// ANCHOR_END: sqlx-test

/// sqlx's attribute keeps a list of its databases in the one that `DATABASE_URL` names. So this
/// makes a database for the list, and removes it at the end.
#[tokio::test]
async fn a_test_with_a_fresh_database_runs_and_passes() {
    let Ok(url) = env::var("POSTGRES_URL") else {
        eprintln!("left out, as POSTGRES_URL is not set");
        return;
    };
    let name = format!("sqlx_test_{}", std::process::id());
    let mut server = PgConnection::connect(&url).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    query(create).execute(&mut server).await.unwrap();

    let (before, _) = url.rsplit_once('/').unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "the_cheapest_item_comes_first"])
        .env("DATABASE_URL", format!("{before}/{name}"))
        .output()
        .unwrap();

    let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    query(drop).execute(&mut server).await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("1 passed"), "{printed}");
}

//! Runs the checked queries on a database with the tables of the service, if `POSTGRES_URL` names
//! a server.

use std::env;

use checked_queries::{Item, cheap_items};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, query, raw_sql};

/// The types in `cheap_items` have no `Option`, so the database must have said that neither
/// column can be null.
#[test]
fn the_stored_answer_says_that_no_column_is_null() {
    let answer = include_str!(
        "../.sqlx/query-1611d4c97eecd78934fc9e869c6b4315c5d361b82b497f6ef8751aea3d773ef6.json"
    );
    let nullable = answer.split_once("\"nullable\"").unwrap().1;
    assert!(!nullable.contains("true"));
    assert_eq!(nullable.matches("false").count(), 2);
}

#[tokio::test]
async fn the_items_up_to_a_price_come_the_cheapest_first() {
    let Ok(url) = env::var("POSTGRES_URL") else {
        eprintln!("left out, as POSTGRES_URL is not set");
        return;
    };
    let options: PgConnectOptions = url.parse().unwrap();
    let name = format!("checked_{}", std::process::id());
    let mut server = PgConnection::connect_with(&options).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    query(create).execute(&mut server).await.unwrap();

    let pool = PgPool::connect_with(options.database(&name)).await.unwrap();
    let tables = include_str!("../../service/migrations/0001_menu.sql");
    raw_sql(tables).execute(&pool).await.unwrap();
    let items = cheap_items(&pool, 250).await.unwrap();

    let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    query(drop).execute(&mut server).await.unwrap();
    let item = |id: &str, price_cents| Item {
        id: id.into(),
        price_cents,
    };
    assert_eq!(items, [item("tea", 220), item("espresso", 250)]);
}

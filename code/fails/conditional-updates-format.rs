use sqlx::{PgPool, query};

// ANCHOR: format
async fn rename(pool: &PgPool, id: &str, name: &str) -> Result<(), sqlx::Error> {
    let sql = format!("UPDATE items SET name = '{name}' WHERE id = '{id}'");
    query(&sql).execute(pool).await?;
    Ok(())
}
// ANCHOR_END: format

#[tokio::main]
async fn main() -> Result<(), sqlx::Error> {
    let pool = PgPool::connect("postgres://localhost/shop").await?;
    rename(&pool, "tea", "Green tea").await
}

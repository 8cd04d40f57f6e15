use sqlx::{PgPool, query};

// ANCHOR: query
async fn clear_notes(pool: &PgPool) -> Result<(), sqlx::Error> {
    query!("UPDATE orders SET note = NULL").execute(pool).await?;
    Ok(())
}
// ANCHOR_END: query

#[tokio::main]
async fn main() -> Result<(), sqlx::Error> {
    let pool = PgPool::connect("postgres://localhost/shop").await?;
    clear_notes(&pool).await
}

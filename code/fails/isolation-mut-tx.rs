use sqlx::{PgPool, query};

// ANCHOR: execute
async fn clear_notes(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    query("UPDATE orders SET note = NULL")
        .execute(&mut tx)
        .await?;
    tx.commit().await
}
// ANCHOR_END: execute

#[tokio::main]
async fn main() -> Result<(), sqlx::Error> {
    let pool = PgPool::connect("postgres://localhost/shop").await?;
    clear_notes(&pool).await
}

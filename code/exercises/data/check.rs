//! What must hold when the exercise of the chapter on data is done.

use axum::Router;
use code::exercise::{Answer, Check, expect, get, post};
use serde_json::json;

/// Each shelf gets the same questions: that is what one trait for both promises.
const SHELVES: [&str; 2] = ["/memory", "/sqlite"];

/// Every check, in the order in which the exercise asks.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("both shelves count 95 things", |app| async move {
            for shelf in SHELVES {
                let answer = get(&app, &format!("{shelf}/stock")).await?;
                answer.expect_status(200, "this one comes with the exercise")?;
                expect(answer.body == "95", || {
                    format!("{} counted {}", answer.asked, answer.body)
                })?;
            }
            Ok(())
        }),
        Check::new("20 teas are left in memory", |app| async move {
            has(&app, "/memory", "tea", 20).await
        }),
        Check::new("20 teas are left in SQLite", |app| async move {
            has(&app, "/sqlite", "tea", 20).await
        }),
        Check::new("neither has a latte: 404", |app| async move {
            for shelf in SHELVES {
                let answer = get(&app, &format!("{shelf}/stock/latte")).await?;
                not_there(
                    &answer,
                    "no row is no error: `optional()` makes it a None",
                )?;
            }
            Ok(())
        }),
        Check::new("12 croissants are delivered to both", |app| async move {
            for shelf in SHELVES {
                let answer = deliver(&app, shelf, "croissant", 12).await?;
                answer.expect_status(
                    200,
                    "add a route with `post` and a handler that takes `Json` last",
                )?;
                answer.expect_member("stock", &13.into())?;
                // The next request must see what this one wrote, and nothing else changed.
                has(&app, shelf, "croissant", 13).await?;
                has(&app, shelf, "tea", 20).await?;
            }
            Ok(())
        }),
        Check::new("lattes are not delivered: 404", |app| async move {
            for shelf in SHELVES {
                let answer = deliver(&app, shelf, "latte", 1).await?;
                not_there(
                    &answer,
                    "an UPDATE without a row changes nothing: say so",
                )?;
            }
            Ok(())
        }),
        Check::new("a delivery is from 1 to 100: 422", |app| async move {
            for shelf in SHELVES {
                for quantity in [0, 101] {
                    let answer = deliver(&app, shelf, "tea", quantity).await?;
                    answer
                        .expect_status(422, "check the range before the shelf")?;
                }
                has(&app, shelf, "tea", 20).await?;
                let answer = deliver(&app, shelf, "tea", 100).await?;
                answer.expect_status(200, "100 is within the range")?;
            }
            Ok(())
        }),
    ]
}

async fn has(
    app: &Router,
    shelf: &str,
    id: &str,
    stock: u32,
) -> Result<(), String> {
    let answer = get(app, &format!("{shelf}/stock/{id}")).await?;
    answer.expect_status(200, "look it up by its id")?;
    answer.expect_member("stock", &stock.into())
}

async fn deliver(
    app: &Router,
    shelf: &str,
    id: &str,
    quantity: u32,
) -> Result<Answer, String> {
    let delivery = json!({ "quantity": quantity });
    post(app, &format!("{shelf}/stock/{id}/deliveries"), &delivery).await
}

fn not_there(answer: &Answer, hint: &str) -> Result<(), String> {
    answer.expect_status(404, hint)?;
    expect(answer.body.contains("latte"), || {
        format!(
            "{}: the body was `{}`: say what the shop does not have. An empty 404 comes from \
             the router",
            answer.asked, answer.body
        )
    })
}

//! What must hold when the exercise of the chapter on SQLite is done.

use axum::Router;
use code::exercise::{Answer, Check, expect, get, post};
use serde_json::json;

/// Each repository gets the same requests, because both implement the same trait.
const REPOSITORIES: [&str; 2] = ["/memory", "/sqlite"];

/// Every check, in the sequence of the exercise's parts.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "both repositories have 95 items in stock",
            |app| async move {
                for repository in REPOSITORIES {
                    let answer = get(&app, &format!("{repository}/stock")).await?;
                    answer
                        .expect_status(200, "this one comes with the exercise")?;
                    expect(answer.body == "95", || {
                        format!("{} counted {}", answer.asked, answer.body)
                    })?;
                }
                Ok(())
            },
        ),
        Check::new("20 teas are left in memory", |app| async move {
            has(&app, "/memory", "tea", 20).await
        }),
        Check::new("20 teas are left in SQLite", |app| async move {
            has(&app, "/sqlite", "tea", 20).await
        }),
        Check::new("a latte is a 404 in both", |app| async move {
            for repository in REPOSITORIES {
                let answer =
                    get(&app, &format!("{repository}/stock/latte")).await?;
                not_there(
                    &answer,
                    "no row is no error: `optional()` turns it into `None`",
                )?;
            }
            Ok(())
        }),
        Check::new("12 croissants are delivered to both", |app| async move {
            for repository in REPOSITORIES {
                let answer = deliver(&app, repository, "croissant", 12).await?;
                answer.expect_status(
                    200,
                    "add a route with `post`, and a handler whose last argument is `Json`",
                )?;
                answer.expect_member("stock", &13.into())?;
                // The next request must see what this one stored, and nothing else may change.
                has(&app, repository, "croissant", 13).await?;
                has(&app, repository, "tea", 20).await?;
            }
            Ok(())
        }),
        Check::new("a delivery of lattes is a 404 in both", |app| async move {
            for repository in REPOSITORIES {
                let answer = deliver(&app, repository, "latte", 1).await?;
                not_there(
                    &answer,
                    "an UPDATE that finds no row is no error: return `None`",
                )?;
            }
            Ok(())
        }),
        Check::new("a quantity outside 1 to 100 is a 422", |app| async move {
            for repository in REPOSITORIES {
                for quantity in [0, 101] {
                    let answer = deliver(&app, repository, "tea", quantity).await?;
                    answer.expect_status(
                        422,
                        "check the range before you change the stock",
                    )?;
                }
                has(&app, repository, "tea", 20).await?;
                let answer = deliver(&app, repository, "tea", 100).await?;
                answer.expect_status(200, "100 is within the range")?;
            }
            Ok(())
        }),
    ]
}

async fn has(
    app: &Router,
    repository: &str,
    id: &str,
    stock: u32,
) -> Result<(), String> {
    let answer = get(app, &format!("{repository}/stock/{id}")).await?;
    answer.expect_status(200, "SELECT it by its id")?;
    answer.expect_member("stock", &stock.into())
}

async fn deliver(
    app: &Router,
    repository: &str,
    id: &str,
    quantity: u32,
) -> Result<Answer, String> {
    let delivery = json!({ "quantity": quantity });
    post(
        app,
        &format!("{repository}/stock/{id}/deliveries"),
        &delivery,
    )
    .await
}

fn not_there(answer: &Answer, hint: &str) -> Result<(), String> {
    answer.expect_status(404, hint)?;
    expect(answer.body.contains("latte"), || {
        format!(
            "{} answered 404, but the body was `{}`. The 404 of your handler must name the \
             item. If the body is empty, the router sent it: there is no such route yet",
            answer.asked, answer.body
        )
    })
}

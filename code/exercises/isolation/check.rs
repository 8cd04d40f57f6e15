//! The requirements of the exercise of the chapter on transactions in PostgreSQL.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use code::exercise::{Answer, Check, expect, get, send};
use serde_json::{Value, json};

/// Every check, in the sequence of the exercise.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "tea: the third attempt succeeds, without pauses",
            |app| async move {
                let answer = run(&app, TEA, "40001 40P01").await?;
                answer.expect_status(201, "this one comes with the exercise")?;
                is_logged(&app, 3, &[], 0).await
            },
        ),
        Check::new("croissant: no error, no pause", |app| async move {
            let answer = run(&app, CROISSANT, "").await?;
            answer.expect_status(201, "the first attempt succeeds")?;
            is_logged(&app, 1, &[], 0).await
        }),
        Check::new(
            "croissant: a pause before each new attempt",
            |app| async move {
                let answer = run(&app, CROISSANT, "40001 40P01").await?;
                answer.expect_status(201, "the third attempt succeeds")?;
                is_logged(&app, 3, &[10, 20], 0).await
            },
        ),
        Check::new(
            "croissant: the fifth attempt is the last one",
            |app| async move {
                let answer = run(&app, CROISSANT, FIVE).await?;
                answer.expect_status(503, "the fifth attempt fails, too")?;
                is_logged(&app, 5, &[10, 20, 40, 80], 0).await
            },
        ),
        Check::new(
            "croissant: no second attempt after a different kind of error",
            |app| async move {
                let answer = run(&app, CROISSANT, "40001 23514").await?;
                answer.expect_status(409, "the second error is a 23514")?;
                is_logged(&app, 2, &[10], 0).await
            },
        ),
        Check::new("refund: one transaction, one message", |app| async move {
            let answer = run(&app, REFUND, "").await?;
            answer.expect_status(204, "add a route and a handler")?;
            is_logged(&app, 1, &[], 1).await
        }),
        Check::new("refund: four attempts, one message", |app| async move {
            let answer = run(&app, REFUND, "40001 40001 40001").await?;
            answer.expect_status(204, "the fourth attempt succeeds")?;
            is_logged(&app, 4, &[10, 20, 40], 1).await
        }),
        Check::new(
            "refund: five failed attempts, no message",
            |app| async move {
                let answer = run(&app, REFUND, FIVE).await?;
                answer.expect_status(503, "the fifth attempt fails, too")?;
                expect(answer.header("retry-after") == "1", || {
                    "there is no `retry-after: 1`: return the `Error`".to_owned()
                })?;
                is_logged(&app, 5, &[10, 20, 40, 80], 0).await
            },
        ),
        Check::new(
            "refund: no second attempt after a different kind of error",
            |app| async move {
                let answer = run(&app, REFUND, "23514").await?;
                answer.expect_status(409, "the error is a 23514")?;
                is_logged(&app, 1, &[], 0).await
            },
        ),
    ]
}

const TEA: &str = "/sales/tea";
const CROISSANT: &str = "/sales/croissant";
const REFUND: &str = "/refunds";
const FIVE: &str = "40001 40001 40001 40001 40001";

/// Plans the errors, and posts to the path.
async fn run(app: &Router, path: &str, codes: &str) -> Result<Answer, String> {
    let planned = send(app, Request::put("/errors"), codes.to_owned().into());
    planned.await?;
    send(app, Request::post(path), Body::empty()).await
}

async fn is_logged(
    app: &Router,
    transactions: u32,
    pauses: &[u32],
    messages: u32,
) -> Result<(), String> {
    let log: Value = get(app, "/log").await?.json()?;
    let wanted = json!({
        "transactions": transactions,
        "pauses": pauses,
        "messages": messages,
    });
    expect(log == wanted, || format!("found {log}, wanted {wanted}"))
}

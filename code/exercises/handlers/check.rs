//! The requirements of the exercise of the chapter on handlers and errors.

use axum::Router;
use code::exercise::{Answer, Check, expect, get, post};
use serde_json::json;

/// Every check, in the sequence in which the exercise asks.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("GET /gift-cards/7 shows the card", |app| async move {
            let answer = get(&app, "/gift-cards/7").await?;
            answer.expect_status(200, "this one comes with the exercise")?;
            balance(&answer, 450)
        }),
        Check::new("GET /gift-cards/8 is a 404", |app| async move {
            unknown_card(&get(&app, "/gift-cards/8").await?)
        }),
        Check::new("a top-up increases the balance", |app| async move {
            let answer = top_up(&app, 300).await?;
            answer.expect_status(200, "750 cents are within the limit")?;
            balance(&answer, 750)?;
            // The next request must see what this one wrote.
            balance(&get(&app, "/gift-cards/7").await?, 750)
        }),
        Check::new(
            "a balance of 2,000 is allowed, 2,001 is a 409",
            |app| async move {
                let answer = top_up(&app, 1_551).await?;
                answer.expect_status(
                409,
                "`fits` has to return false, and `status` has to say which status that is",
            )?;
                balance(&get(&app, "/gift-cards/7").await?, 450)?;
                let answer = top_up(&app, 1_550).await?;
                answer.expect_status(
                    200,
                    "2,000 cents are at the limit, not over it",
                )?;
                balance(&answer, 2_000)
            },
        ),
        Check::new(
            "the largest u32 is too much for a card: 409",
            |app| async move {
                let answer = top_up(&app, u32::MAX).await?;
                answer.expect_status(
                409,
                "450 and 4,294,967,295 are more than a u32 can hold. Subtract instead",
            )
            },
        ),
        Check::new("a payment reduces the balance", |app| async move {
            let answer = pay(&app, 7, 200).await?;
            answer.expect_status(
                200,
                "write a method of `GiftCards`, a handler that calls it, and a route",
            )?;
            balance(&answer, 250)?;
            balance(&get(&app, "/gift-cards/7").await?, 250)?;
            let answer = pay(&app, 7, 250).await?;
            answer.expect_status(200, "a payment may take the whole balance")?;
            balance(&answer, 0)
        }),
        Check::new("a payment over the balance is a 409", |app| async move {
            let answer = pay(&app, 7, 451).await?;
            answer.expect_status(
                409,
                "add a variant to `CardError`, and an arm to `status`",
            )?;
            balance(&get(&app, "/gift-cards/7").await?, 450)
        }),
        Check::new("a payment of zero is a 422", |app| async move {
            let answer = pay(&app, 7, 0).await?;
            answer.expect_status(
                422,
                "return an error for 0 from the method, and choose its status code in `status`",
            )
        }),
        Check::new(
            "a payment with an unknown card is a 404",
            |app| async move { unknown_card(&pay(&app, 8, 200).await?) },
        ),
    ]
}

fn balance(answer: &Answer, cents: u32) -> Result<(), String> {
    answer.expect_member("balance_cents", &cents.into())
}

fn unknown_card(answer: &Answer) -> Result<(), String> {
    answer
        .expect_status(404, "`CardError::UnknownCard` has this status already")?;
    expect(answer.body.contains("card 8"), || {
        "this 404 comes from the router, so the route is still missing".into()
    })
}

async fn top_up(app: &Router, cents: u32) -> Result<Answer, String> {
    post(app, "/gift-cards/7/top-ups", &json!({ "cents": cents })).await
}

async fn pay(app: &Router, number: u32, cents: u32) -> Result<Answer, String> {
    let path = format!("/gift-cards/{number}/payments");
    post(app, &path, &json!({ "cents": cents })).await
}

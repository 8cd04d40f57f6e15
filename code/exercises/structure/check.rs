//! What must hold when the exercise of the chapter on organizing the project is done.

use axum::Router;
use code::exercise::{Answer, Check, expect, get, post};
use serde_json::json;

/// Every check, in the order in which the exercise asks.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("GET /tabs/ada shows what Ada owes", |app| async move {
            let answer = get(&app, "/tabs/ada").await?;
            answer.expect_status(200, "this one comes with the exercise")?;
            owes(&answer, 450)
        }),
        Check::new("GET /tabs/bo answers 404 and names him", |app| async move {
            no_tab(&get(&app, "/tabs/bo").await?)
        }),
        Check::new(
            "POST /tabs/ada/charges puts more on the tab",
            |app| async move {
                let answer = pay_later(&app, 300).await?;
                answer.expect_status(200, "750 cents are within the limit")?;
                owes(&answer, 750)?;
                // The next request must see what this one wrote.
                owes(&get(&app, "/tabs/ada").await?, 750)
            },
        ),
        Check::new(
            "2,000 cents fit on a tab, and one more is a 409",
            |app| async move {
                let answer = pay_later(&app, 1_551).await?;
                answer.expect_status(
                    409,
                    "the service says no, and `refused` says what that means in HTTP",
                )?;
                owes(&get(&app, "/tabs/ada").await?, 450)?;
                let answer = pay_later(&app, 1_550).await?;
                answer
                    .expect_status(200, "2,000 cents are the limit, not over it")?;
                owes(&answer, 2_000)
            },
        ),
        Check::new(
            "as many cents as a u32 can hold are too many: 409",
            |app| async move {
                let answer = pay_later(&app, u32::MAX).await?;
                answer.expect_status(
                    409,
                    "450 and 4,294,967,295 are more than a u32 holds. Subtract from the limit",
                )
            },
        ),
        Check::new(
            "POST /tabs/ada/payments takes it off the tab",
            |app| async move {
                let answer = pay(&app, "ada", 200).await?;
                answer.expect_status(
                    200,
                    "a method of `Tabs`, a controller that calls it, and a route",
                )?;
                owes(&answer, 250)?;
                owes(&get(&app, "/tabs/ada").await?, 250)?;
                let answer = pay(&app, "ada", 250).await?;
                answer.expect_status(200, "all of it may be paid")?;
                owes(&answer, 0)
            },
        ),
        Check::new("nobody pays more than they owe: 409", |app| async move {
            let answer = pay(&app, "ada", 451).await?;
            answer.expect_status(409, "a variant of `TabError`, and its status")?;
            owes(&get(&app, "/tabs/ada").await?, 450)
        }),
        Check::new("nothing is no payment: 422", |app| async move {
            let answer = pay(&app, "ada", 0).await?;
            answer.expect_status(
                422,
                "the service has the rule, `refused` has the status",
            )
        }),
        Check::new(
            "nobody pays a tab that is not there: 404",
            |app| async move { no_tab(&pay(&app, "bo", 200).await?) },
        ),
    ]
}

fn owes(answer: &Answer, cents: u32) -> Result<(), String> {
    answer.expect_member("cents", &cents.into())
}

fn no_tab(answer: &Answer) -> Result<(), String> {
    answer.expect_status(404, "`TabError::NoTab` has a status already")?;
    expect(answer.body.contains("bo"), || {
        "an empty 404 comes from the router: the route is still missing".into()
    })
}

async fn pay_later(app: &Router, cents: u32) -> Result<Answer, String> {
    post(app, "/tabs/ada/charges", &json!({ "cents": cents })).await
}

async fn pay(app: &Router, customer: &str, cents: u32) -> Result<Answer, String> {
    let path = format!("/tabs/{customer}/payments");
    post(app, &path, &json!({ "cents": cents })).await
}

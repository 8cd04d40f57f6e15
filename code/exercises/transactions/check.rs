//! The requirements of the exercise of the chapter on transactions.

use axum::Router;
use code::exercise::{Answer, Check, expect, get, post};
use serde_json::{Value, json};

/// Every check, in the sequence of the exercise.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("a drink earns one point: 200", |app| async move {
            let answer = ask(&app, "/cards/Ada/points", Value::Null).await?;
            answer.expect_status(200, "this one comes with the exercise")?;
            has(&app, "Ada", 13).await
        }),
        Check::new("a coffee costs ten points: 200", |app| async move {
            let answer = coffee(&app, "Ada").await?;
            answer.expect_status(200, "the route is there; is the handler?")?;
            answer.expect_member("points", &2.into())?;
            has(&app, "Ada", 2).await
        }),
        Check::new(
            "three points are too few for a coffee: 409",
            |app| async move {
                let answer = coffee(&app, "Bo").await?;
                answer.expect_status(
                    409,
                    "`checked_sub` returns `None` if there are too few",
                )?;
                has(&app, "Bo", 3).await
            },
        ),
        Check::new(
            "two coffees at once and points for one: 200 and 409",
            |app| async move {
                let (one, other) =
                    tokio::join!(coffee(&app, "Ada"), coffee(&app, "Ada"));
                let mut statuses = [one?.status, other?.status];
                statuses.sort_unstable();
                expect(statuses == [200, 409], || {
                    format!(
                        "the answers were {} and {}, wanted 200 and 409: check the points and \
                     subtract them in the same transaction",
                        statuses[0], statuses[1]
                    )
                })?;
                has(&app, "Ada", 2).await
            },
        ),
        Check::new("a gift of five points: 200", |app| async move {
            let answer = give(&app, "Ada", "Bo", 5).await?;
            answer.expect_status(
                200,
                "add a route with `post` and a handler that takes `Json`",
            )?;
            answer.expect_member("points", &7.into())?;
            has(&app, "Ada", 7).await?;
            has(&app, "Bo", 8).await
        }),
        Check::new(
            "a gift of more points than there are: 409",
            |app| async move {
                let answer = give(&app, "Bo", "Ada", 4).await?;
                answer.expect_status(409, "Bo has three points")?;
                has(&app, "Bo", 3).await?;
                has(&app, "Ada", 12).await
            },
        ),
        Check::new(
            "a gift for a customer without a card: 404",
            |app| async move {
                let answer = give(&app, "Ada", "Cleo", 5).await?;
                answer.expect_status(404, "Cleo has no card")?;
                expect(answer.body.contains("Cleo"), || {
                    format!(
                        "the body was `{}`: name the customer who has no card",
                        answer.body
                    )
                })?;
                has(&app, "Ada", 12).await
            },
        ),
        Check::new("a gift to oneself changes nothing: 200", |app| async move {
            let answer = give(&app, "Ada", "Ada", 5).await?;
            answer.expect_status(200, "it is allowed, and changes nothing")?;
            has(&app, "Ada", 12).await
        }),
        Check::new("a gift of 0 points: 422", |app| async move {
            let answer = give(&app, "Ada", "Bo", 0).await?;
            answer.expect_status(422, "a `u32` can be 0, so check it")
        }),
        Check::new(
            "three gifts at once lose no points: 200",
            |app| async move {
                let (one, two, three) = tokio::join!(
                    give(&app, "Ada", "Bo", 5),
                    give(&app, "Bo", "Ada", 3),
                    give(&app, "Ada", "Bo", 7)
                );
                for answer in [one?, two?, three?] {
                    answer.expect_status(
                        200,
                        "there are enough points for all three",
                    )?;
                }
                has(&app, "Ada", 3).await?;
                has(&app, "Bo", 12).await
            },
        ),
    ]
}

async fn has(app: &Router, name: &str, points: u32) -> Result<(), String> {
    let card = get(app, &format!("/cards/{name}")).await?;
    card.expect_member("points", &points.into())
}

async fn coffee(app: &Router, name: &str) -> Result<Answer, String> {
    ask(app, &format!("/cards/{name}/coffee"), Value::Null).await
}

async fn give(
    app: &Router,
    name: &str,
    to: &str,
    points: u32,
) -> Result<Answer, String> {
    let gift = json!({ "to": to, "points": points });
    ask(app, &format!("/cards/{name}/gifts"), gift).await
}

async fn ask(app: &Router, path: &str, body: Value) -> Result<Answer, String> {
    post(app, path, &body).await
}

//! What the exercise of the chapter on handling requests must do when it is finished.

use axum::Router;
use code::exercise::{Answer, Check, expect, get, post};
use serde_json::json;

/// Every check, in the sequence in which the exercise asks for them.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("GET /tables/3 shows the table", |app| async move {
            let answer = get(&app, "/tables/3").await?;
            answer.expect_status(200, "this handler comes with the exercise")?;
            answer.expect_member("seats", &6.into())
        }),
        Check::new(
            "GET /tables/9: 404, and names the table",
            |app| async move {
                let answer = get(&app, "/tables/9").await?;
                answer
                    .expect_status(404, "this handler comes with the exercise")?;
                expect(answer.body.contains('9'), || {
                    "the table is not named".into()
                })
            },
        ),
        Check::new(
            "GET /reservations/7: 404, and names the reservation",
            |app| async move {
                let answer = get(&app, "/reservations/7").await?;
                answer.expect_status(404, "return Err with a status and a text")?;
                expect(answer.body.contains('7'), || {
                    format!(
                        "the body was `{}`: say which reservation doesn't exist",
                        answer.body
                    )
                })
            },
        ),
        Check::new("POST /reservations: 201 and a location", |app| async move {
            let answer = reserve(&app, 3, 5).await?;
            answer.expect_status(
                201,
                "add a route with `post`, and a handler that takes `Json`",
            )?;
            answer.expect_member("table", &3.into())?;
            let location = answer.header("location");
            expect(location == "/reservations/1", || {
                "the header location is not /reservations/1: return a status, a header \
                 and a body, as `place_order` does"
                    .into()
            })?;
            // The next request must find what this one stored.
            let answer = get(&app, &location).await?;
            answer.expect_member("party", &5.into())
        }),
        Check::new("a second reservation of a table: 409", |app| async move {
            reserve(&app, 2, 2).await?;
            let answer = reserve(&app, 2, 1).await?;
            answer.expect_status(409, "`reserve` returns `None` here")
        }),
        Check::new(
            "a party that doesn't fit at the table: 422",
            |app| async move {
                let answer = reserve(&app, 3, 7).await?;
                answer.expect_status(
                    422,
                    "compare `party` with the table's `seats`",
                )?;
                let answer = reserve(&app, 3, 0).await?;
                answer.expect_status(422, "a `u32` can be 0, and a party can't")
            },
        ),
        Check::new("a table that doesn't exist: 422", |app| async move {
            let answer = reserve(&app, 9, 2).await?;
            answer.expect_status(
                422,
                "the table is named in the body, not in the path, so an unknown table is a 422",
            )
        }),
    ]
}

async fn reserve(app: &Router, table: u32, party: u32) -> Result<Answer, String> {
    let request = json!({ "table": table, "name": "Ada", "party": party });
    post(app, "/reservations", &request).await
}

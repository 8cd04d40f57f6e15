//! What must hold when the exercise of the chapter on handling requests is done.

use axum::Router;
use code::exercise::{Answer, Check, expect, get, post};
use serde_json::json;

/// Every check, in the order in which the exercise asks.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("GET /tables lists three tables", |app| async move {
            let answer = get(&app, "/tables").await?;
            answer.expect_status(200, "this one comes with the exercise")?;
            let count = answer.json()?.as_array().map_or(0, Vec::len);
            expect(count == 3, || format!("it listed {count}"))
        }),
        Check::new("GET /tables/3 shows the table", |app| async move {
            let answer = get(&app, "/tables/3").await?;
            answer.expect_status(200, "the route is there; is the handler?")?;
            answer.expect_member("seats", &6.into())
        }),
        Check::new(
            "GET /tables/9 answers 404 and names the table",
            |app| async move {
                let answer = get(&app, "/tables/9").await?;
                answer.expect_status(
                    404,
                    "return Err with the status and a sentence",
                )?;
                expect(answer.body.contains('9'), || {
                    format!(
                        "the body was `{}`: say which table is not there",
                        answer.body
                    )
                })
            },
        ),
        Check::new(
            "POST /tables/2/guests seats Ada and answers 201",
            |app| async move {
                let answer = seat(&app, 2, "Ada", 2).await?;
                answer.expect_status(
                    201,
                    "add a route with `post` and a handler that takes `Json`",
                )?;
                answer.expect_member("guest", &"Ada".into())?;
                expect(answer.header("location") == "/tables/2", || {
                    "the header location is not /tables/2: return a status, a header and \
                     a body, as `place_order` does"
                        .into()
                })?;
                // The next request must see what this one wrote.
                let answer = get(&app, "/tables/2").await?;
                answer.expect_member("guest", &"Ada".into())
            },
        ),
        Check::new("nobody is seated on Ada's lap: 409", |app| async move {
            seat(&app, 2, "Ada", 2).await?;
            let answer = seat(&app, 2, "Bo", 1).await?;
            answer.expect_status(409, "a table with a guest is taken")?;
            let answer = get(&app, "/tables/2").await?;
            answer.expect_member("guest", &"Ada".into())
        }),
        Check::new(
            "seven people do not fit at a table for six: 422",
            |app| async move {
                let answer = seat(&app, 3, "Cleo", 7).await?;
                answer.expect_status(422, "compare `party` with `seats`")
            },
        ),
        Check::new(
            "a party has a name and somebody in it: 422",
            |app| async move {
                let answer = seat(&app, 1, " ", 1).await?;
                answer.expect_status(422, "a name of blanks is none")?;
                let answer = seat(&app, 1, "Dan", 0).await?;
                answer.expect_status(422, "a `u8` can be 0, a party cannot")
            },
        ),
        Check::new("there is no table 9 to sit at: 404", |app| async move {
            let answer = seat(&app, 9, "Ada", 2).await?;
            answer.expect_status(
                404,
                "the same 404 as before; a function can make it for both",
            )?;
            expect(answer.body.contains('9'), || {
                "an empty 404 comes from the router: the route is still missing"
                    .into()
            })
        }),
    ]
}

async fn seat(
    app: &Router,
    table: u8,
    name: &str,
    party: u8,
) -> Result<Answer, String> {
    let guests = json!({ "name": name, "party": party });
    post(app, &format!("/tables/{table}/guests"), &guests).await
}

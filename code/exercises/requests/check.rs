//! What must hold when the exercise of the chapter on handling requests is done.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use code::exercise::Check;
use serde_json::Value;
use tower::ServiceExt;

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
                expect(answer.location == "/tables/2", || {
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

struct Answer {
    asked: String,
    status: u16,
    location: String,
    body: String,
}

impl Answer {
    fn expect_status(&self, wanted: u16, hint: &str) -> Result<(), String> {
        expect(self.status == wanted, || {
            format!(
                "{} answered {}, wanted {wanted}: {hint}",
                self.asked, self.status
            )
        })
    }

    fn expect_member(&self, name: &str, wanted: &Value) -> Result<(), String> {
        let found = self.json()?[name].clone();
        expect(found == *wanted, || {
            format!("{}: `{name}` was {found}, wanted {wanted}", self.asked)
        })
    }

    fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.body).map_err(|_| {
            format!("{}: the body was no JSON: `{}`", self.asked, self.body)
        })
    }
}

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

async fn get(app: &Router, path: &str) -> Result<Answer, String> {
    send(app, Request::get(path), Body::empty()).await
}

async fn seat(
    app: &Router,
    table: u8,
    name: &str,
    party: u8,
) -> Result<Answer, String> {
    let body = serde_json::json!({ "name": name, "party": party });
    let request = Request::post(format!("/tables/{table}/guests"))
        .header("content-type", "application/json");
    send(app, request, body.to_string().into()).await
}

async fn send(
    app: &Router,
    request: axum::http::request::Builder,
    body: Body,
) -> Result<Answer, String> {
    let request = request.body(body).map_err(|error| error.to_string())?;
    let asked = format!("{} {}", request.method(), request.uri());
    let Ok(answer) = app.clone().oneshot(request).await;
    let status = answer.status().as_u16();
    let location = answer
        .headers()
        .get("location")
        .map(|value| value.as_bytes());
    let location =
        String::from_utf8_lossy(location.unwrap_or_default()).into_owned();
    let body = to_bytes(answer.into_body(), 64 * 1024)
        .await
        .map_err(|error| error.to_string())?;
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Answer {
        asked,
        status,
        location,
        body,
    })
}

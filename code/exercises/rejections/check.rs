//! What the exercise of the chapter on rejections asks for.

use axum::{Router, body::Body, http::Request};
use code::exercise::{Answer, Check, expect, get, post, send};
use serde_json::json;

/// Every check, in the sequence of the exercise.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("GET /dishes/pizza gets a problem, 404", |app| async move {
            let answer = get(&app, "/dishes/pizza").await?;
            is_problem(&answer, 404, "this one comes with the exercise")?;
            expect(answer.body.contains("pizza"), || {
                format!("say which dish it is about: `{}`", answer.body)
            })
        }),
        Check::new("two plates of soup are ordered: 201", |app| async move {
            let body = json!({ "plates": 2 });
            let answer = post(&app, "/dishes/soup/orders", &body).await?;
            answer.expect_status(201, "this one comes with the exercise")
        }),
        Check::new(
            "a number of plates in words gets a problem, 422",
            |app| async move {
                let body = json!({ "plates": "two" });
                let answer = post(&app, "/dishes/soup/orders", &body).await?;
                is_problem(&answer, 422, "`rejection.status()` knows it")?;
                expect(answer.body.contains("plates"), || {
                    "the detail should name the field: `rejection.body_text()` does"
                        .into()
                })
            },
        ),
        Check::new(
            "a body that isn't JSON gets a problem, 400",
            |app| async move {
                let answer = order(&app, "application/json", "two plates").await?;
                is_problem(&answer, 400, "each rejection has a status of its own")
            },
        ),
        Check::new(
            "a body of another type gets a problem, 415",
            |app| async move {
                let answer = order(&app, "text/plain", "two plates").await?;
                is_problem(&answer, 415, "each rejection has a status of its own")
            },
        ),
        Check::new("GET /drinks gets a problem, 404", |app| async move {
            let answer = get(&app, "/drinks").await?;
            is_problem(&answer, 404, "give the router a `fallback`")
        }),
        Check::new(
            "DELETE /dishes/soup gets a problem, 405, and keeps the allow header",
            |app| async move {
                let request = Request::delete("/dishes/soup");
                let answer = send(&app, request, Body::empty()).await?;
                is_problem(&answer, 405, "see `method_not_allowed_fallback`")?;
                expect(answer.header("allow") == "GET,HEAD", || {
                    format!(
                        "the allow header was `{}`: leave it to axum",
                        answer.header("allow")
                    )
                })
            },
        ),
        Check::new("eleven plates get a problem, 422", |app| async move {
            let body = json!({ "plates": 11 });
            let answer = post(&app, "/dishes/soup/orders", &body).await?;
            is_problem(&answer, 422, "one more variant of `Error`")?;
            let kind = json!("/problems/too-many-plates");
            answer.expect_member("type", &kind)?;
            expect(answer.json()?["title"] != "Unprocessable Content", || {
                "this type of problem needs a title of its own".into()
            })
        }),
    ]
}

async fn order(app: &Router, kind: &str, body: &str) -> Result<Answer, String> {
    let head = Request::post("/dishes/soup/orders").header("content-type", kind);
    send(app, head, Body::from(body.to_owned())).await
}

/// Holds when an answer is a problem document with that status.
fn is_problem(answer: &Answer, status: u16, hint: &str) -> Result<(), String> {
    answer.expect_status(status, hint)?;
    let kind = answer.header("content-type");
    expect(kind == "application/problem+json", || {
        let found = match kind.as_str() {
            "" => "without a content type".to_owned(),
            kind => format!("with the content type `{kind}`"),
        };
        format!(
            "{} answered {status} {found}, expected application/problem+json: {hint}",
            answer.asked
        )
    })?;
    answer.expect_member("status", &status.into())
}

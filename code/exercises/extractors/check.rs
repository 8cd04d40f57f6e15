//! The requirements of the exercise of the chapter on extractors.

use axum::Router;
use axum::http::Request;
use code::exercise::{Answer, Check, expect, send};
use serde_json::{Value, json};

/// Every check, in the sequence in which the exercise asks.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("five stars and a text get a 201", |app| async move {
            let answer = review(&app, "4", json!(5), "Lovely").await?;
            answer.expect_status(201, "this one comes with the exercise")?;
            expect(answer.body.contains("5 stars: Lovely"), || {
                format!("the body was `{}`", answer.body)
            })
        }),
        Check::new("the spaces around a text are removed", |app| async move {
            let answer = review(&app, "4", json!(5), "  Lovely ").await?;
            answer.expect_status(201, "this one comes with the exercise")?;
            expect(answer.body.ends_with("5 stars: Lovely"), || {
                format!("store the trimmed text; the body was `{}`", answer.body)
            })
        }),
        Check::new(
            "a text that is empty or too long gets a 422",
            |app| async move {
                let longest = review(&app, "4", json!(5), &"é".repeat(200)).await?;
                longest.expect_status(
                    201,
                    "count characters with `chars`, not bytes",
                )?;
                for text in ["", "  ", &"a".repeat(201)] {
                    let answer = review(&app, "4", json!(5), text).await?;
                    answer.expect_status(
                        422,
                        "return the mistake that `text` holds",
                    )?;
                    lines(&answer, &["text"])?;
                }
                Ok(())
            },
        ),
        Check::new("zero stars, or six stars, get a 422", |app| async move {
            for stars in [0, 6] {
                let answer = review(&app, "4", json!(stars), "Lovely").await?;
                answer
                    .expect_status(422, "return the mistake that `stars` holds")?;
                lines(&answer, &["stars"])?;
            }
            Ok(())
        }),
        Check::new("two mistakes get a 422 with two lines", |app| async move {
            let answer = review(&app, "4", json!(0), " ").await?;
            answer.expect_status(422, "collect both mistakes in a `Vec`")?;
            lines(&answer, &["stars", "text"])
        }),
        Check::new(
            "the response to a review from table 4 names the table",
            |app| async move {
                let answer = review(&app, "4", json!(5), "Lovely").await?;
                answer.expect_status(201, "the header is valid")?;
                expect(answer.body.starts_with("Table 4: "), || {
                    format!(
                        "expected the body to start with `Table 4: `, but it was `{}`",
                        answer.body
                    )
                })
            },
        ),
        Check::new(
            "a table number outside 1 to 12 gets a 400",
            |app| async move {
                for table in ["1", "12"] {
                    let answer = review(&app, table, json!(5), "Lovely").await?;
                    answer.expect_status(201, "the header is valid")?;
                }
                for table in ["0", "13", "-1", "window", "", "é"] {
                    let answer = review(&app, table, json!(5), "Lovely").await?;
                    answer.expect_status(400, "return `Err` from the extractor")?;
                    names_the_header(&answer)?;
                }
                Ok(())
            },
        ),
        Check::new(
            "no header and a body that isn't JSON get a 400 about the header",
            |app| async move {
                let head = Request::post("/reviews")
                    .header("content-type", "application/json");
                let answer = send(&app, head, "not JSON".into()).await?;
                answer.expect_status(400, "a missing header is rejected too")?;
                names_the_header(&answer)
            },
        ),
    ]
}

async fn review(
    app: &Router,
    table: &str,
    stars: Value,
    text: &str,
) -> Result<Answer, String> {
    let head = Request::post("/reviews")
        .header("content-type", "application/json")
        .header("table-number", table);
    let body = json!({ "stars": stars, "text": text });
    send(app, head, body.to_string().into()).await
}

/// Holds when the body has one line for each field, which starts with its name.
fn lines(answer: &Answer, fields: &[&str]) -> Result<(), String> {
    let found: Vec<&str> = answer.body.lines().collect();
    let same = found.len() == fields.len()
        && found
            .iter()
            .zip(fields)
            .all(|(line, field)| line.starts_with(field));
    expect(same, || {
        format!(
            "wanted one line for each of {fields:?}; the body was `{}`",
            answer.body
        )
    })
}

fn names_the_header(answer: &Answer) -> Result<(), String> {
    expect(answer.body.contains("table-number"), || {
        format!(
            "the response said `{}`. It must name the header: let `Table` run before `Json`",
            answer.body
        )
    })
}

//! What must hold when the exercise of the chapter on middleware is done.

use axum::{Router, body::Body, http::Request};
use code::exercise::{Answer, Check, expect, get, send};

/// Every check, in the sequence of the exercise.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "GET /dishes has `cache-control: no-store`",
            |app| async move {
                let answer = get(&app, "/dishes").await?;
                answer.expect_status(200, "this one comes with the exercise")?;
                expect_header(&answer, "cache-control", "no-store")
            },
        ),
        Check::new("GET /stock without a key is a 401", |app| async move {
            let answer = get(&app, "/stock").await?;
            answer.expect_status(401, "return the status as an `Err`")?;
            let why =
                "`no_store` is around `require_key`, so its 401 has the header";
            expect_header(&answer, "cache-control", "no-store")
                .map_err(|_| why.into())
        }),
        Check::new("a wrong key is a 401 too", |app| async move {
            let answer = stock(&app, "fork").await?;
            answer.expect_status(401, "compare the header with `ladle`")
        }),
        Check::new("GET /stock with the key is a 200", |app| async move {
            let answer = stock(&app, "ladle").await?;
            answer.expect_status(200, "`next.run` calls the handler")
        }),
        Check::new("the first two requests are 1 and 2", |app| async move {
            let first = get(&app, "/dishes").await?;
            expect_header(&first, "x-served", "1")?;
            let second = get(&app, "/dishes").await?;
            expect_header(&second, "x-served", "2")
        }),
        Check::new("a 401 counts", |app| async move {
            let refused = get(&app, "/stock").await?;
            refused.expect_status(401, "write `require_key` first")?;
            expect_header(&refused, "x-served", "1")
        }),
        Check::new("a 404 counts, and needs no key", |app| async move {
            let unknown = get(&app, "/cellar").await?;
            let hint =
                "`require_key` is a `route_layer`, so that it sees no unknown path";
            unknown.expect_status(404, hint)?;
            expect_header(&unknown, "x-served", "1")
        }),
    ]
}

async fn stock(app: &Router, key: &str) -> Result<Answer, String> {
    let head = Request::get("/stock").header("x-kitchen-key", key);
    send(app, head, Body::empty()).await
}

/// Holds when an answer has a header with this value.
fn expect_header(answer: &Answer, name: &str, wanted: &str) -> Result<(), String> {
    let found = answer.header(name);
    expect(found == wanted, || {
        let with = if found.is_empty() {
            format!("without `{name}`")
        } else {
            format!("with `{name}: {found}`")
        };
        format!(
            "{} answered {} {with}, expected `{name}: {wanted}`: is your layer the last one \
             that `app` adds?",
            answer.asked, answer.status
        )
    })
}

//! The requirements of the exercise of the chapter on ETags.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use code::exercise::{Answer, Check, expect, get, send};

/// Every check, in the sequence of the exercise.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("a recipe has a tag: 200", |app| async move {
            let answer = get(&app, MOCHA).await?;
            answer.expect_status(200, "this one comes with the exercise")?;
            has_tag(&answer, "\"1\"")
        }),
        Check::new(
            "a client that has the current version: 304",
            |app| async move {
                let head = Request::get(MOCHA).header("if-none-match", "\"1\"");
                let answer = send(&app, head, Body::empty()).await?;
                answer.expect_status(304, "this one comes with the exercise")?;
                has_tag(&answer, "\"1\"")
            },
        ),
        Check::new("a change without if-match: 428", |app| async move {
            let answer = replace(&app, MOCHA, None).await?;
            answer.expect_status(428, "`tag` is `None`")?;
            is_unchanged(&app).await
        }),
        Check::new("changing an outdated version: 412", |app| async move {
            let answer = replace(&app, MOCHA, Some("\"0\"")).await?;
            answer.expect_status(412, "the recipe has the tag \"1\"")?;
            is_unchanged(&app).await
        }),
        Check::new("changing the current version: 200", |app| async move {
            let answer = replace(&app, MOCHA, Some("\"1\"")).await?;
            answer.expect_status(200, "the tag is the current one")?;
            has_tag(&answer, "\"2\"")?;
            let found = get(&app, MOCHA).await?;
            has_tag(&found, "\"2\"")?;
            expect(found.body == NEW, || {
                format!("{}: the body was `{}`", found.asked, found.body)
            })
        }),
        Check::new(
            "two changes to the same version at once: 200 and 412",
            |app| async move {
                let (one, other) = tokio::join!(
                    replace(&app, MOCHA, Some("\"1\"")),
                    replace(&app, MOCHA, Some("\"1\""))
                );
                statuses([one?, other?], [200, 412])
            },
        ),
        Check::new("a removal without if-match: 428", |app| async move {
            let answer = remove(&app, MOCHA, None).await?;
            answer.expect_status(428, "add a handler to the route")?;
            is_unchanged(&app).await
        }),
        Check::new("removing an outdated version: 412", |app| async move {
            let answer = remove(&app, MOCHA, Some("\"0\"")).await?;
            answer.expect_status(412, "the recipe has the tag \"1\"")?;
            is_unchanged(&app).await
        }),
        Check::new("removing the current version: 204", |app| async move {
            let answer = remove(&app, MOCHA, Some("\"1\"")).await?;
            answer.expect_status(204, "the tag is the current one")?;
            let gone = get(&app, MOCHA).await?;
            gone.expect_status(404, "the recipe was removed")
        }),
        Check::new(
            "removing a recipe that doesn't exist: 404",
            |app| async move {
                let answer = remove(&app, "/recipes/chai", Some("\"1\"")).await?;
                answer.expect_status(404, "there is no chai")?;
                expect(!answer.body.is_empty(), || {
                    "the 404 has no text. Say that there is no such recipe"
                        .to_owned()
                })
            },
        ),
        Check::new("two removals at once: 204 and 404", |app| async move {
            let (one, other) = tokio::join!(
                remove(&app, MOCHA, Some("\"1\"")),
                remove(&app, MOCHA, Some("\"1\""))
            );
            statuses([one?, other?], [204, 404])
        }),
    ]
}

const MOCHA: &str = "/recipes/mocha";
const NEW: &str = "Espresso, cocoa, milk";

async fn replace(
    app: &Router,
    path: &str,
    tag: Option<&str>,
) -> Result<Answer, String> {
    let mut head = Request::put(path);
    if let Some(tag) = tag {
        head = head.header("if-match", tag);
    }
    send(app, head, NEW.into()).await
}

async fn remove(
    app: &Router,
    path: &str,
    tag: Option<&str>,
) -> Result<Answer, String> {
    let mut head = Request::delete(path);
    if let Some(tag) = tag {
        head = head.header("if-match", tag);
    }
    send(app, head, Body::empty()).await
}

async fn is_unchanged(app: &Router) -> Result<(), String> {
    let found = get(app, MOCHA).await?;
    found.expect_status(200, "nothing was to change")?;
    has_tag(&found, "\"1\"")
}

fn has_tag(answer: &Answer, wanted: &str) -> Result<(), String> {
    let found = answer.header("etag");
    expect(found == wanted, || {
        format!("{}: etag was `{found}`, wanted `{wanted}`", answer.asked)
    })
}

fn statuses(answers: [Answer; 2], wanted: [u16; 2]) -> Result<(), String> {
    let mut found = answers.map(|answer| answer.status);
    found.sort_unstable();
    expect(found == wanted, || {
        format!(
            "got {} and {}, expected {} and {}: compare the tag and change the \
             recipe in one call to `change`",
            found[0], found[1], wanted[0], wanted[1]
        )
    })
}

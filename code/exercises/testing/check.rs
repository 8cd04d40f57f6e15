//! What must hold when the exercise of the chapter on testing is done.

use axum::Router;
use code::exercise::{Check, expect, get};

/// Every check, in the sequence in which the exercise asks.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("1 passes on cards without a mistake", |app| async move {
            passes(&app, "empty").await
        }),
        Check::new("1 finds cards with a stamp at first", |app| async move {
            finds(&app, "empty", "first-stamp-is-free").await
        }),
        Check::new("2 passes on cards without a mistake", |app| async move {
            passes(&app, "own").await
        }),
        Check::new("2 finds cards that customers share", |app| async move {
            finds(&app, "own", "one-card-for-all").await
        }),
        Check::new("3 passes on cards without a mistake", |app| async move {
            // A test that checks nothing passes, too: it counts once it finds something.
            passes(&app, "free").await?;
            let mistakes = ["nine-are-enough", "stamps-stay", "all-stamps-go"];
            for mistake in mistakes {
                if finds(&app, "free", mistake).await.is_ok() {
                    return Ok(());
                }
            }
            Err(
                "it can't fail yet, so that proves nothing: add an assertion"
                    .into(),
            )
        }),
        Check::new("3 finds cards with nine for one", |app| async move {
            finds(&app, "free", "nine-are-enough").await
        }),
        Check::new("3 finds cards that keep their stamps", |app| async move {
            finds(&app, "free", "stamps-stay").await
        }),
        Check::new("3 finds cards that lose all stamps", |app| async move {
            finds(&app, "free", "all-stamps-go").await
        }),
    ]
}

/// Holds when a test passes on cards that do what the trait says.
async fn passes(app: &Router, test: &str) -> Result<(), String> {
    let answer = get(app, &format!("/{test}/right")).await?;
    answer.expect_status(200, "the routes come with the exercise")?;
    expect(answer.body == "passed", || {
        format!(
            "these cards are right, and yet the test {}\nCompare it with the comments of the trait",
            answer.body
        )
    })
}

/// Holds when a test fails on cards with this mistake, and passes on those without.
async fn finds(app: &Router, test: &str, mistake: &str) -> Result<(), String> {
    let answer = get(app, &format!("/{test}/{mistake}")).await?;
    answer.expect_status(200, "the routes come with the exercise")?;
    expect(answer.body.starts_with("failed"), || {
        format!("these cards have the mistake `{mistake}`, and yet the test passed")
    })?;
    passes(app, test).await
}

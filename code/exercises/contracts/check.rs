//! What must hold when the exercise of the chapter on contract tests is done.

use axum::Router;
use code::exercise::{Check, expect, get};

/// Every check, in the sequence in which the exercise asks.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "1 passes with the correct implementation",
            |app| async move { passes(&app, "empty").await },
        ),
        Check::new(
            "1 fails if a new card already has a stamp",
            |app| async move { finds(&app, "empty", "first-stamp-is-free").await },
        ),
        Check::new(
            "2 passes with the correct implementation",
            |app| async move { passes(&app, "own").await },
        ),
        Check::new(
            "2 fails if all customers share one card",
            |app| async move { finds(&app, "own", "one-card-for-all").await },
        ),
        Check::new(
            "3 passes with the correct implementation, and fails with at least one that has a mistake",
            |app| async move {
                // A test that checks nothing passes, too: it counts once it finds something.
                passes(&app, "free").await?;
                let mistakes = ["nine-are-enough", "stamps-stay", "all-stamps-go"];
                for mistake in mistakes {
                    if finds(&app, "free", mistake).await.is_ok() {
                        return Ok(());
                    }
                }
                Err(
                "the test passes with every mistake, too, so it checks nothing yet: add an assertion"
                    .into(),
            )
            },
        ),
        Check::new("3 fails if nine stamps are enough", |app| async move {
            finds(&app, "free", "nine-are-enough").await
        }),
        Check::new(
            "3 fails if a free coffee takes no stamps",
            |app| async move { finds(&app, "free", "stamps-stay").await },
        ),
        Check::new(
            "3 fails if a free coffee takes all stamps",
            |app| async move { finds(&app, "free", "all-stamps-go").await },
        ),
    ]
}

/// Holds when a test passes with the correct implementation.
async fn passes(app: &Router, test: &str) -> Result<(), String> {
    let answer = get(app, &format!("/{test}/right")).await?;
    answer.expect_status(200, "the routes come with the exercise")?;
    expect(answer.body == "passed", || {
        format!(
            "the implementation is correct, but the test {}\nCompare the test with the comments of the trait",
            answer.body
        )
    })
}

/// Holds when a test fails with this mistake, and passes without it.
async fn finds(app: &Router, test: &str, mistake: &str) -> Result<(), String> {
    let answer = get(app, &format!("/{test}/{mistake}")).await?;
    answer.expect_status(200, "the routes come with the exercise")?;
    expect(answer.body.starts_with("failed"), || {
        format!(
            "the implementation has the mistake `{mistake}`, but the test passed"
        )
    })?;
    passes(app, test).await
}

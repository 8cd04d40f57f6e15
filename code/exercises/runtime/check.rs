//! What must hold when the exercise of the chapter on the runtime is done.

use axum::Router;
use code::exercise::{Check, expect, get};

/// Every check, in the order in which the exercise asks.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("one by one, the tea comes last", |app| async move {
            let events = events(&app, "/one-by-one").await?;
            in_order(
                &events,
                [
                    "flat white: started",
                    "flat white: done",
                    "tea: started",
                    "tea: done",
                ],
                "this one comes with the exercise",
            )
        }),
        Check::new(
            "together, the tea is done before the flat white",
            |app| async move {
                let events = events(&app, "/together").await?;
                in_order(
                    &events,
                    ["flat white: started", "tea: done", "flat white: done"],
                    "a future runs when it is awaited, and two `.await`s run one after the \
                     other. `tokio::join!` polls both in turns",
                )
            },
        ),
        Check::new("the mill is done when it is answered", |app| async move {
            let (mill, _) = mill_and_tea(&app).await?;
            in_order(
                &mill,
                ["mill: started", "mill: done"],
                "the answer came before the mill had ended: await what `spawn_blocking` \
                 returns",
            )
        }),
        Check::new("tea is served while the mill runs", |app| async move {
            let (mill, _) = mill_and_tea(&app).await?;
            in_order(
                &mill,
                ["tea: done", "mill: done"],
                "the mill held the thread that makes the tea. Hand it to \
                 `tokio::task::spawn_blocking`, and let the closure own its bar with `move`",
            )
        }),
    ]
}

/// Asks for the mill, then for a tea, without waiting between them: in one task, so that a
/// handler which blocks holds up both.
async fn mill_and_tea(app: &Router) -> Result<(String, String), String> {
    let (mill, tea) = tokio::join!(events(app, "/mill"), events(app, "/tea"));
    Ok((mill?, tea?))
}

/// Whether these events are among those that happened, in this order.
fn in_order<const N: usize>(
    happened: &str,
    wanted: [&str; N],
    hint: &str,
) -> Result<(), String> {
    let mut lines = happened.lines();
    let holds = wanted.iter().all(|event| lines.any(|line| line == *event));
    expect(holds, || {
        format!(
            "happened: {}\nwanted:   {}\n{hint}",
            happened.replace('\n', ", "),
            wanted.join(", ")
        )
    })
}

/// What happened at the bar until a request was answered, one event a line.
async fn events(app: &Router, path: &str) -> Result<String, String> {
    let answer = get(app, path).await?;
    answer.expect_status(200, "the routes come with the exercise")?;
    Ok(answer.body)
}

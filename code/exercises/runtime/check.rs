//! The requirements of the exercise of the chapter on the runtime.

use axum::Router;
use code::exercise::{Check, expect, get};

/// Every check, from the first part of the exercise to the last.
pub fn checks() -> Vec<Check> {
    vec![
        Check::new("/sequential: the tea comes last", |app| async move {
            let events = events(&app, "/sequential").await?;
            happened(
                &events,
                [
                    "flat white: started",
                    "flat white: done",
                    "tea: started",
                    "tea: done",
                ],
                "this function comes with the exercise",
            )
        }),
        Check::new(
            "/concurrent: the tea is done before the flat white",
            |app| async move {
                let events = events(&app, "/concurrent").await?;
                happened(
                    &events,
                    ["flat white: started", "tea: done", "flat white: done"],
                    "a future runs when it is awaited, and two `.await`s run one after the \
                     other. `tokio::join!` polls both futures in turn",
                )
            },
        ),
        Check::new(
            "/grind: answers when the beans are done",
            |app| async move {
                let (beans, _) = grind_and_tea(&app).await?;
                happened(
                    &beans,
                    ["beans: started", "beans: done"],
                    "the response came before the beans were done: await the `JoinHandle` that \
                 `spawn_blocking` returns",
                )
            },
        ),
        Check::new(
            "/tea: is served while the beans are being ground",
            |app| async move {
                let (beans, _) = grind_and_tea(&app).await?;
                happened(
                    &beans,
                    ["tea: done", "beans: done"],
                    "`grind` blocked the thread that prepares the tea. Run it with \
                 `tokio::task::spawn_blocking`, and give the closure its own `log` with `move`",
                )
            },
        ),
    ]
}

/// Sends both requests without waiting between them, in one task, so that a handler that
/// blocks holds up both.
async fn grind_and_tea(app: &Router) -> Result<(String, String), String> {
    let (beans, tea) = tokio::join!(events(app, "/grind"), events(app, "/tea"));
    Ok((beans?, tea?))
}

/// Whether the log has these events, one after the other.
fn happened<const N: usize>(
    log: &str,
    wanted: [&str; N],
    hint: &str,
) -> Result<(), String> {
    let mut lines = log.lines();
    let holds = wanted.iter().all(|event| lines.any(|line| line == *event));
    expect(holds, || {
        format!(
            "happened: {}\nwanted:   {}\n{hint}",
            log.replace('\n', ", "),
            wanted.join(", ")
        )
    })
}

/// The log when a request was answered, one event a line.
async fn events(app: &Router, path: &str) -> Result<String, String> {
    let answer = get(app, path).await?;
    answer.expect_status(200, "the routes come with the exercise")?;
    Ok(answer.body)
}

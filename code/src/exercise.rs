//! What an exercise checks, and how it says what is missing.
//!
//! `exercises/NAME/check.rs` gives a list of [`Check`]s. [`run`] asks each of them of a fresh
//! app, so that no check sees what another one left behind, and collects a [`Report`].

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, request::Builder};
use serde_json::Value;
use tower::ServiceExt;

/// One thing that the reader's app must do.
pub struct Check {
    says: &'static str,
    run: Box<dyn Fn(Router) -> Checking + Send>,
}

type Checking = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

impl Check {
    /// A check that `says` in a few words what must hold, and tries it on an app. Its `Err` is
    /// what the reader sees: what was found, what was expected, and where to look.
    pub fn new<F>(
        says: &'static str,
        run: impl Fn(Router) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self {
            says,
            run: Box::new(move |app| Box::pin(run(app))),
        }
    }
}

/// What an app answered to a check.
pub struct Answer {
    /// The method and the path that were asked for.
    pub asked: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Answer {
    /// Holds when the status is the `wanted` one.
    ///
    /// # Errors
    ///
    /// What was asked, what came and what was wanted, then the hint.
    pub fn expect_status(&self, wanted: u16, hint: &str) -> Result<(), String> {
        expect(self.status == wanted, || {
            format!(
                "{}: got {}, expected {wanted}: {hint}",
                self.asked, self.status
            )
        })
    }

    /// Holds when the body is a JSON object with this member.
    ///
    /// # Errors
    ///
    /// What was asked, what came and what was wanted.
    pub fn expect_member(&self, name: &str, wanted: &Value) -> Result<(), String> {
        let found = self.json()?[name].clone();
        expect(found == *wanted, || {
            format!("{}: `{name}` was {found}, expected {wanted}", self.asked)
        })
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// When it is none: what was asked, and the body.
    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.body).map_err(|_| {
            format!("{}: the body was no JSON: `{}`", self.asked, self.body)
        })
    }

    /// A header as text, empty where there is none.
    pub fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).map(|value| value.as_bytes());
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    }
}

/// `Ok` when something holds, and otherwise what to tell the reader.
///
/// # Errors
///
/// What `otherwise` says, when it does not hold.
pub fn expect(
    holds: bool,
    otherwise: impl FnOnce() -> String,
) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Asks an app for a path.
///
/// # Errors
///
/// As [`send`].
pub async fn get(app: &Router, path: &str) -> Result<Answer, String> {
    send(app, Request::get(path), Body::empty()).await
}

/// Posts JSON to a path of an app.
///
/// # Errors
///
/// As [`send`].
pub async fn post(
    app: &Router,
    path: &str,
    body: &Value,
) -> Result<Answer, String> {
    let head = Request::post(path).header("content-type", "application/json");
    send(app, head, body.to_string().into()).await
}

/// Sends a request to an app and reads the whole answer.
///
/// # Errors
///
/// When the request cannot be built or the answer's body breaks off.
pub async fn send(
    app: &Router,
    head: Builder,
    body: Body,
) -> Result<Answer, String> {
    let request = head.body(body).map_err(|error| error.to_string())?;
    let asked = format!("{} {}", request.method(), request.uri());
    let Ok(answer) = app.clone().oneshot(request).await;
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, 64 * 1024)
        .await
        .map_err(|error| error.to_string())?;
    Ok(Answer {
        asked,
        status: head.status.as_u16(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// What became of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Met,
    /// It does not hold, for this reason.
    Missing(String),
    /// The app came to a `todo!`.
    NotWritten,
}

/// What became of all checks, in their order.
#[derive(Debug)]
pub struct Report {
    /// What each check says, and what became of it.
    pub outcomes: Vec<(&'static str, Outcome)>,
}

impl Report {
    /// How many checks hold.
    pub fn met(&self) -> usize {
        let met = |(_, outcome): &&(_, Outcome)| *outcome == Outcome::Met;
        self.outcomes.iter().filter(met).count()
    }

    /// Whether every check holds.
    pub fn all_met(&self) -> bool {
        self.met() == self.outcomes.len()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (says, outcome) in &self.outcomes {
            match outcome {
                Outcome::Met => writeln!(f, "  met      {says}")?,
                Outcome::NotWritten => {
                    writeln!(f, "  to do    {says}: not written yet")?
                }
                Outcome::Missing(why) => {
                    writeln!(f, "  missing  {says}")?;
                    for line in why.lines() {
                        writeln!(f, "           {line}")?;
                    }
                }
            }
        }
        write!(f, "{} of {} met", self.met(), self.outcomes.len())
    }
}

/// Runs each check against a new app, which `app` makes.
///
/// Each one runs in a task of its own: a panic ends that task and not the others, and here it is
/// an outcome like any other.
pub async fn run(app: fn() -> Router, checks: Vec<Check>) -> Report {
    let mut outcomes = Vec::new();
    for Check { says, run } in checks {
        let task = tokio::spawn(async move { run(app()).await });
        let outcome = match task.await {
            Ok(Ok(())) => Outcome::Met,
            Ok(Err(why)) => Outcome::Missing(why),
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => panicked(&*panic),
                Err(stopped) => Outcome::Missing(stopped.to_string()),
            },
        };
        outcomes.push((says, outcome));
    }
    Report { outcomes }
}

thread_local! {
    static TRIES_A_TEST: Cell<bool> = const { Cell::new(false) };
}

/// Runs a test that a reader has written. A panic of the test is an `Err` with its message. One
/// of `todo!` goes on, so that a check reports it as not written.
///
/// # Errors
///
/// The message of the assertion that failed.
pub fn try_test(test: impl FnOnce()) -> Result<(), String> {
    TRIES_A_TEST.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(test));
    TRIES_A_TEST.set(false);
    result.map_err(|panic| {
        if is_todo(&*panic) {
            panic::resume_unwind(panic);
        }
        message(&*panic).to_owned()
    })
}

/// Whether [`try_test`] runs a test on this thread: its panic is a result and no mistake.
pub fn tries_a_test() -> bool {
    TRIES_A_TEST.get()
}

/// The file of a solution that does not meet every check, and what to tell its author.
pub fn broken_solution(name: &str, solution: &Report) -> Option<(String, String)> {
    if solution.all_met() {
        return None;
    }
    let message =
        format!("the solution does not meet every check. Fix it\n{solution}");
    Some((format!("code/exercises/{name}/solution.rs"), message))
}

/// Whether a panic is one of `todo!`: that is no mistake, only a place to go on from.
pub fn is_todo(panic: &(dyn Any + Send)) -> bool {
    message(panic).starts_with("not yet implemented")
}

fn panicked(panic: &(dyn Any + Send)) -> Outcome {
    if is_todo(panic) {
        Outcome::NotWritten
    } else {
        Outcome::Missing(format!("the app panicked: {}", message(panic)))
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_check_has_its_outcome() {
        fn app() -> Router {
            Router::new()
        }
        let checks = vec![
            Check::new("holds", |_| async { Ok(()) }),
            Check::new("does not hold", |_| async { Err("two\nlines".into()) }),
            Check::new("bare todo", |_| async { todo!() }),
            Check::new("todo with a hint", |_| async {
                todo!("the {} handler", 2)
            }),
            Check::new("breaks", |_| async { panic!("no such drink: {}", "tea") }),
        ];
        let report = run(app, checks).await;
        assert!(!report.all_met());
        assert_eq!(
            report.to_string(),
            "  met      holds
  missing  does not hold
           two
           lines
  to do    bare todo: not written yet
  to do    todo with a hint: not written yet
  missing  breaks
           the app panicked: no such drink: tea
1 of 5 met"
        );
    }

    #[test]
    fn a_test_that_fails_has_a_message() {
        assert_eq!(try_test(|| assert!(tries_a_test())), Ok(()));
        let failed = try_test(|| panic!("one is less"));
        assert_eq!(failed, Err("one is less".into()));
        assert!(!tries_a_test());
        let unwritten = panic::catch_unwind(|| try_test(|| todo!("yours")));
        assert!(unwritten.is_err_and(|panic| is_todo(&*panic)));
    }

    #[tokio::test]
    async fn a_long_answer_is_read_whole() {
        let app = Router::new().fallback(|| async { "x".repeat(5_000) });
        let answer = get(&app, "/").await.map(|answer| answer.body.len());
        assert_eq!(answer, Ok(5_000));
    }

    #[test]
    fn a_solution_meets_every_check() {
        let file = |outcome| {
            let report = Report {
                outcomes: vec![("sells tea", outcome)],
            };
            broken_solution("tea", &report).map(|(file, _)| file)
        };
        assert_eq!(file(Outcome::Met), None);
        let broken = Some("code/exercises/tea/solution.rs".into());
        assert_eq!(file(Outcome::NotWritten), broken);
    }

    #[tokio::test]
    async fn an_app_that_cannot_be_made_is_an_outcome_too() {
        let checks = vec![Check::new("anything", |_| async { Ok(()) })];
        let report = run(|| todo!(), checks).await;
        assert_eq!(report.outcomes, [("anything", Outcome::NotWritten)]);
    }
}

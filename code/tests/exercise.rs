//! The exercises: each solution meets every check, and each start leaves something to do.

use std::process::{Command, Output};

use axum::Router;
use code::exercise::{self, Check, Report};

#[path = "../exercises/requests/check.rs"]
mod check_requests;
#[path = "../exercises/requests/solution.rs"]
mod solution_requests;
#[path = "../exercises/requests/exercise.rs"]
mod start_requests;

struct Exercise {
    name: &'static str,
    start: fn() -> Router,
    solution: fn() -> Router,
    checks: fn() -> Vec<Check>,
}

const EXERCISES: &[Exercise] = &[Exercise {
    name: "requests",
    start: start_requests::app,
    solution: solution_requests::app,
    checks: check_requests::checks,
}];

async fn report(app: fn() -> Router, exercise: &Exercise) -> Report {
    exercise::run(app, (exercise.checks)()).await
}

/// What a reader sees who has solved an exercise and runs all tests.
fn solved(name: &str) -> String {
    format!(
        "code/exercises/{name}/exercise.rs meets every check. If you have solved it: well done, \
         and nothing is wrong. This test keeps the start unsolved for the next reader; to have it \
         pass, put the start back with `git restore code/exercises/{name}/exercise.rs`."
    )
}

#[tokio::test]
async fn solutions_meet_every_check() {
    for exercise in EXERCISES {
        let report = report(exercise.solution, exercise).await;
        let name = exercise.name;
        assert!(
            report.all_met(),
            "code/exercises/{name}/solution.rs:\n{report}"
        );
    }
}

#[tokio::test]
async fn starts_leave_something_to_do() {
    for exercise in EXERCISES {
        let report = report(exercise.start, exercise).await;
        assert!(!report.all_met(), "{}", solved(exercise.name));
    }
}

/// A check that an app without any route meets would prove nothing.
#[tokio::test]
async fn no_check_is_met_by_an_empty_app() {
    for exercise in EXERCISES {
        let report = report(Router::new, exercise).await;
        let name = exercise.name;
        assert_eq!(report.met(), 0, "code/exercises/{name}/check.rs:\n{report}");
    }
}

#[test]
fn the_command_says_what_is_missing() {
    for Exercise { name, checks, .. } in EXERCISES {
        let Output {
            status,
            stdout,
            stderr,
        } = command(&[name]);
        let (says, spilled) = (text(&stdout), text(&stderr));
        assert_eq!(status.code(), Some(1), "{}\n{says}{spilled}", solved(name));
        assert!(says.contains("not written yet"), "{says}");
        assert!(
            says.contains(&format!("of {} met", checks().len())),
            "{says}"
        );
        assert!(
            !spilled.contains("panicked"),
            "a todo! is no error:\n{spilled}"
        );
    }
}

#[test]
fn an_unknown_exercise_gets_the_list_of_names() {
    for arguments in [&[][..], &["requets"]] {
        let Output { status, stderr, .. } = command(arguments);
        assert_eq!(status.code(), Some(2));
        let names: Vec<_> = EXERCISES.iter().map(|exercise| exercise.name).collect();
        let list = format!("Exercises: {}", names.join(", "));
        assert!(text(&stderr).contains(&list), "{}", text(&stderr));
    }
}

fn command(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_exercise"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

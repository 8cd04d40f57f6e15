//! The exercises: each solution meets every check, and an empty app meets none.

use std::process::{Command, Output};

use axum::Router;
use code::exercise::{self, Check, Report};

#[path = "../exercises/contracts/check.rs"]
mod check_contracts;
#[path = "../exercises/etags/check.rs"]
mod check_etags;
#[path = "../exercises/extractors/check.rs"]
mod check_extractors;
#[path = "../exercises/handlers/check.rs"]
mod check_handlers;
#[path = "../exercises/isolation/check.rs"]
mod check_isolation;
#[path = "../exercises/middleware/check.rs"]
mod check_middleware;
#[path = "../exercises/mistakes/check.rs"]
mod check_mistakes;
#[path = "../exercises/permissions/check.rs"]
mod check_permissions;
#[path = "../exercises/rejections/check.rs"]
mod check_rejections;
#[path = "../exercises/requests/check.rs"]
mod check_requests;
#[path = "../exercises/runtime/check.rs"]
mod check_runtime;
#[path = "../exercises/sqlite/check.rs"]
mod check_sqlite;
#[path = "../exercises/transactions/check.rs"]
mod check_transactions;
#[path = "../exercises/webhooks/check.rs"]
mod check_webhooks;
#[path = "../exercises/contracts/solution.rs"]
mod solution_contracts;
#[path = "../exercises/etags/solution.rs"]
mod solution_etags;
#[path = "../exercises/extractors/solution.rs"]
mod solution_extractors;
#[path = "../exercises/handlers/solution.rs"]
mod solution_handlers;
#[path = "../exercises/isolation/solution.rs"]
mod solution_isolation;
#[path = "../exercises/middleware/solution.rs"]
mod solution_middleware;
#[path = "../exercises/mistakes/solution.rs"]
mod solution_mistakes;
#[path = "../exercises/permissions/solution.rs"]
mod solution_permissions;
#[path = "../exercises/rejections/solution.rs"]
mod solution_rejections;
#[path = "../exercises/requests/solution.rs"]
mod solution_requests;
#[path = "../exercises/runtime/solution.rs"]
mod solution_runtime;
#[path = "../exercises/sqlite/solution.rs"]
mod solution_sqlite;
#[path = "../exercises/transactions/solution.rs"]
mod solution_transactions;
#[path = "../exercises/webhooks/solution.rs"]
mod solution_webhooks;
#[path = "../exercises/contracts/exercise.rs"]
mod start_contracts;
#[path = "../exercises/etags/exercise.rs"]
mod start_etags;
#[path = "../exercises/extractors/exercise.rs"]
mod start_extractors;
#[path = "../exercises/handlers/exercise.rs"]
mod start_handlers;
#[path = "../exercises/isolation/exercise.rs"]
mod start_isolation;
#[path = "../exercises/middleware/exercise.rs"]
mod start_middleware;
#[path = "../exercises/mistakes/exercise.rs"]
mod start_mistakes;
#[path = "../exercises/permissions/exercise.rs"]
mod start_permissions;
#[path = "../exercises/rejections/exercise.rs"]
mod start_rejections;
#[path = "../exercises/requests/exercise.rs"]
mod start_requests;
#[path = "../exercises/runtime/exercise.rs"]
mod start_runtime;
#[path = "../exercises/sqlite/exercise.rs"]
mod start_sqlite;
#[path = "../exercises/transactions/exercise.rs"]
mod start_transactions;
#[path = "../exercises/webhooks/exercise.rs"]
mod start_webhooks;

struct Exercise {
    name: &'static str,
    start: fn() -> Router,
    solution: fn() -> Router,
    checks: fn() -> Vec<Check>,
}

const EXERCISES: &[Exercise] = &[
    Exercise {
        name: "runtime",
        start: start_runtime::app,
        solution: solution_runtime::app,
        checks: check_runtime::checks,
    },
    Exercise {
        name: "requests",
        start: start_requests::app,
        solution: solution_requests::app,
        checks: check_requests::checks,
    },
    Exercise {
        name: "extractors",
        start: start_extractors::app,
        solution: solution_extractors::app,
        checks: check_extractors::checks,
    },
    Exercise {
        name: "handlers",
        start: start_handlers::app,
        solution: solution_handlers::app,
        checks: check_handlers::checks,
    },
    Exercise {
        name: "sqlite",
        start: start_sqlite::app,
        solution: solution_sqlite::app,
        checks: check_sqlite::checks,
    },
    Exercise {
        name: "transactions",
        start: start_transactions::app,
        solution: solution_transactions::app,
        checks: check_transactions::checks,
    },
    Exercise {
        name: "rejections",
        start: start_rejections::app,
        solution: solution_rejections::app,
        checks: check_rejections::checks,
    },
    Exercise {
        name: "middleware",
        start: start_middleware::app,
        solution: solution_middleware::app,
        checks: check_middleware::checks,
    },
    Exercise {
        name: "contracts",
        start: start_contracts::app,
        solution: solution_contracts::app,
        checks: check_contracts::checks,
    },
    Exercise {
        name: "mistakes",
        start: start_mistakes::app,
        solution: solution_mistakes::app,
        checks: check_mistakes::checks,
    },
    Exercise {
        name: "etags",
        start: start_etags::app,
        solution: solution_etags::app,
        checks: check_etags::checks,
    },
    Exercise {
        name: "isolation",
        start: start_isolation::app,
        solution: solution_isolation::app,
        checks: check_isolation::checks,
    },
    Exercise {
        name: "permissions",
        start: start_permissions::app,
        solution: solution_permissions::app,
        checks: check_permissions::checks,
    },
    Exercise {
        name: "webhooks",
        start: start_webhooks::app,
        solution: solution_webhooks::app,
        checks: check_webhooks::checks,
    },
];

async fn report(app: fn() -> Router, exercise: &Exercise) -> Report {
    exercise::run(app, (exercise.checks)()).await
}

/// The guide's own tests break this on purpose, and record the message.
#[tokio::test]
async fn solutions_meet_every_check() {
    for exercise in EXERCISES {
        let solution = report(exercise.solution, exercise).await;
        let broken = exercise::broken_solution(exercise.name, &solution);
        let problem = broken.map(|(file, message)| format!("{file}:1: {message}"));
        assert!(problem.is_none(), "{}", problem.unwrap_or_default());
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

/// This holds for every start, and for everything that a reader may write there.
#[tokio::test]
async fn the_command_says_what_the_checks_say() {
    for exercise in EXERCISES {
        let report = report(exercise.start, exercise).await;
        let output = command(&[exercise.name]);
        let (says, spilled) = (text(&output.stdout), text(&output.stderr));
        assert!(says.contains(&report.to_string()), "{says}{spilled}");
        assert_eq!(output.status.success(), report.all_met(), "{says}{spilled}");
        assert!(
            !spilled.contains("not yet implemented"),
            "a todo! is no error:\n{spilled}"
        );
    }
}

#[test]
fn an_unknown_exercise_gets_the_list_of_names() {
    for arguments in [&[][..], &["requets"]] {
        let Output { status, stderr, .. } = command(arguments);
        assert_eq!(status.code(), Some(2));
        let names: Vec<_> =
            EXERCISES.iter().map(|exercise| exercise.name).collect();
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

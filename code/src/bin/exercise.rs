//! `cargo exercise NAME`: says what your solution of an exercise meets and what is missing.

use std::panic;
use std::process::ExitCode;

use axum::Router;
use code::exercise::{self, Check};

#[path = "../../exercises/contracts/check.rs"]
mod check_contracts;
#[path = "../../exercises/etags/check.rs"]
mod check_etags;
#[path = "../../exercises/extractors/check.rs"]
mod check_extractors;
#[path = "../../exercises/handlers/check.rs"]
mod check_handlers;
#[path = "../../exercises/isolation/check.rs"]
mod check_isolation;
#[path = "../../exercises/middleware/check.rs"]
mod check_middleware;
#[path = "../../exercises/mistakes/check.rs"]
mod check_mistakes;
#[path = "../../exercises/permissions/check.rs"]
mod check_permissions;
#[path = "../../exercises/rejections/check.rs"]
mod check_rejections;
#[path = "../../exercises/requests/check.rs"]
mod check_requests;
#[path = "../../exercises/runtime/check.rs"]
mod check_runtime;
#[path = "../../exercises/sqlite/check.rs"]
mod check_sqlite;
#[path = "../../exercises/transactions/check.rs"]
mod check_transactions;
#[path = "../../exercises/webhooks/check.rs"]
mod check_webhooks;
#[path = "../../exercises/contracts/exercise.rs"]
mod contracts;
#[path = "../../exercises/etags/exercise.rs"]
mod etags;
#[path = "../../exercises/extractors/exercise.rs"]
mod extractors;
#[path = "../../exercises/isolation/exercise.rs"]
mod isolation;
#[path = "../../exercises/middleware/exercise.rs"]
mod middleware;
#[path = "../../exercises/mistakes/exercise.rs"]
mod mistakes;
#[path = "../../exercises/permissions/exercise.rs"]
mod permissions;
#[path = "../../exercises/rejections/exercise.rs"]
mod rejections;
#[path = "../../exercises/requests/exercise.rs"]
mod requests;
#[path = "../../exercises/runtime/exercise.rs"]
mod runtime;
#[path = "../../exercises/sqlite/exercise.rs"]
mod sqlite;
#[path = "../../exercises/handlers/exercise.rs"]
mod start_handlers;
#[path = "../../exercises/transactions/exercise.rs"]
mod transactions;
#[path = "../../exercises/webhooks/exercise.rs"]
mod webhooks;

struct Exercise {
    name: &'static str,
    app: fn() -> Router,
    checks: fn() -> Vec<Check>,
}

const EXERCISES: &[Exercise] = &[
    Exercise {
        name: "runtime",
        app: runtime::app,
        checks: check_runtime::checks,
    },
    Exercise {
        name: "requests",
        app: requests::app,
        checks: check_requests::checks,
    },
    Exercise {
        name: "extractors",
        app: extractors::app,
        checks: check_extractors::checks,
    },
    Exercise {
        name: "handlers",
        app: start_handlers::app,
        checks: check_handlers::checks,
    },
    Exercise {
        name: "sqlite",
        app: sqlite::app,
        checks: check_sqlite::checks,
    },
    Exercise {
        name: "transactions",
        app: transactions::app,
        checks: check_transactions::checks,
    },
    Exercise {
        name: "rejections",
        app: rejections::app,
        checks: check_rejections::checks,
    },
    Exercise {
        name: "middleware",
        app: middleware::app,
        checks: check_middleware::checks,
    },
    Exercise {
        name: "contracts",
        app: contracts::app,
        checks: check_contracts::checks,
    },
    Exercise {
        name: "mistakes",
        app: mistakes::app,
        checks: check_mistakes::checks,
    },
    Exercise {
        name: "etags",
        app: etags::app,
        checks: check_etags::checks,
    },
    Exercise {
        name: "isolation",
        app: isolation::app,
        checks: check_isolation::checks,
    },
    Exercise {
        name: "permissions",
        app: permissions::app,
        checks: check_permissions::checks,
    },
    Exercise {
        name: "webhooks",
        app: webhooks::app,
        checks: check_webhooks::checks,
    },
];

/// Runs on one thread, as the tests do, so that code that blocks the thread fails its check.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = match arguments.as_slice() {
        [name] => EXERCISES.iter().find(|exercise| exercise.name == name),
        _ => None,
    };
    let Some(exercise) = wanted else {
        if let [name] = arguments.as_slice() {
            eprintln!(
                "There is no exercise {name:?}. The page of an exercise names it.\n"
            );
        }
        let names: Vec<_> =
            EXERCISES.iter().map(|exercise| exercise.name).collect();
        eprintln!(
            "Usage: cargo exercise NAME\n\nExercises: {}",
            names.join(", ")
        );
        return ExitCode::from(2);
    };

    let file = format!("code/exercises/{}/exercise.rs", exercise.name);
    println!("{file}\n");
    be_quiet_about_todos();
    let report = exercise::run(exercise.app, (exercise.checks)()).await;
    println!("{report}");
    if report.all_met() {
        println!("Done. The guide shows another solution, to compare with yours.");
        ExitCode::SUCCESS
    } else {
        println!("Continue in {file}, then run this again.");
        ExitCode::FAILURE
    }
}

/// The report tells where something is still to do, and what came of a test that must fail. Any
/// other panic is printed as usual, with its file and line.
fn be_quiet_about_todos() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !exercise::is_todo(panic.payload()) && !exercise::tries_a_test() {
            print(panic);
        }
    }));
}

//! Records the lines of the shop's log that the chapter on logging requests shows.

mod support;

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;
use shop::AppState;
use shop::middleware::server_layers;
use shop::repository::sqlite::Sqlite;
use shop::services::Shop;
use support::{Answer, ask, post, recorded};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_default;
use tracing_subscriber::EnvFilter;

/// What this thread logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no test panics here").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Ada orders croissants, and the shop logs it. Returns the response and the log,
/// without the time that the response took.
async fn order(app: &Router, quantity: u32) -> (Answer, String) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .without_time()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = set_default(subscriber);
    let body =
        json!({ "customer": "Ada", "item": "croissant", "quantity": quantity });
    let answer = ask(app, post(body)).await;
    drop(guard);
    let bytes = log.0.lock().expect("no test panics here").clone();
    let lines = String::from_utf8(bytes).expect("a log is text");
    let lines = lines.lines().map(|line| match line.split_once("latency=") {
        Some((before, after)) => {
            let (_, after) = after.split_once(" ms").unwrap_or_default();
            format!("{before}latency=…{after}\n")
        }
        None => format!("{line}\n"),
    });
    (answer, lines.collect())
}

/// The shop with its data in this file, and request ids that count from 1.
fn app(file: &Path) -> Router {
    let repository = Sqlite::open(file).expect("an empty folder takes a database");
    let state = AppState {
        shop: Shop::new(Arc::new(repository), Timestamp::now),
        staff_token: None,
    };
    let last = AtomicU64::new(0);
    let next_id = move || (last.fetch_add(1, Ordering::Relaxed) + 1).into();
    server_layers(shop::router(state), next_id, Vec::new())
}

#[tokio::test]
async fn logging_a_conflict_takes_one_line() {
    let folder = tempfile::tempdir().expect("a folder for the database");
    let (answer, log) = order(&app(&folder.path().join("shop.db")), 2).await;
    assert_eq!(answer.status, 409);
    recorded("output/request-logs/conflict.txt", &log);
}

#[tokio::test]
async fn logging_a_failure_has_its_cause_and_the_response_has_its_id() {
    let folder = tempfile::tempdir().expect("a folder for the database");
    let file = folder.path().join("shop.db");
    let app = app(&file);
    let other = Connection::open(&file).expect("SQLite opens a file twice");
    other.execute_batch("DROP TABLE orders").expect("SQL");
    let (answer, log) = order(&app, 1).await;
    assert_eq!(answer.status, 500);
    assert!(!answer.body.contains("table"), "{}", answer.body);
    let id = answer.header("x-request-id");
    assert!(log.contains(&format!("request_id={id:?}")), "{log}");
    recorded("output/request-logs/failure.txt", &log);
    let problem = serde_json::to_string_pretty(&answer.json()).expect("JSON");
    let response = format!("{}\nx-request-id: {id}\n\n{problem}\n", answer.status);
    recorded("output/request-logs/failure-response.txt", &response);
}

#[test]
fn logging_without_a_default_only_takes_errors() {
    let without = EnvFilter::from_env("LOGGING_TEST_WITHOUT_A_VALUE");
    assert_eq!(without.max_level_hint(), Some(LevelFilter::ERROR));
    let with = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse_lossy("");
    assert_eq!(with.max_level_hint(), Some(LevelFilter::INFO));
}

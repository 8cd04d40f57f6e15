//! What a client hears, and what the log, when the books are out of reach.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::files::file;
use crate::support::{buy, get};
use axum::http::StatusCode;
use code::data::app_with;
use code::data::sqlite::Sqlite;
use code::legacy::OPENING;
use rusqlite::Connection;
use serde_json::Value;
use tracing::subscriber::DefaultGuard;

/// A log to read in.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens to this thread until the guard is dropped.
    fn listen(&self) -> DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// ANCHOR: hidden
#[tokio::test]
async fn what_goes_wrong_inside_goes_to_the_log_and_not_to_the_client() {
    let (_folder, file) = file().unwrap();
    let shop = app_with(|| OPENING, Arc::new(Sqlite::open(&file).unwrap()));
    let behind_its_back = Connection::open(&file).unwrap();
    behind_its_back.execute_batch("DROP TABLE orders").unwrap();

    let log = Log::default();
    let listening = log.listen();
    let (status, body) = get(&shop, "/orders/1").await;
    drop(listening);

    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let reason = "The shop cannot look into its books";
    assert_eq!(body, Value::from(reason)); // and no word more
    assert!(log.text().contains("no such table: orders"));
}
// ANCHOR_END: hidden

#[tokio::test]
async fn an_order_that_cannot_be_written_is_a_500_too() {
    let (_folder, file) = file().unwrap();
    let shop = app_with(|| OPENING, Arc::new(Sqlite::open(&file).unwrap()));
    let behind_its_back = Connection::open(&file).unwrap();
    behind_its_back.execute_batch("DROP TABLE orders").unwrap();
    let (status, body) = buy(&shop, "tea", 1).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let body = body.to_string().to_lowercase();
    for word in ["table", "orders", "sqlite", "items"] {
        assert!(!body.contains(word), "{body}");
    }
}

/// What else is wrong with a database: a row that is no order. It is reported, not invented.
#[tokio::test]
async fn a_row_that_is_no_order_is_a_500() {
    let (_folder, file) = file().unwrap();
    let shop = app_with(|| OPENING, Arc::new(Sqlite::open(&file).unwrap()));
    Connection::open(&file)
        .unwrap()
        .execute(
            "INSERT INTO orders VALUES (1, 'Ada', 'tea', 1, NULL, 220, 'noon', NULL)",
            [],
        )
        .unwrap();
    let (status, _) = get(&shop, "/orders/1").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn what_makes_no_sense_cannot_be_written() {
    let (_folder, file) = file().unwrap();
    drop(Sqlite::open(&file).unwrap());
    let database = Connection::open(&file).unwrap();
    database.pragma_update(None, "foreign_keys", "ON").unwrap();
    for nonsense in [
        "UPDATE items SET stock = -1 WHERE id = 'tea'",
        "UPDATE items SET stock = 'many' WHERE id = 'tea'",
        "UPDATE items SET price_cents = -1 WHERE id = 'tea'",
        "UPDATE items SET price_cents = 1000001 WHERE id = 'tea'",
        "INSERT INTO orders VALUES (1, 'Ada', 'latte', 1, NULL, 220, 'noon', NULL)",
        "INSERT INTO orders VALUES (1, 'Ada', 'tea', 0, NULL, 220, 'noon', NULL)",
    ] {
        assert!(database.execute_batch(nonsense).is_err(), "{nonsense}");
    }
}

//! What the chapter on migrations says about a database that fails.
#![cfg(all(feature = "server", feature = "sqlite"))]

mod support;

// In a module with the chapter's name, so that `cargo test migrations` finds the tests.
mod migrations {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use axum::body::Body;
    use axum::http::Request;
    use jiff::Timestamp;
    use rusqlite::Connection;
    use shop::AppState;
    use shop::repository::sqlite::Sqlite;
    use shop::services::Shop;
    use tracing::subscriber::set_default;
    use tracing_subscriber::fmt;

    use crate::support::{ask, recorded};

    /// The log of a test.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0
                .lock()
                .expect("no test panics while it logs")
                .write(line)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_log_has_the_cause_of_a_500_and_the_response_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.db");
        let repository = Arc::new(Sqlite::open(&file).unwrap());
        let shop = Shop::new(repository, Timestamp::now);
        let app = shop::router(AppState {
            shop,
            staff_token: None,
        });
        let other_program = Connection::open(&file).unwrap();
        other_program.execute_batch("DROP TABLE items").unwrap();

        let log = Log::default();
        let writer = log.clone();
        let subscriber = fmt()
            .without_time()
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let logging = set_default(subscriber.finish());
        let response = ask(&app, (Request::get("/menu/tea"), Body::empty())).await;
        drop(logging);

        let text = format!("{}\n{}\n", response.status, response.body);
        recorded("output/migrations/response.txt", &text);
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        recorded("output/migrations/log.txt", &log);
        assert!(log.contains("no such table: items"), "{log}");
        assert!(!text.contains("items"), "{text}");
    }
}

//! The layers that a server adds around the routes: panics, timeouts, CORS and the log.
//! They need no socket.

#![cfg(feature = "server")]
#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once};
use std::task::{Context, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::routing::{get as get_from, post as post_to};
use serde_json::{Value, json};
use shop::error::Error;
use shop::extract::Json;
use shop::middleware::{RequestId, random_id, server_layers};
use shop::model::opening_menu;
use shop::repository::RepositoryError;
use shop::repository::memory::Memory;
use support::{
    as_staff, count_from_one, delete, get, order, post, request, request_with_text,
    send, state, with_header,
};
use tokio::time::{Instant, sleep};
use tower::ServiceExt;
use tracing::Level;
use tracing::subscriber::{DefaultGuard, set_default, set_global_default};

/// These routes with the layers around them.
fn with_layers(router: Router) -> Router {
    server_layers(router, count_from_one(), vec![])
}

/// The shop as a server serves it.
fn served() -> Router {
    let memory = Memory::new(opening_menu());
    with_layers(shop::router(state(Arc::new(memory))))
}

async fn panics() {
    panic!("the grinder jams");
}

mod panic {
    use super::*;

    async fn format() {
        // Not a literal: the compiler would put it into the text, which is a `&str` then.
        panic!("{} grinders jam", std::hint::black_box(7));
    }

    async fn value() {
        std::panic::panic_any(7);
    }

    #[tokio::test]
    async fn a_panic_in_a_handler_is_a_500_and_the_next_request_works() {
        let app = with_layers(
            Router::new()
                .route("/text", get_from(panics))
                .route("/format", get_from(format))
                .route("/value", get_from(value))
                .route("/works", get_from(|| async {})),
        );
        for path in ["/text", "/format", "/value"] {
            let response = send(&app, get(path)).await;
            response.problem(StatusCode::INTERNAL_SERVER_ERROR);
            assert!(!response.body.contains("grinder"), "{response:?}");
        }
        assert_eq!(send(&app, get("/works")).await.status, StatusCode::OK);
    }
}

/// The clock is paused in these tests: it jumps to the next moment for which a task
/// waits.
mod timeouts {
    use super::*;

    // ANCHOR: timeout
    fn slow_app() -> Router {
        let slow = || async { sleep(Duration::from_secs(3600)).await };
        with_layers(Router::new().route("/", get_from(slow).post(slow)))
    }
    // ANCHOR_END: timeout

    #[tokio::test(start_paused = true)]
    async fn a_safe_request_that_takes_too_long_can_be_repeated() {
        let started = Instant::now();
        for method in [Method::GET, Method::HEAD] {
            let response = send(&slow_app(), request(method, "/")).await;
            assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.header("retry-after"), "1");
            assert_eq!(response.header("content-type"), "application/problem+json");
            assert_ne!(response.header("x-request-id"), "");
        }
        assert_eq!(started.elapsed().as_secs(), 30);
    }

    // ANCHOR: outcome-unknown
    #[tokio::test(start_paused = true)]
    async fn a_post_that_times_out_has_an_unknown_outcome() {
        let started = Instant::now();
        let response = send(&slow_app(), post("/", json!({}))).await;
        let problem = response.problem(StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(problem["type"], "/problems/outcome-unknown");
        assert_eq!(problem["title"], "Outcome unknown");
        assert_eq!(response.header("retry-after"), "");
        assert_eq!(started.elapsed().as_secs(), 15);
    }
    // ANCHOR_END: outcome-unknown

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_just_in_time_is_answered() {
        let slow = || async { sleep(Duration::from_millis(14_900)).await };
        let app = with_layers(Router::new().route("/", get_from(slow)));
        assert_eq!(send(&app, get("/")).await.status, StatusCode::OK);
    }
}

mod request_ids {
    use super::*;

    #[tokio::test]
    async fn a_handler_can_ask_for_the_id() {
        let show = |Extension(RequestId(id)): Extension<RequestId>| async move {
            id.to_str().unwrap().to_owned()
        };
        let app = with_layers(Router::new().route("/", get_from(show)));
        for id in ["1", "2"] {
            let response = send(&app, get("/")).await;
            assert_eq!(
                (response.header("x-request-id"), &*response.body),
                (id, id)
            );
        }
    }

    #[test]
    fn no_two_ids_are_the_same() {
        let (first, second) = (random_id(), random_id());
        assert_ne!(first, second);
        assert_eq!(first.len(), 36);
    }

    #[tokio::test]
    async fn every_response_has_one() {
        let app = served();
        for request in [
            get("/menu"),
            get("/nowhere"),
            get("/orders"),
            request(Method::TRACE, "/menu"),
            as_staff(delete("/menu/tea")),
            request_with_text(Method::POST, "/orders", "x".repeat(20_000)),
        ] {
            assert_ne!(send(&app, request).await.header("x-request-id"), "");
        }
    }
}

mod cors {
    use super::*;

    const ORIGIN: &str = "https://shop.example";

    fn app_for(origins: &[&'static str]) -> Router {
        let memory = Memory::new(opening_menu());
        let router =
            shop::router(state(Arc::new(memory))).route("/panic", get_from(panics));
        let origins = origins
            .iter()
            .map(|origin| HeaderValue::from_static(origin));
        server_layers(router, count_from_one(), origins.collect())
    }

    fn preflight(origin: &str) -> Request<Body> {
        let request = request(Method::OPTIONS, "/orders/1");
        let request = with_header(request, "origin", origin);
        let request =
            with_header(request, "access-control-request-method", "PATCH");
        with_header(request, "access-control-request-headers", "content-type")
    }

    #[tokio::test]
    async fn a_preflight_from_an_allowed_origin_lists_what_is_allowed() {
        let app = app_for(&["http://localhost:5173", ORIGIN]);
        let response = send(&app, preflight(ORIGIN)).await;
        assert_eq!(response.status, StatusCode::OK);
        assert_eq!(response.header("access-control-allow-origin"), ORIGIN);
        assert_eq!(
            response.header("access-control-allow-methods"),
            "GET,POST,PUT,PATCH,DELETE"
        );
        assert_eq!(
            response.header("access-control-allow-headers"),
            "authorization,content-type,x-request-id"
        );
        assert_eq!(response.header("access-control-max-age"), "3600");
        assert_ne!(response.header("x-request-id"), "");
    }

    #[tokio::test]
    async fn other_origins_are_not_allowed() {
        let app = app_for(&[ORIGIN]);
        for origin in ["https://evil.example", "http://shop.example", "null"] {
            for request in [
                preflight(origin),
                with_header(get("/menu"), "origin", origin),
            ] {
                let response = send(&app, request).await;
                assert_eq!(response.header("access-control-allow-origin"), "");
            }
        }
    }

    #[tokio::test]
    async fn without_the_setting_there_are_no_cors_headers() {
        let app = app_for(&[]);
        let response = send(&app, preflight(ORIGIN)).await;
        response.problem(StatusCode::METHOD_NOT_ALLOWED);
        let response =
            send(&app, with_header(get("/menu"), "origin", ORIGIN)).await;
        assert!(
            response
                .headers
                .keys()
                .all(|name| !name.as_str().contains("control"))
        );
    }

    /// Otherwise a page could not read why its request failed.
    #[tokio::test]
    async fn a_page_may_read_every_response_and_its_request_id() {
        let app = app_for(&[ORIGIN]);
        for (request, status) in [
            (get("/menu"), 200),
            (get("/nowhere"), 404),
            (order("croissant", 2), 409),
            (get("/panic"), 500),
        ] {
            let response = send(&app, with_header(request, "origin", ORIGIN)).await;
            assert_eq!(response.status, status);
            assert_eq!(response.header("access-control-allow-origin"), ORIGIN);
            assert_eq!(
                response.header("access-control-expose-headers"),
                "location,retry-after,x-request-id"
            );
            assert!(response.header("vary").contains("origin"));
        }
    }
}

/// The log, as a process that reads it would get it.
mod log {
    use super::*;

    /// The lines that this thread logs.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn start() -> (Self, DefaultGuard) {
            Self::start_with(Level::INFO)
        }

        /// Leaves out what is less important than this level.
        fn start_with(level: Level) -> (Self, DefaultGuard) {
            // tracing remembers for each event whether anybody wants it. Without a
            // subscriber for the other threads it might remember that nobody does.
            static OTHER_THREADS: Once = Once::new();
            OTHER_THREADS.call_once(|| {
                let sink = tracing_subscriber::fmt().with_writer(io::sink).finish();
                set_global_default(sink).unwrap();
            });
            let log = Self::default();
            let writer = log.clone();
            let subscriber = tracing_subscriber::fmt()
                .without_time()
                .with_ansi(false)
                .with_max_level(level)
                .with_writer(move || writer.clone());
            let guard = set_default(subscriber.finish());
            (log, guard)
        }

        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn each_request_has_one_line_with_id_method_path_status_and_latency() {
        let app = served();
        for (number, (request, method, path, status)) in (1..).zip([
            (get("/menu"), "GET", "/menu", 200),
            (order("tea", 1), "POST", "/orders", 201),
            (get("/orders/1?secret=1"), "GET", "/orders/{id}", 200),
            (request(Method::HEAD, "/menu"), "HEAD", "/menu", 200),
            (request(Method::HEAD, "/nowhere"), "HEAD", "(no route)", 404),
            (get("/orders"), "GET", "/orders", 401),
            (
                as_staff(delete("/menu/muffin")),
                "DELETE",
                "/menu/{id}",
                204,
            ),
            (request(Method::TRACE, "/menu"), "TRACE", "/menu", 405),
            (get("/my-secret"), "GET", "(no route)", 404),
            (order("croissant", 2), "POST", "/orders", 409),
        ]) {
            let (log, _guard) = Log::start();
            send(&app, request).await;
            let lines = log.lines();
            let span = format!(
                " INFO request{{request_id=\"{number}\" method={method} path=\"{path}\"}}: "
            );
            let [line] = &lines[..] else {
                panic!("not one line: {lines:?}")
            };
            assert!(line.starts_with(&span), "{line}");
            assert!(line.contains(" latency="), "{line}");
            assert!(line.ends_with(&format!(" status={status}")), "{line}");
            assert!(
                !line.contains("secret") && !line.contains("tests"),
                "{line}"
            );
        }
    }

    #[tokio::test]
    async fn the_id_of_the_client_has_a_field_of_its_own_if_it_fits_into_a_line() {
        let app = served();
        let longest = "a".repeat(64);
        for id in ["abc-DEF_123", &longest] {
            let (log, _guard) = Log::start();
            send(&app, with_header(get("/menu"), "x-request-id", id)).await;
            let field = format!(" client_request_id=\"{id}\"");
            assert!(log.lines()[0].contains(&field), "{:?}", log.lines());
        }
        let too_long = "a".repeat(65);
        for id in ["", "a b", "a=b", "a\"b", "é", "a\tb", &too_long] {
            let (log, _guard) = Log::start();
            send(&app, with_header(get("/menu"), "x-request-id", id)).await;
            assert!(!log.lines()[0].contains("client_request_id"), "{id:?}");
        }
    }

    #[tokio::test]
    async fn a_method_that_a_client_has_made_up_stays_out_of_the_log() {
        let app = served();
        let (log, _guard) = Log::start();
        let made_up = Method::from_bytes(&[b'A'; 1000]).unwrap();
        send(&app, request(made_up, "/menu")).await;
        let lines = log.lines();
        assert!(lines[0].contains(" method=(other) "), "{lines:?}");
    }

    #[tokio::test]
    async fn the_cause_of_a_5xx_is_in_the_log_with_the_id_of_the_request() {
        let storage = || async {
            let cause = io::Error::other("the disk is on fire");
            Error::from(RepositoryError::Storage(cause.into()))
        };
        let busy = || async {
            let cause = io::Error::other("another program writes");
            Error::from(RepositoryError::Busy(cause.into()))
        };
        let app = with_layers(
            Router::new()
                .route("/storage", get_from(storage))
                .route("/busy", get_from(busy))
                .route("/panic", get_from(panics)),
        );
        for (id, (path, level, status, cause)) in (1..).zip([
            ("/storage", "ERROR", 500, "the disk is on fire"),
            ("/busy", " WARN", 503, "another program writes"),
            ("/panic", "ERROR", 500, "the grinder jams"),
        ]) {
            let (log, _guard) = Log::start();
            let response = send(&app, get(path)).await;
            assert_eq!(response.status, status);
            assert!(!response.body.contains(cause));
            let span = format!(
                "request{{request_id=\"{id}\" method=GET path=\"{path}\"}}"
            );
            let lines = log.lines();
            assert_eq!(lines.len(), 2, "{lines:?}");
            assert!(
                lines[0].starts_with(&format!("{level} {span}: ")),
                "{lines:?}"
            );
            assert!(lines[0].contains(cause), "{lines:?}");
            assert!(
                lines[1].starts_with(&format!(" INFO {span}: ")),
                "{lines:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_log_of_errors_alone_has_the_ids_too() {
        let (log, _guard) = Log::start_with(Level::ERROR);
        let app = with_layers(Router::new().route("/", get_from(panics)));
        send(&app, get("/")).await;
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(
            lines[0].starts_with("ERROR request{request_id=\"1\" "),
            "{lines:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_is_in_the_log_too() {
        let (log, _guard) = Log::start();
        let slow = || async { sleep(Duration::from_secs(3600)).await };
        let app = with_layers(Router::new().route("/", post_to(slow)));
        send(&app, post("/", json!({}))).await;
        let lines = log.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            lines[0].starts_with("ERROR request{request_id=\"1\" "),
            "{lines:?}"
        );
        assert!(lines[0].contains("too long"), "{lines:?}");
        assert!(lines[1].ends_with("status=500"), "{lines:?}");
    }

    #[tokio::test]
    async fn a_client_that_hangs_up_has_one_line() {
        let (log, _guard) = Log::start();
        let never = |_: Json<Value>| std::future::pending::<()>();
        let app = with_layers(Router::new().route("/", post_to(never)));
        let mut response = Box::pin(app.oneshot(post("/", json!({}))));
        let mut context = Context::from_waker(Waker::noop());
        assert!(response.as_mut().poll(&mut context).is_pending());
        assert_eq!(log.lines(), [""; 0]);
        drop(response); // as hyper does when the connection is closed
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        let span = "request{request_id=\"1\" method=POST path=\"/\"}: ";
        assert!(lines[0].contains(span), "{lines:?}");
        assert!(lines[0].contains("dropped"), "{lines:?}");
    }
}

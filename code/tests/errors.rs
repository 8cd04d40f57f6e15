//! What the chapter on errors says, tested.

#[path = "support/bad_requests.rs"]
mod bad_requests;
mod support;

// In a module of the chapter's name, so that `cargo test errors` finds them.
mod errors {
    use std::convert::Infallible;
    use std::io::{self, Write};
    use std::pin::Pin;
    use std::sync::{Arc, Barrier, Mutex, Once, mpsc};
    use std::task::{Context, Poll};
    use std::time::Duration;

    use async_trait::async_trait;
    use axum::{
        Router,
        body::{Body, Bytes, HttpBody},
        extract::State,
        http::{Request, StatusCode},
        routing::{get, post as post_to},
    };
    use code::data::memory::Memory;
    use code::data::repository::{Repository, Sale, StorageError};
    use code::data::services::Shop;
    use code::errors::error::Error;
    use code::errors::extract::{Json, Path};
    use code::errors::layers::{guarded, named};
    use code::errors::problem::Problem;
    use code::errors::{app, app_with, count_from_one, served};
    use code::legacy::{Item, NewOrder, OPENING, Order, opening_menu};
    use code::legacy_structure::services::{NOT_ON_MENU, ShopError};
    use http_body::Frame;
    use serde_json::{Value, json};
    use tokio::join;
    use tokio::task::spawn_blocking;
    use tokio::time::{advance, sleep};
    use tracing::subscriber::{DefaultGuard, set_default, set_global_default};

    use crate::bad_requests::{
        Server, figure, let_through, play, refused_by_hyper, refused_by_the_app,
    };
    use crate::support::{Answer, Asked, ask, buy, order, post};

    fn get_of(path: &str) -> Asked {
        (Request::get(path), Body::empty())
    }

    /// Checks that an answer is a problem document with this status.
    fn assert_problem(answer: &Answer, status: u16) -> Value {
        let problem = answer.json();
        assert_eq!(answer.status, status, "{problem}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        problem
    }

    // ANCHOR: forgotten
    #[tokio::test]
    async fn without_check_the_shop_still_refuses() {
        let door = post_to(
            |State(shop): State<Shop>, Json(new): Json<NewOrder>| async move {
                shop.place_order(new, None)
                    .await
                    .map(Json)
                    .map_err(Error::from)
            },
        );
        let books = Arc::new(Memory::new(opening_menu()));
        let app = Router::new()
            .route("/orders", door)
            .with_state(Shop::new(|| OPENING, books));
        let body = json!({ "customer": " ", "item": "latte", "quantity": 0 });
        let problem = assert_problem(&ask(&app, post(body)).await, 422);
        assert_eq!(problem["errors"][0]["pointer"], "#/customer");
    }
    // ANCHOR_END: forgotten

    #[tokio::test]
    async fn every_mistake_of_an_order_is_named_in_one_answer() {
        let body = json!({ "customer": " ", "item": "latte", "quantity": 0 });
        let (head, body) = post(body);
        let asked = (head.header("table-number", "13"), body);
        let problem = assert_problem(&ask(&app(), asked).await, 422);
        let table = "The header table-number must be a number from 1 to 12";
        let wanted = json!([
            { "detail": "must not be empty", "pointer": "#/customer" },
            { "detail": "must be an id from the menu", "pointer": "#/item" },
            { "detail": "must be from 1 to 10", "pointer": "#/quantity" },
            { "detail": table, "header": "table-number" },
        ]);
        assert_eq!(problem["errors"], wanted);
    }

    #[tokio::test]
    async fn a_body_that_does_not_fit_says_where() {
        let pointers = [
            (r#"{ "customer": "Ada", "item": "tea" }"#, "#"),
            (r#"{ "customer": 7 }"#, "#/customer"),
            (r#"{ "a/b~c é": 1 }"#, "#/a~1b~0c%20%C3%A9"),
        ];
        for (body, pointer) in pointers {
            let (head, _) = post(Value::Null);
            let answer = ask(&app(), (head, Body::from(body))).await;
            let problem = assert_problem(&answer, 422);
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
    }

    #[tokio::test]
    async fn a_mistake_that_the_service_finds_has_the_same_form() {
        let found = || async { Error::Shop(NOT_ON_MENU.into()) };
        let app = Router::new().route("/", get(found));
        let problem = assert_problem(&ask(&app, get_of("/")).await, 422);
        assert_eq!(problem["errors"][0]["pointer"], "#/item");
    }

    #[tokio::test]
    async fn a_refused_order_changes_nothing() {
        let app = app();
        let (status, _) = buy(&app, "muffin", 5).await;
        assert_eq!(status, StatusCode::CONFLICT);
        let muffin = ask(&app, get_of("/menu/muffin")).await.json();
        assert_eq!(muffin["stock"], 4);
    }

    /// Books that nobody can open.
    struct Burnt;

    const CAUSE: &str = "/var/lib/books.db: database disk image malformed";

    fn burnt<T>() -> Result<T, StorageError> {
        Err(StorageError::new(CAUSE))
    }

    #[async_trait]
    impl Repository for Burnt {
        async fn menu(&self, _: Option<u32>) -> Result<Vec<Item>, StorageError> {
            burnt()
        }
        async fn item(&self, _: &str) -> Result<Option<Item>, StorageError> {
            burnt()
        }
        async fn order(&self, _: u64) -> Result<Option<Order>, StorageError> {
            burnt()
        }
        async fn place_order(
            &self,
            _: Sale,
        ) -> Result<Option<Order>, StorageError> {
            burnt()
        }
    }

    /// What this thread logs, as `cargo chapter` would print it.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn listen(&self) -> DefaultGuard {
            // Once a thread without a subscriber has met an event, tracing may take it for
            // one that nobody wants, in any thread. So every thread has one.
            static SINK: Once = Once::new();
            SINK.call_once(|| {
                let sink = tracing_subscriber::fmt().with_writer(io::sink).finish();
                set_global_default(sink).expect("nobody else sets one");
            });
            let log = self.clone();
            let subscriber = tracing_subscriber::fmt().without_time();
            set_default(subscriber.with_writer(move || log.clone()).finish())
        }

        fn text(&self) -> String {
            let bytes = self.0.lock().expect("nobody panics while writing");
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }

    impl Log {
        fn last_line(&self) -> String {
            self.text().lines().last().unwrap_or_default().to_owned()
        }
    }

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut log = self.0.lock().expect("nobody panics while writing");
            log.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    // ANCHOR: leak
    #[tokio::test]
    async fn a_client_hears_nothing_of_the_inside_and_the_log_hears_it_all() {
        let log = Log::default();
        let _listening = log.listen();
        let app = app_with(|| OPENING, Arc::new(Burnt), count_from_one());

        let tea = json!({ "customer": "Ada", "item": "tea", "quantity": 1 });
        let asked = ["/menu", "/menu/tea", "/orders/1"].map(get_of);
        for asked in asked.into_iter().chain([post(tea)]) {
            let answer = ask(&app, asked).await;
            assert_problem(&answer, 500);
            let sent = format!("{:?} {}", answer.headers, answer.body);
            for word in CAUSE.split(' ') {
                assert!(!sent.contains(word), "{word} is in {sent}");
            }
            let id = answer.header("x-request-id");
            let begins = format!("ERROR request{{id={id:?}}}: ");
            let line = log.last_line();
            assert!(line.starts_with(&begins) && line.ends_with(CAUSE), "{line}");
        }
    }
    // ANCHOR_END: leak

    #[tokio::test]
    async fn what_a_client_did_wrong_is_no_error_in_the_log() {
        let log = Log::default();
        let _listening = log.listen();
        ask(&served(), get_of("/menu/latte")).await;
        ask(&served(), get_of("/nowhere")).await;
        assert_eq!(log.text(), "");
    }

    // ANCHOR: order
    async fn breaks() {
        panic!("the grinder jams")
    }

    #[tokio::test]
    async fn the_id_must_be_the_last_layer_that_is_added() {
        let shop = || Router::new().route("/grind", get(breaks));

        let right = named(guarded(shop()), count_from_one());
        let answer = ask(&right, get_of("/grind")).await;
        assert_problem(&answer, 500);
        assert_eq!(answer.header("x-request-id"), "1");

        let wrong = guarded(named(shop(), count_from_one()));
        let answer = ask(&wrong, get_of("/grind")).await;
        assert_problem(&answer, 500);
        assert_eq!(answer.header("x-request-id"), "");
    }
    // ANCHOR_END: order

    // ANCHOR: late-fallback
    #[tokio::test]
    async fn a_fallback_that_comes_after_a_layer_stands_outside() {
        let lost = || async { Error::NoSuchPath };

        let before = named(Router::new().fallback(lost), count_from_one());
        let answer = ask(&before, get_of("/")).await;
        assert_eq!(answer.header("x-request-id"), "1");

        let after = named(Router::new(), count_from_one()).fallback(lost);
        let answer = ask(&after, get_of("/")).await;
        assert_eq!(answer.header("x-request-id"), "");
    }
    // ANCHOR_END: late-fallback

    // ANCHOR: late-route
    #[tokio::test]
    async fn a_405_takes_this_form_on_the_routes_that_are_already_there() {
        let wrong = || async { Error::WrongMethod };
        let app = Router::new()
            .route("/menu", get(|| async {}))
            .method_not_allowed_fallback(wrong)
            .route("/specials", get(|| async {}));

        for (path, empty) in [("/menu", false), ("/specials", true)] {
            let asked = (Request::delete(path), Body::empty());
            let answer = ask(&app, asked).await;
            assert_eq!(
                (answer.status.as_u16(), answer.body.is_empty()),
                (405, empty)
            );
        }
    }
    // ANCHOR_END: late-route

    /// Plays with the clock: it leaps to the next moment that something waits for.
    #[tokio::test(start_paused = true)]
    async fn a_late_answer_is_a_503_with_the_id_and_the_log_has_both() {
        let log = Log::default();
        let _listening = log.listen();
        let app = served();
        buy(&app, "tea", 1).await;
        let print = || (Request::post("/orders/1/receipt"), Body::empty());
        let first = ask(&app, print()).await;
        assert_eq!(first.status, StatusCode::NO_CONTENT);

        let began = tokio::time::Instant::now();
        let second = ask(&app, print()).await;
        assert_problem(&second, 503);
        assert_eq!(began.elapsed().as_secs(), 10);
        assert_eq!(second.header("x-request-id"), "3");
        let line = " WARN request{id=\"3\"}: code::errors::error: it took too long";
        assert_eq!(log.text().trim_end(), line);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_handler_is_dropped_where_it_waits_and_what_it_did_stays_done() {
        let done = Arc::new(Mutex::new(Vec::new()));
        let seen = done.clone();
        let late = move || async move {
            done.lock().expect("no panic").push("paid");
            sleep(Duration::from_secs(60)).await;
            done.lock().expect("no panic").push("brewed");
        };
        let app = guarded(Router::new().route("/", get(late)));
        assert_problem(&ask(&app, get_of("/")).await, 503);
        sleep(Duration::from_secs(120)).await;
        assert_eq!(*seen.lock().expect("no panic"), ["paid"]);
    }

    // ANCHOR: goes-on
    #[tokio::test(start_paused = true)]
    async fn what_spawn_blocking_has_goes_on_after_the_503() {
        let disk = Arc::new(Barrier::new(2)); // waits for the test
        let slow = disk.clone();
        let (writes, book) = mpsc::channel();
        let place_order = || async move {
            let write = move || {
                slow.wait();
                writes.send("a tea")
            };
            drop(spawn_blocking(write).await);
        };
        let app = guarded(Router::new().route("/", get(place_order)));

        let eleven = advance(Duration::from_secs(11));
        let (answer, ()) = join!(ask(&app, get_of("/")), eleven);
        assert_problem(&answer, 503);
        assert!(book.try_recv().is_err(), "nothing is written");
        disk.wait();
        assert_eq!(book.recv(), Ok("a tea"));
    }
    // ANCHOR_END: goes-on

    /// A body that stays away.
    struct Silence;

    impl HttpBody for Silence {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    // ANCHOR: slow-body
    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_slowly_gets_the_503_too_and_is_no_error() {
        let log = Log::default();
        let _listening = log.listen();
        let (head, _) = post(Value::Null);
        let answer = ask(&served(), (head, Body::new(Silence))).await;
        assert_problem(&answer, 503);
        assert!(log.text().starts_with(" WARN request"), "{}", log.text());
    }
    // ANCHOR_END: slow-body

    /// Otherwise its answer comes first, and "database is locked" goes to nobody.
    #[tokio::test(start_paused = true)]
    async fn what_waits_five_seconds_for_a_lock_is_heard_of() {
        let log = Log::default();
        let _listening = log.listen();
        let locked = || async {
            sleep(Duration::from_millis(5_100)).await;
            Error::Storage(StorageError::new("database is locked"))
        };
        let app = guarded(Router::new().route("/", get(locked)));
        assert_problem(&ask(&app, get_of("/")).await, 500);
        assert!(log.text().contains("database is locked"), "{}", log.text());
    }

    #[tokio::test]
    async fn a_mistake_that_stands_nowhere_names_no_place() {
        let app = app();
        buy(&app, "tea", 1).await;
        let answer = ask(&app, get_of("/orders/1/share")).await;
        let problem = assert_problem(&answer, 400);
        let wanted = json!([{ "detail": "missing field `guests`" }]);
        assert_eq!(problem["errors"], wanted);
    }

    #[tokio::test]
    async fn a_parameter_is_named_as_it_was_sent() {
        for (query, parameter) in
            [("max~price=1", "max~price"), ("a%2Fb%20c=1", "a/b c")]
        {
            let answer = ask(&app(), get_of(&format!("/menu?{query}"))).await;
            let problem = assert_problem(&answer, 400);
            assert_eq!(problem["errors"][0]["parameter"], parameter, "{problem}");
        }
    }

    #[test]
    fn a_kind_that_a_client_can_act_on_has_a_name() {
        let kind = |error: ShopError| {
            let problem = Problem::from(Error::Shop(error));
            (problem.title, problem.r#type)
        };
        let sold_out = kind(ShopError::NotEnough("Croissant".into()));
        assert_eq!(sold_out, ("Not enough left", "/problems/not-enough-left"));
        let invalid = kind(ShopError::Invalid(NOT_ON_MENU));
        assert_eq!(invalid, ("Invalid request", "/problems/invalid-request"));
        let unknown = kind(ShopError::UnknownOrder(7));
        assert_eq!(unknown, ("Not Found", "about:blank"));
    }

    #[test]
    fn a_title_is_the_phrase_of_rfc_9110() {
        for (status, title) in [
            (StatusCode::NOT_FOUND, "Not Found"),
            (StatusCode::PAYLOAD_TOO_LARGE, "Content Too Large"),
            (StatusCode::UNPROCESSABLE_ENTITY, "Unprocessable Content"),
        ] {
            assert_eq!(Problem::of(status, "").title, title);
        }
    }

    #[tokio::test]
    async fn a_panic_is_a_500_that_says_nothing_and_the_server_goes_on() {
        let log = Log::default();
        let _listening = log.listen();
        let app = served();
        buy(&app, "tea", 1).await;
        let answer = ask(&app, get_of("/orders/1/share?guests=0")).await;
        assert_problem(&answer, 500);
        assert!(!answer.body.contains("divide"), "{}", answer.body);
        assert!(log.text().contains("id=\"2\""), "{}", log.text());
        assert!(log.text().contains("attempt to divide by zero"));
        let answer = ask(&app, get_of("/orders/1/share?guests=2")).await;
        assert_eq!(answer.json()["each_cents"], 110);
    }

    #[tokio::test]
    async fn a_panic_with_a_made_up_text_is_logged_as_well() {
        let log = Log::default();
        let _listening = log.listen();
        let breaks = || async {
            if true {
                panic!("{} jams", "the grinder")
            }
        };
        let app = guarded(Router::new().route("/", get(breaks)));
        assert_problem(&ask(&app, get_of("/")).await, 500);
        assert!(
            log.text().contains("a bug: the grinder jams"),
            "{}",
            log.text()
        );
    }

    #[tokio::test]
    async fn an_id_that_came_along_is_kept_when_it_is_plain_and_short() {
        let long = "x".repeat(65);
        let kept = ["7", "counter-7f3a", "a_b", &long[1..]];
        let replaced = ["", " ", "two words", "a\tb", "\u{e9}", "{}", &long];
        let ids = kept.into_iter().map(|id| (id, id));
        for (sent, wanted) in ids.chain(replaced.into_iter().map(|id| (id, "1"))) {
            let head = Request::get("/menu").header("x-request-id", sent);
            let answer = ask(&app(), (head, Body::empty())).await;
            assert_eq!(answer.header("x-request-id"), wanted, "{sent:?}");
        }
        let two = Request::get("/menu").header("x-request-id", "a");
        let two = (two.header("x-request-id", "b"), Body::empty());
        assert_eq!(ask(&app(), two).await.header("x-request-id"), "1");
    }

    #[tokio::test]
    async fn a_405_names_the_methods_and_head_gets_no_body() {
        let delete = (Request::delete("/menu/tea"), Body::empty());
        let answer = ask(&app(), delete).await;
        assert_problem(&answer, 405);
        assert_eq!(answer.header("allow"), "GET,HEAD");
        for (path, status) in
            [("/menu/latte", 404), ("/nowhere", 404), ("/orders", 405)]
        {
            let answer = ask(&app(), (Request::head(path), Body::empty())).await;
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(answer.body, "", "{path}");
        }
    }

    #[tokio::test]
    async fn a_route_that_does_not_fit_its_handler_is_the_shops_mistake() {
        let log = Log::default();
        let _listening = log.listen();
        let app = Router::new().route("/menu", get(|_: Path<u64>| async {}));
        let answer = ask(&app, get_of("/menu")).await;
        assert_problem(&answer, 500);
        assert!(!answer.body.contains("path arguments"), "{}", answer.body);
        assert!(log.text().contains("Wrong number of path arguments"));
    }

    #[tokio::test]
    async fn the_shop_of_a_database_file_keeps_its_orders() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("books.db");
        let tea = json!({ "customer": "Ada", "item": "tea", "quantity": 1 });
        order(&code::errors::open(&file).unwrap(), tea).await;
        let reopened = code::errors::open(&file).unwrap();
        let answer = ask(&reopened, get_of("/orders/1")).await;
        assert_eq!(answer.json()["item"], "tea");
    }

    #[tokio::test]
    async fn a_clock_and_ids_of_the_callers_are_used() {
        let books = Arc::new(Memory::new(opening_menu()));
        let app = app_with(|| OPENING, books, || 4711);
        let answer = ask(&app, get_of("/menu")).await;
        assert_eq!(answer.header("x-request-id"), "4711");
    }

    #[test]
    fn every_bad_request_over_a_socket_gets_a_problem_document() -> io::Result<()> {
        let rows = refused_by_the_app();
        figure("bad requests that get a problem document", rows.len())?;
        play(&Server::start("errors", true)?, &rows, true, true)
    }

    /// The app never sees these, so no layer of it can say more: hyper answers with a status.
    #[test]
    fn what_hyper_refuses_stays_a_status_alone() -> io::Result<()> {
        let server = Server::start("errors", true)?;
        play(&server, &refused_by_hyper(), false, true)
    }

    #[test]
    fn what_goes_through_elsewhere_goes_through_here() -> io::Result<()> {
        play(&Server::start("errors", true)?, &let_through(), true, false)
    }
}

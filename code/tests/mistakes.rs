//! What the chapter on common mistakes says, tested: what goes wrong before, and does not
//! after.

mod support;

// In a module of the chapter's name, so that `cargo test mistakes` finds them.
mod mistakes {
    use std::collections::HashMap;
    #[cfg(unix)]
    use std::ffi::OsString;
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;

    use crate::support::{Answer, Asked, ask, get, post, send};
    use axum::{
        Router,
        body::Body,
        http::{Request, StatusCode, Uri},
    };
    use code::data::{memory::Memory, services::Shop};
    use code::legacy::{OPENING, Order, opening_menu};
    use code::mistakes::after::{
        app_with,
        settings::{self, Settings},
        ticket::ticket,
    };
    use code::mistakes::app;
    use serde_json::{Value, json};
    use tower_http::catch_panic::CatchPanicLayer;

    /// The ways in to one shop: the counter, and two of its tables.
    const DOORS: [&str; 3] = ["/orders", "/tables/4/orders", "/tables/9/orders"];

    /// Somebody orders at one of the doors.
    fn order(path: &str, item: &str, quantity: u64) -> Asked {
        let body = json!({ "customer": "Ada", "item": item, "quantity": quantity });
        let (head, body) = post(body);
        (head.uri(path.parse::<Uri>().expect("a path")), body)
    }

    async fn croissant(app: &Router, shop: &str, door: &str) -> StatusCode {
        let path = format!("{shop}{door}");
        send(app, order(&path, "croissant", 1)).await.0
    }

    #[tokio::test]
    async fn before_the_last_croissant_is_sold_to_each_table_that_asks() {
        let app = app();
        for door in DOORS {
            let status = croissant(&app, "/before", door).await;
            assert_eq!(status, StatusCode::CREATED, "{door}");
        }
    }

    #[tokio::test]
    async fn after_no_door_sells_the_croissant_that_another_has_sold() {
        for first in DOORS {
            for second in DOORS {
                let app = app();
                let status = croissant(&app, "/after", first).await;
                assert_eq!(status, StatusCode::CREATED, "{first}");
                let status = croissant(&app, "/after", second).await;
                assert_eq!(status, StatusCode::CONFLICT, "{first}, {second}");
            }
        }
    }

    /// Whether the handler panicked. A server then closes the connection.
    // ANCHOR: unanswered
    async fn is_unanswered(app: &Router, path: &'static str) -> bool {
        let app = app.clone();
        let asked = tokio::spawn(async move { get(&app, path).await });
        asked.await.is_err_and(|error| error.is_panic())
    }

    #[tokio::test]
    async fn before_one_wrong_name_closes_the_shop() {
        let app = app();
        assert!(!is_unanswered(&app, "/before/menu/tea").await);
        assert!(is_unanswered(&app, "/before/menu/unicorn-latte").await);
        assert!(is_unanswered(&app, "/before/menu/tea").await);
        assert!(is_unanswered(&app, "/before/orders/1").await);
    }
    // ANCHOR_END: unanswered

    #[tokio::test]
    async fn before_catching_the_panic_leaves_the_shop_closed() {
        let app = app().layer(CatchPanicLayer::new());
        for path in ["/before/menu/unicorn-latte", "/before/menu/tea"] {
            let (status, _) = get(&app, path).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        }
    }

    #[tokio::test]
    async fn after_a_wrong_name_is_a_404_and_the_shop_goes_on() {
        let app = app();
        let (status, _) = get(&app, "/after/menu/unicorn-latte").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let (status, tea) = get(&app, "/after/menu/tea").await;
        assert_eq!((status, &tea["stock"]), (StatusCode::OK, &json!(20)));
    }

    #[tokio::test]
    async fn after_nothing_that_panics_before_does() {
        let app = app();
        let body = |body: &'static str| {
            let head = Request::post("/after/orders");
            (
                head.header("content-type", "application/json"),
                Body::from(body),
            )
        };
        for (asked, wanted) in [
            (body("null"), 422),
            (body(r#"{ "customer": "Ada", "item": "tea" }"#), 422),
            (order("/after/orders", "unicorn-latte", 1), 422),
            (order("/after/tables/13/orders", "tea", 1), 404),
            (order("/after/tables/window/orders", "tea", 1), 404),
            (order("/after/tables/4/orders", "tea", 4_000_000_000), 422),
        ] {
            let (status, problem) = send(&app, asked).await;
            assert_eq!(status, wanted, "{problem}");
        }
        for path in ["/after/orders/0", "/after/orders/9/ticket"] {
            let (status, _) = get(&app, path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        }
        for path in ["/before/orders/0", "/before/orders/9/ticket"] {
            // Each its own app: the first panic would answer for the second.
            assert!(is_unanswered(&self::app(), path).await, "{path}");
        }
    }

    #[tokio::test]
    async fn after_each_door_names_all_mistakes_and_every_answer_has_an_id() {
        for (door, wanted) in [("/orders", 4), ("/tables/4/orders", 3)] {
            let app = app();
            let body = json!({ "customer": "", "item": "latte", "quantity": 0 });
            let (head, body) = post(body);
            let path = format!("/after{door}").parse::<Uri>().expect("a path");
            // The header counts where the path names no table.
            let head = head.uri(path).header("table-number", "13");
            let answer = ask(&app, (head, body)).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            let problem = answer.json();
            let named = problem["errors"].as_array().map(Vec::len);
            assert_eq!(named, Some(wanted), "{problem}");
            assert_eq!(answer.header("x-request-id"), "1");
        }
        let lost = (Request::get("/after/nowhere"), Body::empty());
        assert_eq!(ask(&app(), lost).await.header("x-request-id"), "1");
    }

    #[tokio::test]
    async fn after_the_counter_brings_an_order_to_the_table_of_its_header() {
        let (head, body) = order("/after/orders", "tea", 1);
        let (status, sold) =
            send(&app(), (head.header("table-number", "4"), body)).await;
        assert_eq!((status, &sold["table"]), (StatusCode::CREATED, &json!(4)));
    }

    #[tokio::test]
    async fn before_a_number_that_does_not_fit_is_cut_and_after_it_is_refused() {
        let app = app();
        let asked = order("/before/orders", "muffin", (1 << 32) + 1);
        let (status, sold) = send(&app, asked).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(sold["quantity"], 4_294_967_297_u64);
        assert_eq!(sold["total_cents"], 310);

        let asked = order("/after/orders", "muffin", (1 << 32) + 1);
        let (status, _) = send(&app, asked).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[tokio::test]
    async fn before_the_counter_says_no_and_the_tables_take_what_is_asked() {
        let app = app();
        let (status, no) =
            send(&app, order("/before/orders", "croissant", 2)).await;
        assert_eq!((status, no), (StatusCode::CONFLICT, json!("sold out")));
        let asked = order("/before/tables/4/orders", "croissant", 3);
        let (_, first) = send(&app, asked).await;
        assert_eq!(first["total_cents"], 3 * 290);
        let (_, second) =
            send(&app, order("/before/tables/4/orders", "tea", 1)).await;
        assert_eq!([&first["id"], &second["id"]], [1, 2]);
    }

    #[tokio::test]
    async fn after_a_body_is_bounded() {
        let note = |length| {
            let note = "x".repeat(length);
            let body = json!({ "customer": "Ada", "item": "tea", "quantity": 1, "note": note });
            let (head, body) = post(body);
            (head.uri("/after/orders"), body)
        };
        for (length, wanted) in [(16_000, 201), (17_000, 413)] {
            let (status, _) = send(&app(), note(length)).await;
            assert_eq!(status, wanted, "a note of {length} letters");
        }
    }

    fn shop() -> Shop {
        Shop::new(|| OPENING, Arc::new(Memory::new(opening_menu())))
    }

    #[tokio::test]
    async fn after_the_location_follows_the_setting_and_before_it_cannot() {
        let moved = app_with("http://localhost:4000", shop());
        for (app, path, wanted) in [
            (moved, "/orders", "http://localhost:4000/orders/1"),
            (app(), "/after/orders", "https://shop.example/orders/1"),
            (app(), "/before/orders", "http://localhost:3000/orders/1"),
        ] {
            let Answer {
                status, headers, ..
            } = ask(&app, order(path, "tea", 1)).await;
            assert_eq!(status, StatusCode::CREATED);
            assert_eq!(headers["location"], wanted);
        }
    }

    /// Reads settings from pairs, and not from the environment that all tests share.
    // ANCHOR: read-from
    fn read_from(pairs: &[(&str, &str)]) -> Result<Settings, String> {
        let pairs: HashMap<_, _> = pairs.iter().copied().collect();
        let get = |name: &str| pairs.get(name).map(|value| (*value).into());
        settings::read(get).map_err(|refused| refused.to_string())
    }
    // ANCHOR_END: read-from

    const GOOD: [(&str, &str); 4] = [
        ("SHOP_ADDRESS", "127.0.0.1:4000"),
        ("SHOP_DATABASE", "shop.db"),
        ("SHOP_URL", "https://shop.example/"),
        ("SHOP_TOKEN", "eighteen-grams-25-seconds"),
    ];

    #[test]
    fn good_settings_are_read_and_a_slash_at_the_end_of_the_url_goes() {
        let settings = read_from(&GOOD).unwrap();
        assert_eq!(settings.address.port(), 4000);
        assert_eq!(settings.database, Path::new("shop.db"));
        assert_eq!(settings.url, "https://shop.example");
        assert_eq!(settings.token.reveal(), "eighteen-grams-25-seconds");
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let refused = read_from(&[]).unwrap_err();
        for (name, _) in GOOD {
            let line = format!("\n  {name} is missing: set it to ");
            assert!(refused.contains(&line), "{refused}");
        }
    }

    #[test]
    fn a_wrong_setting_is_named_alone_and_its_value_is_not_repeated() {
        for (name, wrong) in [
            ("SHOP_ADDRESS", "localhost"),
            ("SHOP_ADDRESS", "127.0.0.1:65536"),
            ("SHOP_URL", "ftp://shop.test"),
            ("SHOP_URL", "https:///"),
            ("SHOP_TOKEN", "latte-latte-lat"),
        ] {
            let mut pairs = GOOD.to_vec();
            pairs.retain(|(other, _)| *other != name);
            pairs.push((name, wrong));
            let refused = read_from(&pairs).unwrap_err();
            let beginning = format!("{name} is wrong: set it to ");
            let lines: Vec<_> = refused.lines().skip(1).map(str::trim).collect();
            assert_eq!(lines.len(), 1, "{refused}");
            assert!(lines[0].starts_with(&beginning), "{refused}");
            assert!(!refused.contains(wrong), "{refused}");
        }
    }

    #[test]
    fn an_empty_setting_is_missing() {
        let pairs = GOOD.map(|(name, _)| (name, ""));
        let refused = read_from(&pairs).unwrap_err();
        assert_eq!(refused.matches(" is missing: ").count(), 4, "{refused}");
    }

    #[cfg(unix)]
    #[test]
    fn a_setting_that_is_no_utf_8_is_wrong_and_not_missing() {
        use std::os::unix::ffi::OsStringExt;

        let latin_1 = || Some(OsString::from_vec(b"shop\xe9.db".to_vec()));
        let refused = settings::read(|_| latin_1()).unwrap_err().to_string();
        assert_eq!(refused.matches(" is wrong: ").count(), 4, "{refused}");
    }

    #[test]
    fn a_token_is_not_printed_with_the_settings() {
        let printed = format!("{:?}", read_from(&GOOD).unwrap());
        assert!(printed.contains("token: (hidden)"), "{printed}");
        assert!(!printed.contains("eighteen"), "{printed}");
    }

    #[test]
    fn after_nothing_but_main_reads_the_environment() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/mistakes/after");
        for file in fs::read_dir(folder).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let code = text.lines().filter(|line| !line.trim().starts_with("//"));
            let reads: Vec<_> = code.filter(|line| line.contains("env")).collect();
            assert!(reads.is_empty(), "{reads:?}");
        }
    }

    #[tokio::test]
    async fn before_the_ticket_forgets_the_table() {
        let app = app();
        let asked = order("/before/tables/4/orders", "tea", 2);
        assert_eq!(send(&app, asked).await.0, StatusCode::CREATED);
        let asked = order("/before/orders", "tea", 2);
        assert_eq!(send(&app, asked).await.0, StatusCode::CREATED);
        // The manager tells them apart, and the factory has one kind for both.
        for path in ["/before/orders/1/ticket", "/before/orders/2/ticket"] {
            assert_eq!(get(&app, path).await.1, "2 x tea\n", "{path}");
        }
    }

    // ANCHOR: ticket
    #[test]
    fn after_the_ticket_says_where_the_order_goes() {
        let order = |table| Order {
            id: 1,
            customer: "Bo".into(),
            item: "tea".into(),
            quantity: 2,
            note: None,
            table,
            total_cents: 440,
            placed_at: OPENING,
        };
        assert_eq!(ticket(&order(Some(4))), "2 x tea, table 4\n");
        assert_eq!(ticket(&order(None)), "2 x tea, to go\n");
    }
    // ANCHOR_END: ticket

    /// What an order was, of those fields that both shops have.
    fn essence(order: &Value) -> [&Value; 4] {
        ["item", "quantity", "customer", "total_cents"].map(|name| &order[name])
    }

    #[tokio::test]
    async fn a_good_order_is_the_same_before_and_after() {
        let app = app();
        let (_, before) = send(&app, order("/before/orders", "tea", 2)).await;
        let (_, after) = send(&app, order("/after/orders", "tea", 2)).await;
        assert_eq!(essence(&before), essence(&after));
        let (_, before) = get(&app, "/before/orders/1").await;
        let (_, after) = get(&app, "/after/orders/1").await;
        assert_eq!(essence(&before), essence(&after));
        let before = get(&app, "/before/menu/tea").await;
        assert_eq!(before, get(&app, "/after/menu/tea").await);
    }
}

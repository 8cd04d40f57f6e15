//! What the chapter on common mistakes says, tested: what goes wrong before, and
//! doesn't after.

#![allow(clippy::unwrap_used)] // a panic is the report of a test

mod support;

// In a module of the chapter's name, so that `cargo test mistakes` finds them.
mod mistakes {
    use crate::support::{Asked, get, post, send};
    use axum::{
        Router,
        http::{StatusCode, Uri},
    };
    use code::mistakes::{app, ticket::ticket};
    use code::shop::OPENING;
    use serde_json::{Value, json};
    use shop::model::{NewOrder, Order, OrderRequest, opening_menu};
    use tower_http::catch_panic::CatchPanicLayer;

    /// The endpoints that take orders in the shop with the mistakes.
    const BEFORE: [&str; 3] = [
        "/before/orders",
        "/before/tables/4/orders",
        "/before/tables/9/orders",
    ];

    fn order(path: &str, item: &str, quantity: u64) -> Asked {
        let body = json!({ "customer": "Ada", "item": item, "quantity": quantity });
        let (head, body) = post(body);
        (head.uri(path.parse::<Uri>().unwrap()), body)
    }

    async fn status_of(app: &Router, asked: Asked) -> StatusCode {
        send(app, asked).await.0
    }

    #[tokio::test]
    async fn before_the_last_croissant_is_sold_to_each_table_that_orders_it() {
        let app = app();
        for path in BEFORE {
            let status = status_of(&app, order(path, "croissant", 1)).await;
            assert_eq!(status, StatusCode::CREATED, "{path}");
        }
    }

    #[tokio::test]
    async fn before_only_the_counter_checks_the_stock() {
        let app = app();
        for (path, status) in BEFORE.into_iter().zip([409, 201, 201]) {
            let found = status_of(&app, order(path, "croissant", 2)).await;
            assert_eq!(found, status, "{path}");
        }
    }

    #[tokio::test]
    async fn after_the_last_croissant_is_sold_once() {
        let app = app();
        for status in [201, 409, 409] {
            let found =
                status_of(&app, order("/after/orders", "croissant", 1)).await;
            assert_eq!(found, status);
        }
    }

    // ANCHOR: panics
    /// Whether the handler panicked. (A real server would close the
    /// connection.)
    async fn panics(app: &Router, path: &'static str) -> bool {
        let app = app.clone();
        let task = tokio::spawn(async move { get(&app, path).await });
        task.await.is_err_and(|error| error.is_panic())
    }

    #[tokio::test]
    async fn before_one_wrong_name_stops_the_whole_shop() {
        let app = app();
        status_of(&app, order("/before/orders", "tea", 1)).await;
        assert!(!panics(&app, "/before/orders/1").await);
        assert!(!panics(&app, "/before/menu/tea").await);
        assert!(panics(&app, "/before/menu/unicorn-latte").await);
        assert!(panics(&app, "/before/menu/tea").await);
        assert!(panics(&app, "/before/orders/1").await);
    }
    // ANCHOR_END: panics

    #[tokio::test]
    async fn before_catching_the_panic_does_not_help() {
        let app = app().layer(CatchPanicLayer::new());
        for path in ["/before/menu/unicorn-latte", "/before/menu/tea"] {
            let (status, _) = get(&app, path).await;
            assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        }
    }

    #[tokio::test]
    async fn before_an_order_that_is_not_there_panics() {
        for path in ["/before/orders/0", "/before/orders/9/ticket"] {
            // A new app for each: the first panic would also stop the second request.
            assert!(panics(&app(), path).await, "{path}");
        }
    }

    #[tokio::test]
    async fn after_a_wrong_name_is_a_404_and_the_shop_carries_on() {
        let app = app();
        let (status, _) = get(&app, "/after/menu/unicorn-latte").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let (status, tea) = get(&app, "/after/menu/tea").await;
        assert_eq!((status, &tea["stock"]), (StatusCode::OK, &json!(20)));
    }

    #[tokio::test]
    async fn a_number_that_does_not_fit_is_cut_before_and_rejected_after() {
        let app = app();
        let too_many = u64::from(u32::MAX) + 2;
        let (status, bill) =
            send(&app, order("/before/orders", "muffin", too_many)).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(bill["total_cents"], 310);
        let status =
            status_of(&app, order("/after/orders", "muffin", too_many)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[tokio::test]
    async fn before_the_ticket_leaves_out_the_table() {
        let app = app();
        send(&app, order("/before/tables/4/orders", "tea", 1)).await;
        let (_, ticket) = get(&app, "/before/orders/1/ticket").await;
        assert_eq!(ticket, Value::String("1 x tea\n".into()));
        // The ticket of an order to go is the same.
        send(&app, order("/before/orders", "tea", 1)).await;
        let (_, ticket) = get(&app, "/before/orders/2/ticket").await;
        assert_eq!(ticket, Value::String("1 x tea\n".into()));
    }

    fn placed(table: Option<u32>) -> Order {
        let request = OrderRequest {
            customer: "Ada".into(),
            item: "tea".into(),
            quantity: 2,
            note: None,
            table,
        };
        let new = NewOrder::try_from(request).unwrap();
        let mut menu = opening_menu().into_iter();
        let mut tea = menu.find(|item| item.id.as_str() == "tea").unwrap();
        let total = tea.sell(new.quantity).unwrap();
        Order::new(1, new, &tea, total, OPENING)
    }

    // ANCHOR: ticket
    #[test]
    fn after_the_ticket_says_where_to_bring_the_order() {
        assert_eq!(ticket(&placed(Some(4))), "2 x Tea, table 4\n");
        assert_eq!(ticket(&placed(None)), "2 x Tea, to go\n");
    }
    // ANCHOR_END: ticket
}

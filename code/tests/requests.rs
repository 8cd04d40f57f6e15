//! The behavior of the program `requests`, and of routes and extractors that its chapter
//! explains. No port is opened: `oneshot` sends the requests to the router.

mod support;

// In a module with the chapter's name, so that `cargo test requests` finds the tests.
mod requests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use axum::routing;
    use code::requests::{STAFF_TOKEN, app};
    use serde_json::{Value, json};

    use crate::support::{Answer, ask, buy, get, order, post};

    #[tokio::test]
    async fn the_menu_lists_all_items_with_prices_in_cents() {
        let (status, menu) = get(&app(), "/menu").await;
        assert_eq!(status, StatusCode::OK);
        let wanted = ["espresso", "flat-white", "tea", "croissant", "muffin"];
        assert_eq!(ids(&menu), wanted);
        assert_eq!(menu[1]["price_cents"], 380);
    }

    #[tokio::test]
    async fn max_price_leaves_out_items_that_cost_more() {
        let (_, menu) = get(&app(), "/menu?max_price=250").await;
        assert_eq!(ids(&menu), ["espresso", "tea"]);
    }

    #[tokio::test]
    async fn a_misnamed_filter_is_rejected() {
        let (status, reason) = get(&app(), "/menu?maxprice=250").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let reason = reason.as_str().unwrap();
        assert!(reason.contains("unknown field `maxprice`"), "{reason}");
    }

    #[tokio::test]
    async fn the_server_computes_the_total() {
        let (status, order) = buy(&app(), "flat-white", 2).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(order["total_cents"], 760);
    }

    #[tokio::test]
    async fn an_order_with_a_total_of_its_own_is_rejected() {
        let mut request =
            json!({ "customer": "Ada", "item": "tea", "quantity": 1 });
        request["total_cents"] = 1.into();
        let (status, reason) = order(&app(), request).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let reason = reason.as_str().unwrap();
        assert!(reason.contains("unknown field `total_cents`"), "{reason}");
    }

    #[tokio::test]
    async fn a_new_order_is_found_at_its_location() {
        let shop = app();
        let request = json!({ "customer": "Ada", "item": "tea", "quantity": 1 });
        let created = ask(&shop, post(request)).await;
        let (status, order) = get(&shop, created.header("location")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(order, created.json());
    }

    #[tokio::test]
    async fn an_order_keeps_its_note_and_its_table() {
        let mut request = json!({ "customer": "Bo", "item": "tea", "quantity": 1 });
        request["note"] = "no sugar".into();
        request["table"] = 4.into();
        let (status, order) = order(&app(), request).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(order["note"], "no sugar");
        assert_eq!(order["table"], 4);
    }

    #[tokio::test]
    async fn a_response_leaves_out_a_missing_note_and_table() {
        let (_, order) = buy(&app(), "tea", 1).await;
        let order = order.as_object().unwrap();
        assert!(!order.contains_key("note") && !order.contains_key("table"));
    }

    #[tokio::test]
    async fn quantities_are_from_1_to_10() {
        for (quantity, wanted) in [(0, 422), (1, 201), (10, 201), (11, 422)] {
            let (status, _) = buy(&app(), "tea", quantity).await;
            assert_eq!(status, wanted, "{quantity}");
        }
    }

    #[tokio::test]
    async fn table_numbers_are_from_1_to_12() {
        for (table, wanted) in [(0, 422), (1, 201), (12, 201), (13, 422)] {
            let mut request =
                json!({ "customer": "Ada", "item": "tea", "quantity": 1 });
            request["table"] = table.into();
            let (status, _) = order(&app(), request).await;
            assert_eq!(status, wanted, "{table}");
        }
    }

    #[tokio::test]
    async fn a_customer_has_1_to_100_characters_without_the_spaces_around_it() {
        let long = "é".repeat(100);
        for (customer, wanted) in
            [("", 422), (" \t", 422), (" Ada ", 201), (&long, 201)]
        {
            let request =
                json!({ "customer": customer, "item": "tea", "quantity": 1 });
            let (status, order) = order(&app(), request).await;
            assert_eq!(status, wanted, "{customer:?}");
            if status == StatusCode::CREATED {
                assert_eq!(order["customer"], customer.trim());
            }
        }
        let request =
            json!({ "customer": long + "é", "item": "tea", "quantity": 1 });
        let (status, reason) = order(&app(), request).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(reason, "customer must have at most 100 characters");
    }

    #[tokio::test]
    async fn all_mistakes_of_an_order_are_reported_at_once() {
        let mut request = json!({ "customer": "", "item": "tea", "quantity": 0 });
        request["table"] = 13.into();
        let (status, reason) = order(&app(), request).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            reason,
            "customer must not be empty\n\
             quantity must be from 1 to 10\n\
             table must be from 1 to 12"
        );
    }

    #[tokio::test]
    async fn an_item_that_is_not_on_the_menu_is_404_in_a_path_and_422_in_an_order()
    {
        let (status, _) = get(&app(), "/menu/unicorn-latte").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let (status, reason) = buy(&app(), "unicorn-latte", 1).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(reason, "item must be the id of an item on the menu");
    }

    #[tokio::test]
    async fn an_invalid_order_changes_nothing() {
        let shop = app();
        let (status, _) = buy(&shop, "muffin", 11).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let (_, muffin) = get(&shop, "/menu/muffin").await;
        assert_eq!(muffin["stock"], 4);
        let (status, _) = get(&shop, "/orders/1").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_body_within_the_limit_is_read_and_a_larger_one_is_413() {
        for (length, wanted) in [(16_000, 201), (17_000, 413)] {
            let mut request =
                json!({ "customer": "Ada", "item": "tea", "quantity": 1 });
            request["note"] = "x".repeat(length).into();
            let (status, _) = order(&app(), request).await;
            assert_eq!(status, wanted, "a note of {length} letters");
        }
    }

    #[tokio::test]
    async fn put_creates_an_item_and_then_replaces_it() {
        let shop = app();
        let scone = json!({ "name": " Scone ", "price_cents": 270, "stock": 6 });
        let created = put(&shop, "/menu/scone", Some(STAFF), &scone).await;
        assert_eq!(created.status, StatusCode::CREATED);
        assert_eq!(created.json()["name"], "Scone");
        let cheaper = json!({ "name": "Scone", "price_cents": 250, "stock": 6 });
        let replaced = put(&shop, "/menu/scone", Some(STAFF), &cheaper).await;
        assert_eq!(replaced.status, StatusCode::OK);
        let (_, scone) = get(&shop, "/menu/scone").await;
        assert_eq!(scone, replaced.json());
        let (_, menu) = get(&shop, "/menu").await;
        assert_eq!(menu.as_array().unwrap().len(), 6);
    }

    #[tokio::test]
    async fn all_mistakes_of_an_item_are_reported_at_once() {
        let item =
            json!({ "name": "", "price_cents": 1_000_001, "stock": 1_000_001 });
        let answer = put(&app(), "/menu/Sc0ne!", Some(STAFF), &item).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(
            answer.body,
            "id must be 1 to 50 lowercase letters, digits and hyphens\n\
             name must have 1 to 100 characters\n\
             price_cents must be at most 1000000\n\
             stock must be at most 1000000"
        );
    }

    #[tokio::test]
    async fn ten_of_the_most_expensive_item_can_be_ordered() {
        let shop = app();
        // The largest price and the largest stock that an item may have.
        let gold = json!({ "name": "Gold leaf", "price_cents": 1_000_000, "stock": 1_000_000 });
        put(&shop, "/menu/gold-leaf", Some(STAFF), &gold).await;
        let (status, order) = buy(&shop, "gold-leaf", 10).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(order["total_cents"], 10_000_000);
    }

    #[tokio::test]
    async fn only_the_staff_token_may_change_the_menu() {
        let shop = app();
        let free = json!({ "name": "Tea", "price_cents": 0, "stock": 20 });
        let almost = format!("Bearer {}", &STAFF_TOKEN[1..]);
        for authorization in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some(STAFF_TOKEN),
            Some("Basic flat-white-and-a-croissant"),
            Some(&almost),
        ] {
            let answer = put(&shop, "/menu/tea", authorization, &free).await;
            assert_eq!(
                answer.status,
                StatusCode::UNAUTHORIZED,
                "{authorization:?}"
            );
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, "Bearer realm=\"shop\"");
        }
        let (_, tea) = get(&shop, "/menu/tea").await;
        assert_eq!(tea["price_cents"], 220);
    }

    #[tokio::test]
    async fn the_scheme_may_be_written_in_any_case_and_with_more_spaces() {
        let tea = json!({ "name": "Tea", "price_cents": 230, "stock": 20 });
        for scheme in ["bearer", "BEARER", "Bearer  "] {
            let authorization = format!("{scheme} {STAFF_TOKEN}");
            let answer = put(&app(), "/menu/tea", Some(&authorization), &tea).await;
            assert_eq!(answer.status, StatusCode::OK, "{scheme}");
        }
    }

    // ANCHOR: fixed-path-wins
    #[tokio::test]
    async fn a_fixed_path_wins_over_a_parameter() {
        let app = Router::new()
            .route("/menu/{id}", routing::get(|| async { "one item" }))
            .route("/menu/today", routing::get(|| async { "today" }));

        let (_, body) = get(&app, "/menu/today").await;
        assert_eq!(body, "today");
    }
    // ANCHOR_END: fixed-path-wins

    // ANCHOR: conflict
    #[test]
    #[should_panic(expected = "conflict with previously registered route")]
    fn two_names_for_one_parameter_panic() {
        let _: Router = Router::new()
            .route("/menu/{id}", routing::get(|| async { "by id" }))
            .route("/menu/{name}", routing::get(|| async { "by name" }));
    }
    // ANCHOR_END: conflict

    #[test]
    #[should_panic(expected = "Overlapping method route")]
    fn two_handlers_for_one_method_and_path_panic() {
        let _: Router = Router::new()
            .route("/menu/{id}", routing::get(|| async { "one item" }))
            .route("/menu/{id}", routing::get(|| async { "another item" }));
    }

    /// What staff send in the `authorization` header.
    const STAFF: &str = "Bearer flat-white-and-a-croissant";

    async fn put(
        app: &Router,
        path: &str,
        authorization: Option<&str>,
        item: &Value,
    ) -> Answer {
        let mut head =
            Request::put(path).header("content-type", "application/json");
        if let Some(authorization) = authorization {
            head = head.header("authorization", authorization);
        }
        ask(app, (head, Body::from(item.to_string()))).await
    }

    /// The ids of the items on a menu, in its sequence.
    fn ids(menu: &Value) -> Vec<&Value> {
        let items = menu.as_array().expect("a menu is an array").iter();
        items.map(|item| &item["id"]).collect()
    }
}

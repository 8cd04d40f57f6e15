//! Orders over HTTP: placing them once, the steps that they make, and their list.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use service::customers::model::Role;
use support::{
    TestApp, TestResponse, get, on_each_storage, patch, post, put, with_header,
};
use tokio::task::JoinSet;

/// Two customers.
const ADA: u64 = 1;
const BO: u64 = 2;

/// A request in which a customer orders items.
fn order(
    app: &TestApp,
    customer: u64,
    key: &str,
    lines: &[(&str, u32)],
) -> Request<Body> {
    let line = |(item, quantity): &(&str, u32)| json!({ "item": item, "quantity": quantity });
    let lines: Vec<_> = lines.iter().map(line).collect();
    order_with(app, customer, key, json!({ "lines": lines }))
}

/// A request in which a customer sends this body as an order.
fn order_with(
    app: &TestApp,
    customer: u64,
    key: &str,
    body: Value,
) -> Request<Body> {
    let request = with_header(post("/orders", body), "idempotency-key", key);
    app.signed_in(customer, Role::Customer, request)
}

/// Places an order, and returns it.
async fn place(app: &TestApp, customer: u64, key: &str, item: &str) -> Value {
    app.json_of(order(app, customer, key, &[(item, 1)])).await
}

/// A request that a customer sends.
fn by(app: &TestApp, customer: u64, request: Request<Body>) -> Request<Body> {
    app.signed_in(customer, Role::Customer, request)
}

/// How many of an item are left, and the entity tag of the item.
async fn stock(app: &TestApp, item: &str) -> (u64, String) {
    let response = app.send(get(&format!("/menu/{item}"))).await;
    let stock = response.json()["stock"].as_u64().unwrap();
    (stock, response.header("etag").to_owned())
}

/// A request that sets the status of an order.
fn status(id: &Value, status: &str) -> Request<Body> {
    patch(&format!("/orders/{id}"), json!({ "status": status }))
}

/// Sends requests at the same time, and returns the responses.
async fn send_at_once(
    app: &TestApp,
    requests: impl IntoIterator<Item = Request<Body>>,
) -> Vec<TestResponse> {
    let mut tasks = JoinSet::new();
    for request in requests {
        let app = app.clone();
        tasks.spawn(async move { app.send(request).await });
    }
    tasks.join_all().await
}

/// How many of these responses have this status.
fn count(responses: &[TestResponse], status: StatusCode) -> usize {
    let found = responses
        .iter()
        .filter(|response| response.status == status);
    found.count()
}

/// Replaces an item of the menu.
async fn put_item(app: &TestApp, id: &str, price_cents: u32, stock: u32) {
    let body = json!({ "name": id, "price_cents": price_cents, "stock": stock });
    let request = put(&format!("/menu/{id}"), body);
    let exists = app
        .send(get(&format!("/menu/{id}")))
        .await
        .status
        .is_success();
    let condition = if exists { "if-match" } else { "if-none-match" };
    let request = with_header(request, condition, "*");
    app.json_of(app.as_barista(request)).await;
}

mod place_order {
    use super::*;

    #[tokio::test]
    async fn an_order_gets_201_and_a_location_that_leads_to_it() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            let body = json!({
                "lines": [
                    { "item": "tea", "quantity": 3 },
                    { "item": "croissant", "quantity": 1 },
                ],
                "note": " oat milk ",
            });
            let response = app.send(order_with(&app, ADA, "a", body)).await;
            assert_eq!(response.status, StatusCode::CREATED);
            assert_eq!(response.header("location"), "/orders/1");
            assert_eq!(response.header("content-type"), "application/json");
            let placed = json!({
                "id": 1,
                "customer": ADA,
                "lines": [
                    {
                        "item": "tea",
                        "name": "Tea",
                        "quantity": 3,
                        "unit_price_cents": 220,
                    },
                    {
                        "item": "croissant",
                        "name": "Croissant",
                        "quantity": 1,
                        "unit_price_cents": 290,
                    },
                ],
                "note": "oat milk",
                "total_cents": 950,
                "status": "placed",
                "placed_at": "2026-03-02T08:15:00Z",
            });
            assert_eq!(response.json(), placed);
            let request = app.signed_in(ADA, Role::Customer, get("/orders/1"));
            assert_eq!(app.json_of(request).await, placed);
            // The stock is part of the item, so its entity tag has changed.
            assert_eq!(stock(&app, "tea").await, (17, "\"2\"".into()));
            assert_eq!(stock(&app, "croissant").await, (0, "\"2\"".into()));
        })
        .await;
    }

    /// The other tests remove the constraint that this one is about.
    #[cfg(feature = "server")]
    #[tokio::test]
    async fn in_postgresql_an_order_belongs_to_an_account() {
        use std::sync::Arc;

        use service::storage::postgres::Postgres;
        use support::postgres::TestDatabase;
        use support::{Repositories, with_token};

        let Some(database) = TestDatabase::create() else {
            return;
        };
        let storage = Postgres::connect(&database.url()).await.unwrap();
        let app = TestApp::new(Repositories::of(Arc::new(storage)));
        let token = app.sign_in_as("ada", Role::Customer).await;
        let body = json!({ "lines": [{ "item": "tea", "quantity": 1 }] });
        let request = with_header(post("/orders", body), "idempotency-key", "a");
        let request = with_token(request, &token);
        let placed = app.json_of(request).await;
        assert_eq!(placed["id"], 1);

        // The token is right, but its account was removed.
        let nobody = order(&app, 1_000, "a", &[("tea", 1)]);
        let response = app.send(nobody).await;
        response.problem(StatusCode::UNAUTHORIZED);
        let challenge = response.header("www-authenticate");
        assert!(challenge.contains("invalid_token"), "{challenge}");
    }

    #[tokio::test]
    async fn every_mistake_of_an_order_is_reported_at_once() {
        let app = TestApp::in_memory();
        let body = json!({
            "lines": [
                { "item": "tea", "quantity": 11 },
                { "item": "Tea", "quantity": 0 },
                { "item": "muffin", "quantity": 1 },
                { "item": "muffin", "quantity": 2 },
            ],
            "note": " ",
        });
        let response = app.send(order_with(&app, ADA, "a", body)).await;
        let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["type"], "/problems/invalid-request");
        let on_menu = "must be the id of an item on the menu";
        let repeated = "must not be the item of an earlier line";
        let note =
            "must have 1 to 200 characters, none of them a control character";
        let errors = json!([
            { "detail": "must be from 1 to 10", "pointer": "#/lines/0/quantity" },
            { "detail": on_menu, "pointer": "#/lines/1/item" },
            { "detail": "must be from 1 to 10", "pointer": "#/lines/1/quantity" },
            { "detail": repeated, "pointer": "#/lines/3/item" },
            { "detail": note, "pointer": "#/note" },
        ]);
        assert_eq!(problem["errors"], errors);
    }

    #[tokio::test]
    async fn a_mistake_has_a_pointer_to_its_place() {
        let app = TestApp::in_memory();
        let tea = json!([{ "item": "tea", "quantity": 1 }]);
        let distinct: Vec<_> = (0..21)
            .map(|n| json!({ "item": format!("item-{n}"), "quantity": 1 }))
            .collect();
        for (body, pointer) in [
            (json!({ "lines": [] }), "#/lines"),
            (json!({ "lines": distinct }), "#/lines"),
            (json!({ "lines": "tea" }), "#/lines"),
            (
                json!({ "lines": [{ "item": 1, "quantity": 1 }] }),
                "#/lines/0/item",
            ),
            (
                json!({ "lines": [{ "item": "tea\0", "quantity": 1 }] }),
                "#/lines/0/item",
            ),
            (
                json!({ "lines": [{ "item": "tea", "quantity": -1 }] }),
                "#/lines/0/quantity",
            ),
            (
                json!({ "lines": [{ "item": "tea", "quantity": 1.5 }] }),
                "#/lines/0/quantity",
            ),
            (
                json!({ "lines": [{ "item": "tea", "quantity": 1, "price": 1 }] }),
                "#/lines/0/price",
            ),
            (json!({ "lines": tea, "total_cents": 1 }), "#/total_cents"),
            (json!({ "lines": tea, "note": "" }), "#/note"),
            (json!({ "lines": tea, "note": "hot\0" }), "#/note"),
            (json!({ "lines": tea, "note": "oat\nmilk" }), "#/note"),
            (json!({ "lines": tea, "note": "é".repeat(201) }), "#/note"),
            (
                json!({ "lines": tea, "note": format!("{} ", "é".repeat(200)) }),
                "#/note",
            ),
            (json!({ "lines": tea, "note": "hot\n" }), "#/note"),
        ] {
            let text = body.to_string();
            let response = app.send(order_with(&app, ADA, "a", body)).await;
            let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{text}");
            assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{text}");
        }
        let body = json!({ "lines": tea, "note": "é".repeat(200) });
        app.json_of(order_with(&app, ADA, "a", body)).await;
    }

    #[tokio::test]
    async fn an_order_is_placed_with_all_of_its_lines_or_not_at_all() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            let before = app.send(get("/menu")).await.body;

            let lines = [("tea", 1), ("latte", 1), ("muffin", 5), ("mocha", 1)];
            let response = app.send(order(&app, ADA, "a", &lines)).await;
            let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
            let reason = "must be the id of an item on the menu";
            let errors = json!([
                { "detail": reason, "pointer": "#/lines/1/item" },
                { "detail": reason, "pointer": "#/lines/3/item" },
            ]);
            assert_eq!(problem["errors"], errors);

            let lines = [("tea", 1), ("muffin", 5), ("croissant", 2)];
            let response = app.send(order(&app, ADA, "a", &lines)).await;
            let problem = response.problem(StatusCode::CONFLICT);
            assert_eq!(problem["detail"], "Not enough left: Muffin, Croissant");
            let errors = json!([
                { "detail": "must be at most 4", "pointer": "#/lines/1/quantity" },
                { "detail": "must be at most 1", "pointer": "#/lines/2/quantity" },
            ]);
            assert_eq!(problem["errors"], errors);

            assert_eq!(app.send(get("/menu")).await.body, before);
            let orders = app.json_of(by(&app, ADA, get("/orders"))).await;
            assert_eq!(orders, json!({ "items": [] }));
        })
        .await;
    }

    #[tokio::test]
    async fn an_order_that_costs_more_than_a_payment_can_be_is_rejected() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            let ids: Vec<_> = (0..10).map(|n| format!("yacht-{n}")).collect();
            for id in &ids {
                put_item(&app, id, 1_000_000, 20).await;
            }
            let mut lines: Vec<_> =
                ids.iter().map(|id| (id.as_str(), 10)).collect();
            let response = app.send(order(&app, ADA, "a", &lines)).await;
            let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(problem["errors"][0]["pointer"], "#/lines");
            assert_eq!(stock(&app, "yacht-0").await.0, 20);

            lines[9].1 = 9;
            let placed = app.json_of(order(&app, ADA, "a", &lines)).await;
            assert_eq!(placed["total_cents"], 99_000_000);
        })
        .await;
    }

    #[tokio::test]
    async fn an_order_keeps_the_name_and_the_price_that_it_was_placed_with() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            let placed = place(&app, ADA, "a", "tea").await;
            put_item(&app, "tea", 1, 1).await;
            let found = app.json_of(by(&app, ADA, get("/orders/1"))).await;
            assert_eq!(found, placed);
            assert_eq!(found["lines"][0]["unit_price_cents"], 220);
        })
        .await;
    }

    #[tokio::test]
    async fn of_twenty_buyers_one_gets_the_last_croissant() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            let requests = (1..=20).map(|customer| {
                order(&app, customer, "a", &[("croissant", 1), ("tea", 1)])
            });
            let responses = send_at_once(&app, requests).await;
            assert_eq!(count(&responses, StatusCode::CREATED), 1);
            assert_eq!(count(&responses, StatusCode::CONFLICT), 19);
            assert_eq!(stock(&app, "croissant").await.0, 0);
            assert_eq!(stock(&app, "tea").await.0, 19);
        })
        .await;
    }

    /// PostgreSQL would end one of two transactions that wait for each other.
    #[tokio::test]
    async fn orders_that_name_their_items_in_different_sequences_all_succeed() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            put_item(&app, "tea", 220, 100).await;
            put_item(&app, "espresso", 250, 100).await;
            let requests = (1..=100).map(|customer| {
                let mut lines = [("tea", 1), ("espresso", 1)];
                lines.rotate_left((customer % 2) as usize);
                order(&app, customer, "a", &lines)
            });
            let responses = send_at_once(&app, requests).await;
            assert_eq!(count(&responses, StatusCode::CREATED), 100);
            assert_eq!(stock(&app, "tea").await, (0, "\"102\"".into()));
        })
        .await;
    }

    #[tokio::test]
    async fn somebody_who_is_not_signed_in_gets_401_everywhere() {
        let app = TestApp::in_memory();
        for request in [
            post("/orders", json!({})),
            get("/orders"),
            get("/orders/1"),
            patch("/orders/1", json!({})),
        ] {
            app.send(request).await.problem(StatusCode::UNAUTHORIZED);
        }
    }
}

mod idempotency_keys {
    use super::*;

    const DAY: i64 = 24 * 60 * 60; // seconds

    #[tokio::test]
    async fn an_order_needs_exactly_one_key_of_visible_characters() {
        let app = TestApp::in_memory();
        let long = "k".repeat(256);
        for keys in [&[][..], &["a", "a"], &[""], &["a b"], &["é"], &[&long]] {
            let body = json!({ "lines": [{ "item": "tea", "quantity": 1 }] });
            let request =
                keys.iter().fold(post("/orders", body), |request, key| {
                    with_header(request, "idempotency-key", key)
                });
            let response = app.send(by(&app, ADA, request)).await;
            let problem = response.problem(StatusCode::BAD_REQUEST);
            let error = &problem["errors"][0];
            assert_eq!(error["header"], "idempotency-key", "{keys:?}");
        }
        for key in [&long[..255], "!", "\"quoted\""] {
            place(&app, ADA, key, "tea").await;
        }
    }

    #[tokio::test]
    async fn the_same_order_with_the_same_key_gets_the_same_response() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            let first = app.send(order(&app, ADA, "a", &[("tea", 1)])).await;
            put_item(&app, "tea", 999, 5).await;
            app.json_of(by(&app, ADA, status(&json!(1), "canceled")))
                .await;

            let text =
                r#"{ "note": null, "lines": [{"quantity": 1, "item": "tea"}] }"#;
            let body = serde_json::from_str(text).unwrap();
            let again = app.send(order_with(&app, ADA, "a", body)).await;
            assert_eq!(again.status, first.status);
            assert_eq!(again.body, first.body);
            for name in ["location", "content-type"] {
                assert_eq!(again.header(name), first.header(name));
            }
            assert_eq!(stock(&app, "tea").await.0, 6);
        })
        .await;
    }

    #[tokio::test]
    async fn a_key_that_was_used_for_another_order_is_rejected() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            place(&app, ADA, "a", "tea").await;
            for body in [
                json!({ "lines": [{ "item": "tea", "quantity": 2 }] }),
                json!({ "lines": [{ "item": "muffin", "quantity": 1 }] }),
                json!({ "lines": [{ "item": "tea", "quantity": 1 }], "note": "hot" }),
            ] {
                let response = app.send(order_with(&app, ADA, "a", body)).await;
                let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
                assert_eq!(problem["errors"][0]["header"], "idempotency-key");
            }
            assert_eq!(stock(&app, "tea").await.0, 19);
        })
        .await;
    }

    #[tokio::test]
    async fn two_customers_may_use_the_same_key() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            assert_eq!(place(&app, ADA, "a", "tea").await["customer"], ADA);
            // The second request repeats the response to Bo's order, not to Ada's.
            for _ in 0..2 {
                assert_eq!(place(&app, BO, "a", "tea").await["customer"], BO);
            }
            assert_eq!(stock(&app, "tea").await.0, 18);
        })
        .await;
    }

    #[tokio::test]
    async fn an_order_that_failed_leaves_its_key_free() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            let two = order(&app, ADA, "a", &[("croissant", 2)]);
            app.send(two).await.problem(StatusCode::CONFLICT);
            let one = order(&app, ADA, "a", &[("croissant", 1)]);
            assert_eq!(app.send(one).await.status, StatusCode::CREATED);
        })
        .await;
    }

    #[tokio::test]
    async fn two_hundred_requests_with_one_key_place_one_order() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            let requests = (0..200).map(|_| order(&app, ADA, "a", &[("tea", 1)]));
            let responses = send_at_once(&app, requests).await;
            assert_eq!(count(&responses, StatusCode::CREATED), 200);
            let bodies: BTreeSet<_> =
                responses.iter().map(|response| &response.body).collect();
            assert_eq!(bodies.len(), 1);
            assert_eq!(stock(&app, "tea").await.0, 19);
            let orders = app.json_of(by(&app, ADA, get("/orders"))).await;
            assert_eq!(orders["items"].as_array().unwrap().len(), 1);
        })
        .await;
    }

    #[tokio::test]
    async fn a_key_is_kept_for_a_day() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            let repository = app.repositories.orders.clone();
            let clock = app.clock.clock();
            place(&app, ADA, "a", "tea").await;
            app.clock.advance(DAY - 1);
            assert_eq!(repository.clean_up(clock.now()).await.unwrap(), 0);
            assert_eq!(place(&app, ADA, "a", "tea").await["id"], 1);
            app.clock.advance(1);
            assert_eq!(repository.clean_up(clock.now()).await.unwrap(), 1);
            assert_eq!(place(&app, ADA, "a", "tea").await["id"], 2);
        })
        .await;
    }

    /// Another process may hold a key for longer than a client should wait.
    #[cfg(feature = "server")]
    #[tokio::test]
    async fn a_request_that_waits_too_long_for_its_key_gets_409() {
        use std::sync::Arc;

        use service::storage::postgres::Postgres;
        use sqlx::{Connection, PgConnection, query};
        use support::Repositories;
        use support::postgres::TestDatabase;

        let Some(database) = TestDatabase::create() else {
            return;
        };
        let storage = Postgres::connect(&database.url()).await.unwrap();
        database.need_no_accounts();
        let app = TestApp::new(Repositories::of(Arc::new(storage)));
        let mut other = PgConnection::connect(&database.url()).await.unwrap();
        // ANCHOR: key-in-use
        let mut transaction = other.begin().await.unwrap();
        let sql =
            "INSERT INTO idempotency_keys (customer_id, key, fingerprint, created_at)
                   VALUES (1, 'a', '', 0)";
        query(sql).execute(&mut *transaction).await.unwrap();
        let response = app.send(order(&app, ADA, "a", &[("tea", 1)])).await;
        let problem = response.problem(StatusCode::CONFLICT);
        let detail =
            "An order with this idempotency-key is being placed. Try again later";
        assert_eq!(problem["detail"], detail);
        transaction.rollback().await.unwrap();
        place(&app, ADA, "a", "tea").await;
        // ANCHOR_END: key-in-use
    }
}

mod show_order {
    use super::*;

    #[tokio::test]
    async fn a_customer_sees_their_own_orders_and_a_barista_sees_all() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            let placed = place(&app, ADA, "a", "tea").await;
            let own = app.json_of(by(&app, ADA, get("/orders/1"))).await;
            assert_eq!(own, placed);
            let seen = app.json_of(app.as_barista(get("/orders/1"))).await;
            assert_eq!(seen, placed);
        })
        .await;
    }

    /// If the responses differed, a customer could count the orders of the others.
    #[tokio::test]
    async fn an_order_of_another_customer_looks_like_one_that_does_not_exist() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            place(&app, ADA, "a", "tea").await;
            for id in [json!(1), json!(2), json!(u64::MAX)] {
                let detail = format!("There is no order {id}");
                for request in [
                    get(&format!("/orders/{id}")),
                    status(&id, "canceled"),
                    status(&id, "made"),
                ] {
                    let response = app.send(by(&app, BO, request)).await;
                    let problem = response.problem(StatusCode::NOT_FOUND);
                    assert_eq!(problem["detail"], detail);
                }
            }
            let order = app.json_of(by(&app, ADA, get("/orders/1"))).await;
            assert_eq!(order["status"], "placed");
        })
        .await;
    }

    #[tokio::test]
    async fn an_order_has_one_path() {
        let app = TestApp::in_memory();
        place(&app, ADA, "a", "tea").await;
        for path in ["/orders/01", "/orders/+1", "/orders/-1", "/orders/1/"] {
            let response = app.send(by(&app, ADA, get(path))).await;
            response.problem(StatusCode::NOT_FOUND);
        }
    }
}

mod list_orders {
    use super::*;

    fn ids(page: &Value) -> Vec<u64> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|order| order["id"].as_u64().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_page_begins_with_the_newest_order_and_says_where_the_next_one_begins()
     {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            for key in ["a", "b", "c", "d"] {
                place(&app, ADA, key, "tea").await;
            }
            let page = app.json_of(by(&app, ADA, get("/orders?limit=2"))).await;
            assert_eq!(ids(&page), [4, 3]);
            assert_eq!(page["next"], 3);
            assert_eq!(page["items"][0]["lines"][0]["name"], "Tea");
            let path = "/orders?limit=2&after=3";
            let page = app.json_of(by(&app, ADA, get(path))).await;
            assert_eq!(ids(&page), [2, 1]);
            assert_eq!(page.get("next"), None);
            let page = app.json_of(by(&app, ADA, get("/orders?after=1"))).await;
            assert_eq!(page, json!({ "items": [] }));
            let path = format!("/orders?after={}", u64::MAX);
            let page = app.json_of(by(&app, ADA, get(&path))).await;
            assert_eq!(ids(&page), [4, 3, 2, 1]);
        })
        .await;
    }

    #[tokio::test]
    async fn a_customer_gets_their_own_orders_and_a_barista_gets_those_that_they_ask_for()
     {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            for (customer, key) in [(ADA, "a"), (BO, "a"), (ADA, "b"), (BO, "b")] {
                place(&app, customer, key, "tea").await;
            }
            let cancel = status(&json!(1), "canceled");
            app.json_of(by(&app, ADA, cancel)).await;

            for (path, expected) in [
                ("/orders", &[3, 1][..]),
                ("/orders?customer=1", &[3, 1]),
                ("/orders?status=placed", &[3]),
                ("/orders?status=canceled", &[1]),
                ("/orders?status=made", &[]),
            ] {
                let page = app.json_of(by(&app, ADA, get(path))).await;
                assert_eq!(ids(&page), expected, "{path}");
            }
            for (path, expected) in [
                ("/orders", &[4, 3, 2, 1][..]),
                ("/orders?customer=2", &[4, 2]),
                ("/orders?customer=1&status=placed&after=4&limit=1", &[3]),
                ("/orders?customer=18446744073709551615", &[]),
            ] {
                let page = app.json_of(app.as_barista(get(path))).await;
                assert_eq!(ids(&page), expected, "{path}");
            }
            let response = app.send(by(&app, ADA, get("/orders?customer=2"))).await;
            response.problem(StatusCode::FORBIDDEN);
        })
        .await;
    }

    #[tokio::test]
    async fn a_wrong_parameter_is_named() {
        let app = TestApp::in_memory();
        for (query, parameter) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=x", "limit"),
            ("after=-1", "after"),
            ("status=lost", "status"),
            ("customer=ada", "customer"),
            ("customer=", "customer"),
            ("status=", "status"),
            ("page=2", "page"),
        ] {
            let path = format!("/orders?{query}");
            let response = app.send(by(&app, ADA, get(&path))).await;
            let problem = response.problem(StatusCode::BAD_REQUEST);
            assert_eq!(problem["errors"][0]["parameter"], parameter, "{query}");
        }
    }

    #[tokio::test]
    async fn pages_neither_skip_nor_repeat_an_order_while_others_are_placed() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            put_item(&app, "tea", 220, 1000).await;
            let place_at_once = async |keys: std::ops::Range<u64>| {
                let requests = keys
                    .map(|key| order(&app, ADA, &key.to_string(), &[("tea", 1)]));
                let responses = send_at_once(&app, requests).await;
                assert_eq!(count(&responses, StatusCode::CREATED), responses.len());
            };
            place_at_once(0..50).await;
            let all = app.json_of(by(&app, ADA, get("/orders?limit=100"))).await;
            let expected = ids(&all);
            assert_eq!(expected.len(), 50);

            let read_pages = async {
                let mut read = Vec::new();
                let mut path = "/orders?limit=7".to_owned();
                loop {
                    let page = app.json_of(by(&app, ADA, get(&path))).await;
                    read.extend(ids(&page));
                    let Some(next) = page.get("next") else {
                        return read;
                    };
                    path = format!("/orders?limit=7&after={next}");
                }
            };
            let (read, ()) = tokio::join!(read_pages, place_at_once(50..100));
            // The first page may have orders that were placed in the meantime.
            let old = read.iter().filter(|id| expected.contains(id)).copied();
            assert_eq!(old.collect::<Vec<_>>(), expected);
            let distinct: BTreeSet<_> = read.iter().collect();
            assert_eq!(distinct.len(), read.len());
        })
        .await;
    }
}

mod change_order {
    use super::*;

    #[tokio::test]
    async fn canceling_twice_at_once_puts_the_stock_back_once() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            app.json_of(order(&app, ADA, "a", &[("tea", 3), ("muffin", 1)]))
                .await;
            let requests =
                (0..20).map(|_| by(&app, ADA, status(&json!(1), "canceled")));
            let responses = send_at_once(&app, requests).await;
            assert_eq!(count(&responses, StatusCode::OK), 1);
            assert_eq!(count(&responses, StatusCode::CONFLICT), 19);
            assert_eq!(stock(&app, "tea").await, (20, "\"3\"".into()));
            assert_eq!(stock(&app, "muffin").await, (4, "\"3\"".into()));
            let order = app.json_of(by(&app, ADA, get("/orders/1"))).await;
            assert_eq!(order["status"], "canceled");
        })
        .await;
    }

    #[tokio::test]
    async fn a_status_that_nobody_may_ask_for_is_rejected() {
        let app = TestApp::in_memory();
        let id = &place(&app, ADA, "a", "tea").await["id"];
        for name in ["paid", "placed", "Made", ""] {
            let response = app.send(app.as_barista(status(id, name))).await;
            let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(problem["errors"][0]["pointer"], "#/status", "{name}");
        }
    }

    #[tokio::test]
    async fn a_step_that_is_not_allowed_says_why() {
        on_each_storage(|repositories| async {
            let app = TestApp::new(repositories);
            let id = &place(&app, ADA, "a", "tea").await["id"];
            for name in ["made", "collected"] {
                let response = app.send(by(&app, ADA, status(id, name))).await;
                let problem = response.problem(StatusCode::FORBIDDEN);
                assert_eq!(
                    problem["detail"],
                    "Only a barista can say that an order is made or collected"
                );
                let response = app.send(app.as_barista(status(id, name))).await;
                let problem = response.problem(StatusCode::CONFLICT);
                let detail = format!(
                    "Order 1 is placed. You can't set it to {name} now, or to any \
                     other status"
                );
                assert_eq!(problem["detail"], detail);
            }
            let cancel = app.as_barista(status(id, "canceled"));
            let problem = app.send(cancel).await.problem(StatusCode::FORBIDDEN);
            assert_eq!(
                problem["detail"],
                "Only the customer who placed an order can cancel it"
            );
        })
        .await;
    }
}

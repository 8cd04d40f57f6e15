//! The API over HTTP: every endpoint and every rule. No test needs a socket.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Request, StatusCode};
use axum::routing::post as post_to;
use serde::Deserialize;
use serde_json::{Value, json};
use shop::AppState;
use shop::extract::Json;
use shop::model::opening_menu;
use shop::repository::memory::Memory;
use support::{
    app, as_staff, delete, get, json_of, order, patch, post, put, request,
    request_with_text, send, stock, with_header,
};

mod menu {
    use super::*;

    #[tokio::test]
    async fn the_menu_lists_every_item() {
        let menu = json_of(&app(), get("/menu")).await;
        let espresso = json!({
            "id": "espresso", "name": "Espresso", "price_cents": 250, "stock": 40,
        });
        assert_eq!(menu[0], espresso);
        let ids = ["espresso", "flat-white", "tea", "croissant", "muffin"];
        assert_eq!(ids_of(&menu), ids);
    }

    #[tokio::test]
    async fn max_price_leaves_out_what_costs_more() {
        let app = app();
        for (query, ids) in [
            ("max_price=250", vec!["espresso", "tea"]),
            ("max_price=249", vec!["tea"]),
            ("max_price=0", vec![]),
            (
                "max_price=",
                vec!["espresso", "flat-white", "tea", "croissant", "muffin"],
            ),
        ] {
            let menu = json_of(&app, get(&format!("/menu?{query}"))).await;
            assert_eq!(ids_of(&menu), ids, "{query}");
        }
    }

    #[tokio::test]
    async fn an_item_has_a_path_of_its_own() {
        let app = app();
        let tea = json_of(&app, get("/menu/tea")).await;
        assert_eq!(tea["name"], "Tea");
        let unknown = send(&app, get("/menu/latte")).await;
        let problem = unknown.problem(StatusCode::NOT_FOUND);
        assert_eq!(problem["detail"], "There is no latte on the menu");
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["title"], "Not Found");
    }

    #[tokio::test]
    async fn put_adds_an_item_with_201_and_replaces_it_with_200() {
        let app = app();
        let mut scone =
            json!({ "name": " Scone ", "price_cents": 270, "stock": 6 });
        let added = send(&app, as_staff(put("/menu/scone", scone.clone()))).await;
        assert_eq!(added.status, StatusCode::CREATED);
        let item = json!({
            "id": "scone", "name": "Scone", "price_cents": 270, "stock": 6,
        });
        assert_eq!(added.json(), item);
        assert_eq!(json_of(&app, get("/menu/scone")).await, item);

        for (price_cents, stock) in [(1_000_000, 0), (0, 1_000_000)] {
            scone["price_cents"] = json!(price_cents);
            scone["stock"] = json!(stock);
            let put = as_staff(put("/menu/scone", scone.clone()));
            let replaced = send(&app, put).await;
            assert_eq!(replaced.status, StatusCode::OK);
            let item = json_of(&app, get("/menu/scone")).await;
            assert_eq!(item["price_cents"], price_cents);
            assert_eq!(item["stock"], stock);
        }
        let menu = json_of(&app, get("/menu")).await;
        assert_eq!(menu.as_array().map(Vec::len), Some(6));
    }

    #[tokio::test]
    async fn every_mistake_of_an_item_is_reported_at_once() {
        let body =
            json!({ "name": " ", "price_cents": 1_000_001, "stock": 1_000_001 });
        let response = send(&app(), as_staff(put("/menu/scone", body))).await;
        let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
        let errors = json!([
            { "detail": "must have 1 to 100 characters", "pointer": "#/name" },
            { "detail": "must be at most 1000000", "pointer": "#/price_cents" },
            { "detail": "must be at most 1000000", "pointer": "#/stock" },
        ]);
        assert_eq!(problem["errors"], errors);
    }

    #[tokio::test]
    async fn no_text_has_control_characters() {
        let app = app();
        let item = |name| json!({ "name": name, "price_cents": 1, "stock": 1 });
        let order = |customer, note| {
            let order = json!({ "item": "tea", "quantity": 1 });
            let mut order = order.as_object().unwrap().clone();
            order.insert("customer".into(), customer);
            order.insert("note".into(), note);
            Value::Object(order)
        };
        for character in ['\0', '\n', '\u{1b}', '\u{7f}', '\u{9b}'] {
            let text = json!(format!("A{character}da"));
            let mut pointers = Vec::new();
            for request in [
                as_staff(put("/menu/scone", item(text.clone()))),
                post("/orders", order(text.clone(), text.clone())),
            ] {
                let response = send(&app, request).await;
                let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
                for error in problem["errors"].as_array().unwrap() {
                    let expected = "must not contain control characters";
                    assert_eq!(error["detail"], expected);
                    pointers.push(error["pointer"].clone());
                }
            }
            assert_eq!(pointers, ["#/name", "#/customer", "#/note"]);
        }
        // At the ends, whitespace is removed.
        let order = order(json!("\tAda\n"), Value::Null);
        assert_eq!(
            json_of(&app, post("/orders", order)).await["customer"],
            "Ada"
        );
    }

    #[tokio::test]
    async fn an_item_has_an_id_that_fits_into_a_path() {
        let app = app();
        let scone = json!({ "name": "Scone", "price_cents": 270, "stock": 6 });
        let longest = "a".repeat(50);
        for id in ["a", "7", "-", &longest] {
            let put = as_staff(put(&format!("/menu/{id}"), scone.clone()));
            assert_eq!(send(&app, put).await.status, StatusCode::CREATED, "{id}");
        }
        let too_long = "a".repeat(51);
        for id in [
            "Scone",
            "flat%20white",
            "caf%C3%A9",
            "a_b",
            "a.b",
            &too_long,
        ] {
            let put = as_staff(put(&format!("/menu/{id}"), scone.clone()));
            let response = send(&app, put).await;
            let problem = response.problem(StatusCode::BAD_REQUEST);
            let errors = json!([{
                "detail": "must be 1 to 50 lowercase letters, digits and hyphens",
                "parameter": "id",
            }]);
            assert_eq!(problem["errors"], errors, "{id}");
        }
    }

    #[tokio::test]
    async fn a_name_has_at_most_100_characters_and_not_bytes() {
        let app = app();
        for (length, status) in [(100, 201), (101, 422)] {
            let body =
                json!({ "name": "é".repeat(length), "price_cents": 1, "stock": 1 });
            let path = format!("/menu/e-{length}");
            let response = send(&app, as_staff(put(&path, body))).await;
            assert_eq!(response.status, status);
        }
    }

    #[tokio::test]
    async fn a_deleted_item_is_gone_and_its_orders_stay_as_they_were() {
        let app = app();
        let placed = json_of(&app, order("tea", 2)).await;
        let deleted = send(&app, as_staff(delete("/menu/tea"))).await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT);
        assert_eq!(deleted.body, "");

        send(&app, get("/menu/tea"))
            .await
            .problem(StatusCode::NOT_FOUND);
        send(&app, as_staff(delete("/menu/tea")))
            .await
            .problem(StatusCode::NOT_FOUND);
        assert_eq!(json_of(&app, get("/orders/1")).await, placed);
        assert_eq!(placed["item_name"], "Tea");

        // The order can still be canceled, and that brings no item back.
        let canceled =
            json_of(&app, patch("/orders/1", json!({ "status": "canceled" })));
        assert_eq!(canceled.await["status"], "canceled");
        send(&app, get("/menu/tea"))
            .await
            .problem(StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn an_order_keeps_the_name_and_the_price_that_it_was_placed_with() {
        let app = app();
        let placed = json_of(&app, order("tea", 2)).await;
        let body = json!({ "name": "Mint tea", "price_cents": 1, "stock": 9 });
        json_of(&app, as_staff(put("/menu/tea", body))).await;
        assert_eq!(json_of(&app, get("/orders/1")).await, placed);
        assert_eq!(placed["unit_price_cents"], 220);
    }

    fn ids_of(menu: &Value) -> Vec<&str> {
        let items = menu.as_array().unwrap().iter();
        items.map(|item| item["id"].as_str().unwrap()).collect()
    }
}

mod place_order {
    use super::*;

    // ANCHOR: place-order
    #[tokio::test]
    async fn an_order_gets_201_and_a_location_that_leads_to_it() {
        let app = app();
        let response = send(&app, order("flat-white", 3)).await;
        assert_eq!(response.status, StatusCode::CREATED);
        assert_eq!(response.header("location"), "/orders/1");
        let placed = json!({
            "id": 1,
            "customer": "Ada",
            "item": "flat-white",
            "item_name": "Flat white",
            "unit_price_cents": 380,
            "quantity": 3,
            "total_cents": 1140,
            "status": "placed",
            "placed_at": "2026-03-02T08:15:00Z",
        });
        assert_eq!(response.json(), placed);
        assert_eq!(json_of(&app, get("/orders/1")).await, placed);
        assert_eq!(stock(&app, "flat-white").await, 27);
    }
    // ANCHOR_END: place-order

    #[tokio::test]
    async fn an_order_may_have_a_note_and_a_table() {
        let app = app();
        for (note, table) in [
            (json!("oat milk"), json!(12)),
            (json!("0"), json!(1)),
            (json!(null), json!(null)), // the same as none
        ] {
            let body = json!({
                "customer": "  Zoë 🥐 ", "item": "tea", "quantity": 1,
                "note": note, "table": table,
            });
            let placed = json_of(&app, post("/orders", body)).await;
            assert_eq!(placed["customer"], "Zoë 🥐");
            assert_eq!(placed.get("note").unwrap_or(&Value::Null), &note);
            assert_eq!(placed.get("table").unwrap_or(&Value::Null), &table);
            assert_eq!(placed.get("note").is_none(), note.is_null());
        }
    }

    #[tokio::test]
    async fn every_mistake_of_an_order_is_reported_at_once() {
        let app = app();
        let body = json!({
            "customer": " ", "item": "tea", "quantity": 11, "note": "", "table": 13,
        });
        let response = send(&app, post("/orders", body)).await;
        let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["type"], "/problems/invalid-request");
        assert_eq!(problem["title"], "Invalid request");
        let errors = json!([
            { "detail": "must not be empty", "pointer": "#/customer" },
            { "detail": "must be from 1 to 10", "pointer": "#/quantity" },
            { "detail": "must have 1 to 200 characters", "pointer": "#/note" },
            { "detail": "must be from 1 to 12", "pointer": "#/table" },
        ]);
        assert_eq!(problem["errors"], errors);
        assert_eq!(stock(&app, "tea").await, 20);
    }

    #[tokio::test]
    async fn each_limit_is_the_last_value_that_is_allowed() {
        let app = app();
        let longest = "é".repeat(100);
        let too_long = "é".repeat(101);
        for (field, good, bad) in [
            ("quantity", json!(1), json!(0)),
            ("quantity", json!(10), json!(11)),
            ("table", json!(1), json!(0)),
            ("table", json!(12), json!(13)),
            ("customer", json!("A"), json!("")),
            ("customer", json!(longest), json!(too_long)),
            ("note", json!("x"), json!(" \n")),
            ("note", json!("é".repeat(200)), json!("é".repeat(201))),
        ] {
            let mut body =
                json!({ "customer": "Ada", "item": "flat-white", "quantity": 1 });
            body[field] = good.clone();
            let response = send(&app, post("/orders", body.clone())).await;
            assert_eq!(response.status, StatusCode::CREATED, "{field} {good}");
            body[field] = bad.clone();
            let response = send(&app, post("/orders", body)).await;
            let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
            let pointer = format!("#/{field}");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{field} {bad}");
        }
    }

    #[tokio::test]
    async fn an_item_that_is_not_on_the_menu_is_a_mistake_in_the_body() {
        let response = send(&app(), order("latte", 1)).await;
        let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["type"], "/problems/invalid-request");
        let errors = json!([
            { "detail": "must be the id of an item on the menu", "pointer": "#/item" },
        ]);
        assert_eq!(problem["errors"], errors);
    }

    // ANCHOR: conflict
    #[tokio::test]
    async fn an_order_for_more_than_is_left_is_a_conflict_and_changes_nothing() {
        let app = app();
        let response = send(&app, order("croissant", 2)).await;
        let problem = response.problem(StatusCode::CONFLICT);
        assert_eq!(problem["type"], "/problems/not-enough-left");
        assert_eq!(problem["title"], "Not enough left");
        assert_eq!(problem["detail"], "Not enough left: Croissant");
        assert_eq!(stock(&app, "croissant").await, 1);

        assert_eq!(
            send(&app, order("croissant", 1)).await.status,
            StatusCode::CREATED
        );
        send(&app, order("croissant", 1))
            .await
            .problem(StatusCode::CONFLICT);
    }
    // ANCHOR_END: conflict

    #[tokio::test]
    async fn a_client_cannot_set_what_the_server_computes() {
        for field in [
            "id",
            "total_cents",
            "unit_price_cents",
            "status",
            "placed_at",
        ] {
            let mut body =
                json!({ "customer": "Ada", "item": "tea", "quantity": 1 });
            body[field] = json!(1);
            let response = send(&app(), post("/orders", body)).await;
            let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
            let pointer = format!("#/{field}");
            assert_eq!(problem["errors"][0]["pointer"], pointer);
        }
    }
}

mod show_order {
    use super::*;

    #[tokio::test]
    async fn an_order_has_one_path_and_no_other() {
        let app = app();
        json_of(&app, order("tea", 1)).await;
        assert_eq!(json_of(&app, get("/orders/1")).await["id"], 1);
        for id in [
            "0",
            "2",
            "01",
            "+1",
            "-1",
            "1.0",
            "1e0",
            "%201",
            "one",
            "%FF",
            "",
            "9223372036854775807",
            "9223372036854775808",
            "18446744073709551616",
        ] {
            let path = format!("/orders/{id}");
            send(&app, get(&path)).await.problem(StatusCode::NOT_FOUND);
            if !id.is_empty() {
                let change = patch(&path, json!({}));
                send(&app, change).await.problem(StatusCode::NOT_FOUND);
            }
        }
        let unknown = send(&app, get("/orders/2")).await;
        assert_eq!(unknown.json()["detail"], "There is no order 2");
    }
}

mod change_order {
    use super::*;

    /// A shop with an order that has a note and a table.
    async fn app_with_order() -> Router {
        let app = app();
        let body = json!({
            "customer": "Ada", "item": "muffin", "quantity": 3,
            "note": "warm", "table": 4,
        });
        json_of(&app, post("/orders", body)).await;
        app
    }

    async fn change(app: &Router, body: Value) -> Value {
        json_of(app, patch("/orders/1", body)).await
    }

    #[tokio::test]
    async fn a_field_that_is_missing_stays_as_it_is() {
        let app = app_with_order().await;
        let before = json_of(&app, get("/orders/1")).await;
        assert_eq!(change(&app, json!({})).await, before);
        let after = change(&app, json!({ "note": "cold" })).await;
        assert_eq!(
            (&after["note"], &after["table"]),
            (&json!("cold"), &json!(4))
        );
        let after = change(&app, json!({ "table": 5 })).await;
        assert_eq!(
            (&after["note"], &after["table"]),
            (&json!("cold"), &json!(5))
        );
        assert_eq!(json_of(&app, get("/orders/1")).await, after);
        assert_eq!(stock(&app, "muffin").await, 1);
    }

    #[tokio::test]
    async fn null_clears_a_field() {
        let app = app_with_order().await;
        let after = change(&app, json!({ "note": null })).await;
        assert_eq!((after.get("note"), &after["table"]), (None, &json!(4)));
        let after = change(&app, json!({ "table": null })).await;
        assert_eq!((after.get("note"), after.get("table")), (None, None));
        // To clear it again changes nothing.
        assert_eq!(change(&app, json!({ "table": null })).await, after);
        assert_eq!(json_of(&app, get("/orders/1")).await, after);
    }

    #[tokio::test]
    async fn canceling_puts_the_stock_back_once() {
        let app = app_with_order().await;
        assert_eq!(stock(&app, "muffin").await, 1);
        let canceled = change(&app, json!({ "status": "canceled" })).await;
        assert_eq!(canceled["status"], "canceled");
        assert_eq!(stock(&app, "muffin").await, 4);

        let again =
            send(&app, patch("/orders/1", json!({ "status": "canceled" }))).await;
        let problem = again.problem(StatusCode::CONFLICT);
        assert_eq!(problem["type"], "/problems/order-canceled");
        assert_eq!(problem["title"], "Order canceled");
        let detail = "Order 1 is canceled and can't be changed";
        assert_eq!(problem["detail"], detail);
        assert_eq!(stock(&app, "muffin").await, 4);
    }

    #[tokio::test]
    async fn a_canceled_order_stays_and_never_changes_again() {
        let app = app_with_order().await;
        let body = json!({ "status": "canceled", "note": null, "table": 1 });
        let canceled = change(&app, body).await;
        assert_eq!(
            (canceled.get("note"), &canceled["table"]),
            (None, &json!(1))
        );
        for body in [json!({}), json!({ "note": "x" }), json!({ "table": null })] {
            let response = send(&app, patch("/orders/1", body)).await;
            response.problem(StatusCode::CONFLICT);
        }
        assert_eq!(json_of(&app, get("/orders/1")).await, canceled);
    }

    #[tokio::test]
    async fn every_mistake_of_a_change_is_reported_at_once_and_nothing_changes() {
        let app = app_with_order().await;
        let before = json_of(&app, get("/orders/1")).await;
        let body = json!({ "note": "", "table": 13, "status": "placed" });
        let response = send(&app, patch("/orders/1", body)).await;
        let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
        let errors = json!([
            { "detail": "must have 1 to 200 characters", "pointer": "#/note" },
            { "detail": "must be from 1 to 12", "pointer": "#/table" },
            { "detail": "must be canceled", "pointer": "#/status" },
        ]);
        assert_eq!(problem["errors"], errors);
        assert_eq!(json_of(&app, get("/orders/1")).await, before);
    }

    #[tokio::test]
    async fn a_change_of_the_wrong_type_says_where_it_is() {
        let app = app_with_order().await;
        for (body, pointer) in [
            (json!({ "note": 1 }), "#/note"),
            (json!({ "note": ["x"] }), "#/note"),
            (json!({ "table": "4" }), "#/table"),
            (json!({ "table": -1 }), "#/table"),
            (json!({ "status": null }), "#/status"),
            (json!({ "status": true }), "#/status"),
            (json!({ "quantity": 1 }), "#/quantity"),
            (json!("canceled"), "#"),
            (json!(null), "#"),
        ] {
            let response = send(&app, patch("/orders/1", body.clone())).await;
            let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
    }

    #[tokio::test]
    async fn a_merge_patch_is_json_too() {
        let app = app_with_order().await;
        let body = json!({ "note": null });
        let mut request = patch("/orders/1", body);
        let merge_patch = "application/merge-patch+json".parse().unwrap();
        request.headers_mut().insert("content-type", merge_patch);
        assert_eq!(json_of(&app, request).await.get("note"), None);
    }
}

mod list_orders {
    use super::*;

    /// A shop in which Ada and Bo ordered seven things, and Ada canceled her second.
    async fn app_with_orders() -> Router {
        let app = app();
        for (customer, item) in [
            ("Ada", "tea"),
            ("Ada", "muffin"),
            ("Bo", "tea"),
            ("Bo", "espresso"),
            ("Ada", "espresso"),
            ("Bo", "muffin"),
            ("Ada", "tea"),
        ] {
            let body = json!({ "customer": customer, "item": item, "quantity": 1 });
            json_of(&app, post("/orders", body)).await;
        }
        let cancel = json!({ "status": "canceled" });
        json_of(&app, patch("/orders/2", cancel)).await;
        app
    }

    async fn page(app: &Router, query: &str) -> Value {
        json_of(app, as_staff(get(&format!("/orders?{query}")))).await
    }

    fn ids_of(page: &Value) -> Vec<u64> {
        let orders = page["items"].as_array().unwrap().iter();
        orders.map(|order| order["id"].as_u64().unwrap()).collect()
    }

    #[tokio::test]
    async fn filters_can_be_left_out_combined_and_repeated() {
        let app = app_with_orders().await;
        for (query, ids) in [
            ("", vec![1, 2, 3, 4, 5, 6, 7]),
            ("customer=Ada", vec![1, 2, 5, 7]),
            ("customer=ada", vec![]),
            ("item=tea", vec![1, 3, 7]),
            ("item=tea&item=muffin", vec![1, 2, 3, 6, 7]),
            ("item=tea&item=latte", vec![1, 3, 7]),
            ("item=latte", vec![]),
            ("status=canceled", vec![2]),
            (
                "status=placed&customer=Ada&item=muffin&item=espresso",
                vec![5],
            ),
            ("after=4", vec![5, 6, 7]),
            ("after=7", vec![]),
            ("after=18446744073709551615", vec![]),
            ("limit=&after=&customer=Bo", vec![3, 4, 6]),
            // No customer has an empty name. This must not list everybody's orders.
            ("customer=", vec![]),
            ("item=", vec![]),
        ] {
            let page = page(&app, query).await;
            assert_eq!(ids_of(&page), ids, "{query}");
            assert_eq!(page.get("next"), None, "{query}");
        }
        let first = page(&app, "limit=1").await;
        assert_eq!(first["items"][0], json_of(&app, get("/orders/1")).await);
    }

    #[tokio::test]
    async fn the_cursor_leads_from_page_to_page_until_the_last() {
        let app = app_with_orders().await;
        let mut seen = Vec::new();
        let mut query = "limit=3".to_owned();
        loop {
            let page = page(&app, &query).await;
            seen.push(ids_of(&page));
            let Some(next) = page.get("next") else { break };
            query = format!("limit=3&after={next}");
            // An order that arrives meanwhile doesn't move those of the next page.
            if seen.len() == 1 {
                json_of(&app, order("tea", 1)).await;
            }
        }
        assert_eq!(seen, [vec![1, 2, 3], vec![4, 5, 6], vec![7, 8]]);
    }

    #[tokio::test]
    async fn a_full_last_page_has_no_cursor() {
        let app = app_with_orders().await;
        let last = page(&app, "customer=Ada&limit=4").await;
        assert_eq!((ids_of(&last), last.get("next")), (vec![1, 2, 5, 7], None));
        let not_last = page(&app, "customer=Ada&limit=3").await;
        assert_eq!(not_last["next"], 5);
    }

    #[tokio::test]
    async fn a_page_has_20_orders_unless_the_client_asks_for_more() {
        let app = app();
        let espresso =
            json!({ "name": "Espresso", "price_cents": 250, "stock": 1000 });
        json_of(&app, as_staff(put("/menu/espresso", espresso))).await;
        for _ in 0..101 {
            json_of(&app, order("espresso", 1)).await;
        }
        assert_eq!(ids_of(&page(&app, "").await).len(), 20);
        let largest = page(&app, "limit=100").await;
        assert_eq!(
            (ids_of(&largest).len(), &largest["next"]),
            (100, &json!(100))
        );
    }

    #[tokio::test]
    async fn a_parameter_that_is_wrong_is_named() {
        let app = app();
        let fifty = "item=tea&".repeat(50);
        page(&app, &fifty).await;
        let many = "item=tea&".repeat(51);
        for (query, parameter) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("limit=ten", "limit"),
            ("limit=4294967296", "limit"),
            ("after=-1", "after"),
            ("after=last", "after"),
            ("after=18446744073709551616", "after"),
            ("after=%FF", "after"),
            ("status=lost", "status"),
            ("status=Placed", "status"),
            ("status=", "status"),
            ("customer=Ada&customer=Bo", "customer"),
            ("limit=1&limit=2", "limit"),
            ("after=1&after=2", "after"),
            ("status=placed&status=canceled", "status"),
            ("offset=20", "offset"),
            (many.as_str(), "item"),
        ] {
            let response =
                send(&app, as_staff(get(&format!("/orders?{query}")))).await;
            let problem = response.problem(StatusCode::BAD_REQUEST);
            assert_eq!(problem["type"], "/problems/invalid-request");
            assert_eq!(problem["errors"][0]["parameter"], parameter, "{query}");
        }
        for (query, parameter) in [
            ("max_price=cheap", "max_price"),
            ("max_price=1&max_price=2", "max_price"),
            ("max_prize=1", "max_prize"),
        ] {
            let response = send(&app, get(&format!("/menu?{query}"))).await;
            let problem = response.problem(StatusCode::BAD_REQUEST);
            assert_eq!(problem["errors"][0]["parameter"], parameter, "{query}");
        }
    }
}

mod staff {
    use super::*;
    use support::STAFF_TOKEN;

    fn requests_of_staff() -> [Request<Body>; 3] {
        let tea = json!({ "name": "Tea", "price_cents": 1, "stock": 1 });
        [put("/menu/tea", tea), delete("/menu/tea"), get("/orders")]
    }

    #[tokio::test]
    async fn staff_endpoints_are_closed_without_the_token() {
        let app = app();
        for request in requests_of_staff() {
            let response = send(&app, request).await;
            response.problem(StatusCode::UNAUTHORIZED);
            let challenge = response.header("www-authenticate");
            assert_eq!(challenge, "Bearer realm=\"shop\"");
        }
        assert_eq!(stock(&app, "tea").await, 20);
    }

    /// RFC 6750, section 3: only a request that has a token gets an `error`.
    #[tokio::test]
    async fn the_challenge_says_if_the_token_was_wrong() {
        for (header, challenge) in [
            ("Basic YWRhOmFkYQ==", "Bearer realm=\"shop\""),
            (
                "Bearer wrong",
                "Bearer realm=\"shop\", error=\"invalid_token\"",
            ),
        ] {
            let request = with_header(get("/orders"), "authorization", header);
            let response = send(&app(), request).await;
            response.problem(StatusCode::UNAUTHORIZED);
            assert_eq!(response.header("www-authenticate"), challenge);
        }
    }

    #[tokio::test]
    async fn the_scheme_may_be_written_in_any_case_and_with_more_spaces() {
        for scheme in ["Bearer", "bearer", "BEARER", "Bearer  "] {
            let header = format!("{scheme} {STAFF_TOKEN}");
            let request = with_header(get("/orders"), "authorization", &header);
            assert_eq!(send(&app(), request).await.status, StatusCode::OK);
        }
    }

    #[tokio::test]
    async fn only_the_whole_token_in_one_header_opens_them() {
        let token = STAFF_TOKEN;
        for header in [
            String::new(),
            "Bearer".into(),
            "Bearer ".into(),
            token.into(),
            format!("Bearer{token}"),
            format!("Bearer\t{token}"),
            format!("Bearer {token}s"),
            format!("Bearer {}", &token[1..]),
            format!("Bearer {}", token.to_uppercase()),
            format!("Bearer \"{token}\""),
            format!("Basic {token}"),
            "Bearer é".into(),
        ] {
            let request = with_header(get("/orders"), "authorization", &header);
            let response = send(&app(), request).await;
            response.problem(StatusCode::UNAUTHORIZED);
        }
        let twice = as_staff(as_staff(get("/orders")));
        send(&app(), twice).await.problem(StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn without_a_token_in_the_settings_nobody_is_staff() {
        let state = AppState {
            staff_token: None,
            ..support::state(std::sync::Arc::new(Memory::new(opening_menu())))
        };
        let app = shop::router(state);
        for request in requests_of_staff() {
            let response = send(&app, as_staff(request)).await;
            assert_eq!(response.status, StatusCode::UNAUTHORIZED);
        }
    }

    #[tokio::test]
    async fn who_is_not_staff_learns_nothing_about_the_rest_of_the_request() {
        let wrong = put("/menu/Not%20an%20id", json!({ "stock": "many" }));
        send(&app(), wrong).await.problem(StatusCode::UNAUTHORIZED);
        send(&app(), get("/orders?limit=0"))
            .await
            .problem(StatusCode::UNAUTHORIZED);
    }
}

mod health {
    use super::*;

    #[tokio::test]
    async fn a_shop_that_works_is_live_and_ready() {
        let live = json_of(&app(), get("/health/live")).await;
        assert_eq!(live, json!({ "status": "live" }));
        let ready = json_of(&app(), get("/health/ready")).await;
        assert_eq!(ready, json!({ "status": "ready" }));
    }
}

mod http {
    use super::*;

    #[tokio::test]
    async fn a_wrong_method_gets_405_and_the_methods_that_work() {
        let app = app();
        for (path, methods) in [
            ("/menu", "GET,HEAD"),
            ("/menu/tea", "GET,HEAD,PUT,DELETE"),
            ("/orders", "GET,HEAD,POST"),
            ("/orders/1", "GET,HEAD,PATCH"),
            ("/health/live", "GET,HEAD"),
            ("/health/ready", "GET,HEAD"),
        ] {
            for method in ["TRACE", "OPTIONS", "BREW"] {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let response = send(&app, request(method, path)).await;
                response.problem(StatusCode::METHOD_NOT_ALLOWED);
                let mut allow: Vec<_> =
                    response.header("allow").split(',').collect();
                let mut methods: Vec<_> = methods.split(',').collect();
                allow.sort_unstable();
                methods.sort_unstable();
                assert_eq!(allow, methods, "{path}");
            }
        }
    }

    #[tokio::test]
    async fn a_path_that_does_not_exist_gets_404() {
        for path in [
            "/",
            "/Menu",
            "/menu/",
            "/menu/tea/",
            "//menu",
            "/orders/1/items",
        ] {
            let response = send(&app(), get(path)).await;
            let problem = response.problem(StatusCode::NOT_FOUND);
            assert_eq!(problem["detail"], "There is nothing at this path");
        }
    }

    #[tokio::test]
    async fn head_gets_what_get_gets_without_the_body() {
        let app = app();
        json_of(&app, order("tea", 1)).await;
        for path in [
            "/menu",
            "/menu/tea",
            "/menu/latte",
            "/orders/1",
            "/health/ready",
        ] {
            let whole = send(&app, get(path)).await;
            let head = send(&app, request(Method::HEAD, path)).await;
            assert_eq!(head.status, whole.status);
            assert_eq!(head.body, "");
            for header in ["content-type", "content-length"] {
                assert_eq!(head.header(header), whole.header(header), "{path}");
            }
        }
    }

    #[tokio::test]
    async fn a_body_may_have_16_kib_and_not_a_byte_more() {
        let app = app();
        let good =
            json!({ "customer": "Ada", "item": "tea", "quantity": 1 }).to_string();
        for (length, status) in [(16 * 1024, 201), (16 * 1024 + 1, 413)] {
            let body = format!("{good:length$}");
            let response =
                send(&app, request_with_text(Method::POST, "/orders", body)).await;
            assert_eq!(response.status, status);
            if status == 413 {
                let problem = response.problem(StatusCode::PAYLOAD_TOO_LARGE);
                assert_eq!(problem["title"], "Content Too Large");
            }
        }
    }

    #[tokio::test]
    async fn a_body_must_say_that_it_is_json() {
        let app = app();
        let good =
            json!({ "customer": "Ada", "item": "tea", "quantity": 1 }).to_string();
        for (content_type, status) in [
            ("application/json", 201),
            ("application/json; charset=utf-8", 201),
            ("APPLICATION/JSON", 201),
            ("text/plain", 415),
            ("application/x-www-form-urlencoded", 415),
            ("json", 415),
            ("", 415),
        ] {
            let request =
                Request::post("/orders").header("content-type", content_type);
            let response =
                send(&app, request.body(good.clone().into()).unwrap()).await;
            assert_eq!(response.status, status, "{content_type}");
        }
        let untyped = Request::post("/orders").body(good.into()).unwrap();
        let response = send(&app, untyped).await;
        response.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }

    #[tokio::test]
    async fn a_body_that_is_not_json_gets_400() {
        for body in ["", "two teas", "{\"customer\": \"Ada\"", "{'a': 1}"] {
            let request = request_with_text(Method::POST, "/orders", body);
            let response = send(&app(), request).await;
            let problem = response.problem(StatusCode::BAD_REQUEST);
            assert_eq!(problem["type"], "about:blank");
            assert_eq!(problem.get("errors"), None);
        }
    }

    #[tokio::test]
    async fn every_response_has_an_id_of_ours_even_if_the_client_sends_one() {
        let app = app();
        let requests = [
            get("/menu"),
            with_header(get("/menu"), "x-request-id", "1"),
            with_header(get("/nowhere"), "x-request-id", "a\u{e9}"),
            request(Method::TRACE, "/menu"),
            get("/orders"),
            as_staff(delete("/menu/tea")),
            request_with_text(Method::POST, "/orders", "x".repeat(20_000)),
        ];
        for (id, request) in (1..).zip(requests) {
            let response = send(&app, request).await;
            assert_eq!(response.header("x-request-id"), format!("{id}"));
            assert_eq!(response.headers.get_all("x-request-id").iter().count(), 1);
        }
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct LargeOrder {
        #[allow(dead_code)]
        lines: Vec<Line>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        #[allow(dead_code)]
        quantity: u32,
    }

    /// The shop's own bodies are flat. Yours may not be.
    #[tokio::test]
    async fn a_mistake_deep_in_a_body_has_a_pointer_that_leads_there() {
        let app = shop::middleware::request_id(
            Router::new()
                .route("/", post_to(|_: Json<LargeOrder>| async {}))
                .layer(DefaultBodyLimit::max(1024)),
            support::count_from_one(),
        );
        for (body, pointer) in [
            (
                r#"{"lines": [{"quantity": 1}, {"quantity": "2"}]}"#,
                "#/lines/1/quantity",
            ),
            (r#"{"lines": [{"quantity": 1}, 7]}"#, "#/lines/1"),
            (r#"{"lines": {}}"#, "#/lines"),
            (r#"{"lines": [{}]}"#, "#/lines/0"),
            (
                r#"{"lines": [{"a/b~c é": 1}]}"#,
                "#/lines/0/a~1b~0c%20%C3%A9",
            ),
            (r#"{"lines": [], "": 1}"#, "#/"),
            ("{}", "#"),
            ("null", "#"),
        ] {
            let response =
                send(&app, request_with_text(Method::POST, "/", body)).await;
            let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
            let error = &problem["errors"][0];
            assert_eq!(error["pointer"], pointer, "{body}: {error}");
        }
    }
}

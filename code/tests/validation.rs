//! The claims of the chapter on validating requests, tested.

mod support;

// In a module of the chapter's name, so that `cargo test validation` finds them.
mod validation {
    use crate::support::{ask, buy, get, order, post, send};
    use axum::extract::rejection::JsonRejection;
    use axum::http::{Request, StatusCode, request::Builder};
    use axum::{Json, Router, body::Body};
    use code::requests::{STAFF_TOKEN, app};
    use serde::Deserialize;
    use serde_json::{Value, json};

    const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

    /// A valid order with one field changed. `None` leaves the field out.
    fn order_with(field: &str, value: Option<Value>) -> Value {
        let mut body = json!({ "customer": "Ada", "item": "tea", "quantity": 1 });
        let fields = body.as_object_mut().expect("an order is an object");
        match value {
            Some(value) => fields.insert(field.to_owned(), value),
            None => fields.remove(field),
        };
        body
    }

    /// The body of a response that rejects this order with 422.
    async fn rejection_of(body: Value) -> String {
        let answer = ask(&app(), post(body.clone())).await;
        assert_eq!(answer.status, UNPROCESSABLE, "{body}");
        answer.body
    }

    fn put(path: &str) -> Builder {
        Request::put(path).header("content-type", "application/json")
    }

    fn put_by_staff(path: &str) -> Builder {
        put(path).header("authorization", format!("Bearer {STAFF_TOKEN}"))
    }

    fn scone() -> Body {
        Body::from(r#"{ "name": "Scone", "price_cents": 270, "stock": 6 }"#)
    }

    #[tokio::test]
    async fn a_required_field_must_be_there_and_must_not_be_null() {
        for field in ["customer", "item", "quantity"] {
            let reason = rejection_of(order_with(field, None)).await;
            assert!(reason.contains(&format!("missing field `{field}`")));
            let reason = rejection_of(order_with(field, Some(Value::Null))).await;
            assert!(reason.contains(&format!("{field}: invalid type: null")));
        }
    }

    #[tokio::test]
    async fn an_optional_field_may_be_left_out_or_null() {
        for field in ["note", "table"] {
            for value in [None, Some(Value::Null)] {
                let (status, order) = order(&app(), order_with(field, value)).await;
                assert_eq!(status, StatusCode::CREATED);
                assert_eq!(order.get(field), None);
            }
        }
    }

    #[tokio::test]
    async fn a_wrong_type_is_rejected_and_never_converted() {
        for (field, value) in [
            ("quantity", json!("2")),
            ("quantity", json!(1.5)),
            ("quantity", json!(-1)),
            ("quantity", json!(true)),
            ("customer", json!(7)),
            ("note", json!(["no sugar"])),
            ("table", json!("4")),
        ] {
            let reason = rejection_of(order_with(field, Some(value))).await;
            assert!(reason.contains(&format!("{field}: invalid")), "{reason}");
        }
    }

    #[tokio::test]
    async fn an_unknown_field_is_rejected_by_name() {
        for field in ["notes", "total_cents", "Quantity", "id"] {
            let reason = rejection_of(order_with(field, Some(json!(1)))).await;
            let named = format!("unknown field `{field}`");
            assert!(reason.contains(&named), "{reason}");
        }
    }

    #[tokio::test]
    async fn an_unknown_query_parameter_is_rejected_by_name() {
        let (status, reason) = get(&app(), "/menu?maxprice=250").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let reason = reason.as_str().unwrap();
        assert!(reason.contains("unknown field `maxprice`"));
    }

    #[tokio::test]
    async fn a_quantity_is_from_1_to_10() {
        for quantity in [1, 10] {
            let (status, _) = buy(&app(), "tea", quantity).await;
            assert_eq!(status, StatusCode::CREATED, "{quantity}");
        }
        for quantity in [0, 11, u32::MAX] {
            let body = order_with("quantity", Some(json!(quantity)));
            let reason = rejection_of(body).await;
            assert_eq!(reason, "quantity must be from 1 to 10");
        }
    }

    #[tokio::test]
    async fn a_table_is_from_1_to_12() {
        for table in [1, 12] {
            let body = order_with("table", Some(json!(table)));
            let (status, order) = order(&app(), body).await;
            assert_eq!(status, StatusCode::CREATED, "{table}");
            assert_eq!(order["table"], table);
        }
        for table in [0, 13] {
            let body = order_with("table", Some(json!(table)));
            assert_eq!(rejection_of(body).await, "table must be from 1 to 12");
        }
    }

    #[tokio::test]
    async fn a_customer_name_is_stored_without_the_spaces_around_it() {
        let body = order_with("customer", Some(json!("  Ada Lovelace\n")));
        let (_, order) = order(&app(), body).await;
        assert_eq!(order["customer"], "Ada Lovelace");
    }

    #[tokio::test]
    async fn a_customer_name_has_from_1_to_100_characters_which_are_not_bytes() {
        let longest = "é".repeat(100);
        let body = order_with("customer", Some(json!(longest)));
        let (status, _) = order(&app(), body).await;
        assert_eq!(status, StatusCode::CREATED);
        for (customer, reason) in [
            ("", "customer must not be empty"),
            (" \t", "customer must not be empty"),
            (
                &*"a".repeat(101),
                "customer must have at most 100 characters",
            ),
        ] {
            let body = order_with("customer", Some(json!(customer)));
            assert_eq!(rejection_of(body).await, reason);
        }
    }

    #[tokio::test]
    async fn every_mistake_of_an_order_is_reported_at_once() {
        let body =
            json!({ "customer": "", "item": "tea", "quantity": 0, "table": 0 });
        let reason = rejection_of(body).await;
        let fields: Vec<_> =
            reason.lines().map(|line| line.split(' ').next()).collect();
        assert_eq!(fields, [Some("customer"), Some("quantity"), Some("table")]);
    }

    #[tokio::test]
    async fn an_item_is_looked_up_only_for_an_order_without_mistakes() {
        let mut body = order_with("item", Some(json!("unicorn-latte")));
        let reason = rejection_of(body.clone()).await;
        assert_eq!(reason, "item must be the id of an item on the menu");
        body["quantity"] = json!(0);
        let reason = rejection_of(body).await;
        assert_eq!(reason, "quantity must be from 1 to 10");
    }

    #[tokio::test]
    async fn a_rejected_order_changes_nothing() {
        let shop = app();
        let (_, before) = get(&shop, "/menu").await;
        for body in [
            order_with("quantity", Some(json!(0))),
            order_with("quantity", Some(json!("2"))),
            order_with("customer", Some(json!(" "))),
            order_with("table", Some(json!(13))),
            order_with("item", Some(json!("unicorn-latte"))),
            order_with("notes", Some(json!("no sugar"))),
        ] {
            let (status, _) = order(&shop, body).await;
            assert_eq!(status, UNPROCESSABLE);
        }
        let (_, after) = get(&shop, "/menu").await;
        assert_eq!(before, after);
        let (status, _) = get(&shop, "/orders/1").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn the_id_in_a_path_must_be_a_number() {
        let shop = app();
        buy(&shop, "tea", 1).await;
        for (path, wanted) in [
            ("/orders/latest", 400),
            ("/orders/-1", 400),
            ("/orders/1.0", 400),
            ("/orders/2", 404),
            ("/orders/1", 200),
            // `u64::from_str` takes a plus sign and zeros, so one order has many paths.
            ("/orders/+1", 200),
            ("/orders/001", 200),
        ] {
            let (status, _) = get(&shop, path).await;
            assert_eq!(status, wanted, "{path}");
        }
    }

    #[tokio::test]
    async fn the_menu_changes_with_the_staff_token_and_with_no_other() {
        let wrong = [
            "",
            "Bearer",
            "Bearer espresso",
            "Bearer flat-white-and-a-croissan",
            "Bearer flat-white-and-a-croissants",
            "Basic flat-white-and-a-croissant",
            "flat-white-and-a-croissant",
        ];
        for authorization in wrong {
            let shop = app();
            let head = put("/menu/scone").header("authorization", authorization);
            let answer = ask(&shop, (head, scone())).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, "Bearer realm=\"shop\"");
            let (status, _) = get(&shop, "/menu/scone").await;
            assert_eq!(status, StatusCode::NOT_FOUND);
        }
        for scheme in ["Bearer", "bearer", "BEARER", "Bearer  "] {
            let shop = app();
            let head = put("/menu/scone")
                .header("authorization", format!("{scheme} {STAFF_TOKEN}"));
            let (status, _) = send(&shop, (head, scone())).await;
            assert_eq!(status, StatusCode::CREATED, "{scheme}");
            let (status, _) = get(&shop, "/menu/scone").await;
            assert_eq!(status, StatusCode::OK);
        }
    }

    #[tokio::test]
    async fn without_the_token_a_client_does_not_learn_what_else_is_wrong() {
        for body in ["not JSON", "{}", &"x".repeat(20_000)] {
            let request = (put("/menu/SCONE"), Body::from(body.to_owned()));
            let (status, _) = send(&app(), request).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            let request =
                (put_by_staff("/menu/SCONE"), Body::from(body.to_owned()));
            let (status, _) = send(&app(), request).await;
            assert_ne!(status, StatusCode::UNAUTHORIZED);
        }
    }

    #[tokio::test]
    async fn an_item_is_created_once_and_then_replaced() {
        let shop = app();
        for wanted in [StatusCode::CREATED, StatusCode::OK] {
            let request = (put_by_staff("/menu/scone"), scone());
            let (status, item) = send(&shop, request).await;
            assert_eq!(status, wanted);
            assert_eq!(item["name"], "Scone");
        }
    }

    #[tokio::test]
    async fn every_mistake_of_an_item_is_reported_at_once() {
        let body = r#"{ "name": " ", "price_cents": 1000001, "stock": 6 }"#;
        let request = (put_by_staff("/menu/Scone"), Body::from(body));
        let answer = ask(&app(), request).await;
        assert_eq!(answer.status, UNPROCESSABLE);
        assert_eq!(answer.body.lines().count(), 3, "{}", answer.body);
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit_and_no_further() {
        for (length, wanted) in [(16_000, 201), (17_000, 413)] {
            let note = json!("x".repeat(length));
            let (status, _) = order(&app(), order_with("note", Some(note))).await;
            assert_eq!(status, wanted, "a note of {length} letters");
        }
    }

    /// axum's own limit is 2 MB.
    #[tokio::test]
    async fn without_a_setting_a_body_may_have_2_mb() {
        async fn length(body: String) -> String {
            body.len().to_string()
        }
        let app = Router::new().route("/", axum::routing::post(length));
        for (length, wanted) in [(2 * 1024 * 1024, 200), (2 * 1024 * 1024 + 1, 413)]
        {
            let body = Body::from("x".repeat(length));
            let (status, _) = send(&app, (Request::post("/"), body)).await;
            assert_eq!(status, wanted, "{length}");
        }
    }

    // ANCHOR: names-and-defaults
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct NewItem {
        name: String,
        price_cents: u32,
        #[serde(default)]
        stock: u32,
    }

    #[test]
    fn json_has_camel_case_names_and_no_stock_means_0() {
        let read = serde_json::from_str::<NewItem>;
        let json = r#"{ "name": "Scone", "priceCents": 270 }"#;
        let item = read(json).unwrap();
        assert_eq!(
            (item.name.as_str(), item.price_cents, item.stock),
            ("Scone", 270, 0)
        );

        let json = r#"{ "name": "Scone", "priceCents": 270, "stock": null }"#;
        assert!(read(json).is_err());
    }
    // ANCHOR_END: names-and-defaults

    // ANCHOR: custom-message
    #[tokio::test]
    async fn a_handler_can_take_the_rejection_as_a_result() {
        async fn rate(
            stars: Result<Json<u8>, JsonRejection>,
        ) -> Result<String, (StatusCode, &'static str)> {
            let Json(stars) = stars
                .map_err(|error| (error.status(), "Send a number, such as 4"))?;
            Ok(stars.to_string())
        }
        let app = Router::new().route("/", axum::routing::put(rate));
        let answer = ask(&app, (put("/"), Body::from("4"))).await;
        assert_eq!(answer.body, "4");
        let answer = ask(&app, (put("/"), Body::from("true"))).await;
        assert_eq!(answer.status, UNPROCESSABLE);
        assert_eq!(answer.body, "Send a number, such as 4");
    }
    // ANCHOR_END: custom-message

    /// The shorter way, and why the shop does without it.
    #[test]
    fn serde_stops_at_the_first_mistake_when_it_validates() {
        #[derive(Debug, Deserialize)]
        #[serde(try_from = "u32")]
        struct Quantity(u32);

        impl TryFrom<u32> for Quantity {
            type Error = &'static str;

            fn try_from(number: u32) -> Result<Self, Self::Error> {
                let valid = (1..=10).contains(&number);
                valid.then_some(Self(number)).ok_or("must be from 1 to 10")
            }
        }

        #[derive(Debug, Deserialize)]
        #[allow(dead_code, reason = "only its deserialization is tested")]
        struct Order {
            first: Quantity,
            second: Quantity,
        }

        let both = serde_json::from_str::<Order>(r#"{ "first": 0, "second": 11 }"#);
        let message = both.unwrap_err().to_string();
        assert_eq!(message, "must be from 1 to 10 at line 1 column 12");
        let Quantity(number) = serde_json::from_str("10").unwrap();
        assert_eq!(number, 10);
    }
}

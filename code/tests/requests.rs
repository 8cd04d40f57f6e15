//! What the chapter on handling requests says, tested. No socket is opened: a router is a
//! service, and `oneshot` calls it.

mod support;

// In a module of the chapter's name, so that `cargo test requests` finds them.
mod requests {
    use crate::support::{buy, get, order, post, send};
    use axum::http::StatusCode;
    use code::requests::{OPENING, STAFF_TOKEN, app, app_with};
    use jiff::{SignedDuration, Timestamp};
    use serde_json::{Value, json};

    #[tokio::test]
    async fn the_menu_lists_everything_with_prices_in_cents() {
        let (status, menu) = get(&app(), "/menu").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(
            ids(&menu),
            ["espresso", "flat-white", "tea", "croissant", "muffin"]
        );
        assert_eq!(menu[1]["price_cents"], 380);
    }

    #[tokio::test]
    async fn a_highest_price_narrows_the_menu_and_includes_itself() {
        let (_, menu) = get(&app(), "/menu?max_price=250").await;
        assert_eq!(ids(&menu), ["espresso", "tea"]);
    }

    #[tokio::test]
    async fn the_total_is_computed_by_the_shop() {
        let (status, order) = buy(&app(), "flat-white", 2).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(order["total_cents"], 760);
    }

    #[tokio::test]
    async fn a_total_sent_along_is_refused_rather_than_believed() {
        let cheat = json!({ "customer": "Ada", "item": "tea", "quantity": 1, "total_cents": 1 });
        let (status, reason) = order(&app(), cheat).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            reason
                .as_str()
                .unwrap()
                .contains("unknown field `total_cents`")
        );
    }

    #[tokio::test]
    async fn an_order_takes_its_items_off_the_shelf() {
        // Clones of a router share their state: these requests go to one shop.
        let shop = app();
        buy(&shop, "muffin", 3).await;
        let (_, muffin) = get(&shop, "/menu/muffin").await;
        assert_eq!(muffin["stock"], 1);
    }

    #[tokio::test]
    async fn a_refused_order_leaves_the_shelf_and_the_books_as_they_were() {
        let shop = app();
        let (status, _) = buy(&shop, "muffin", 5).await;
        assert_eq!(status, StatusCode::CONFLICT);
        let (_, muffin) = get(&shop, "/menu/muffin").await;
        assert_eq!(muffin["stock"], 4);
        let (status, _) = get(&shop, "/orders/1").await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn orders_are_counted_from_one_and_found_under_their_number() {
        let shop = app();
        for (id, item) in [(1, "tea"), (2, "espresso"), (3, "muffin")] {
            let (_, order) = buy(&shop, item, 1).await;
            assert_eq!(order["id"], id);
        }
        let (_, second) = get(&shop, "/orders/2").await;
        assert_eq!(second["item"], "espresso");
    }

    #[tokio::test]
    async fn two_apps_are_two_shops() {
        let (one, other) = (app(), app());
        buy(&one, "croissant", 1).await;
        let (_, croissant) = get(&other, "/menu/croissant").await;
        assert_eq!(croissant["stock"], 1);
    }

    #[tokio::test]
    async fn the_clock_and_the_ids_are_the_callers() {
        let later = OPENING + SignedDuration::from_mins(5);
        let shop = app_with(move || later, || 4711, STAFF_TOKEN);
        let (_, order) = buy(&shop, "tea", 1).await;
        assert_eq!(order["id"], 4711);
        assert_eq!(
            order["placed_at"]
                .as_str()
                .unwrap()
                .parse::<Timestamp>()
                .unwrap(),
            later
        );
    }

    #[tokio::test]
    async fn quantities_from_one_to_ten_are_taken_and_no_others() {
        for (quantity, wanted) in [(0, 422), (1, 201), (10, 201), (11, 422)] {
            let (status, _) = buy(&app(), "tea", quantity).await;
            assert_eq!(status, wanted, "{quantity}");
        }
    }

    #[tokio::test]
    async fn a_customer_needs_a_name_and_blanks_are_none() {
        for customer in ["", "  "] {
            let (status, reason) = order(
                &app(),
                json!({ "customer": customer, "item": "tea", "quantity": 1 }),
            )
            .await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(reason, "customer must not be empty");
        }
    }

    #[tokio::test]
    async fn an_item_that_is_not_on_the_menu_cannot_be_ordered() {
        let (status, reason) = buy(&app(), "unicorn-latte", 1).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(reason, "item must be an id from the menu");
    }

    #[tokio::test]
    async fn tables_from_one_to_twelve_are_taken_and_no_others() {
        for (table, wanted) in [
            ("0", 400),
            ("1", 201),
            ("12", 201),
            ("13", 400),
            ("", 400),
            ("é", 400),
        ] {
            let body = json!({ "customer": "Ada", "item": "tea", "quantity": 1 });
            let (head, body) = post(body);
            let asked = (head.header("table-number", table), body);
            let (status, answer) = send(&app(), asked).await;
            assert_eq!(status, wanted, "{table:?}");
            if status == StatusCode::CREATED {
                assert_eq!(answer["table"].to_string(), table);
            }
        }
    }

    #[tokio::test]
    async fn a_table_number_that_is_sent_twice_is_refused() {
        let (head, body) =
            post(json!({ "customer": "Ada", "item": "tea", "quantity": 1 }));
        let head = head.header("table-number", "4").header("table-number", "9");
        let (status, _) = send(&app(), (head, body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn a_misspelt_filter_is_refused_rather_than_ignored() {
        let (status, reason) = get(&app(), "/menu?maxprice=250").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            reason
                .as_str()
                .unwrap()
                .contains("unknown field `maxprice`")
        );
    }

    #[tokio::test]
    async fn a_shop_whose_ids_fail_keeps_its_stock() {
        let shop = app_with(|| OPENING, || panic!("no more ids"), STAFF_TOKEN);
        let lost = tokio::spawn({
            let shop = shop.clone();
            async move { buy(&shop, "croissant", 1).await }
        });
        assert!(lost.await.is_err_and(|error| error.is_panic()));
        let (_, croissant) = get(&shop, "/menu/croissant").await;
        assert_eq!(croissant["stock"], 1);
    }

    #[tokio::test]
    async fn a_body_just_under_the_limit_is_read() {
        let note = "x".repeat(16 * 1024 - 200);
        let (status, order) = order(
        &app(),
        json!({ "customer": "Ada", "item": "tea", "quantity": 1, "note": note }),
    )
    .await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(order["note"], note);
    }

    /// The ids of the items on a menu, in its order.
    fn ids(menu: &Value) -> Vec<&Value> {
        let items = menu.as_array().expect("a menu is an array").iter();
        items.map(|item| &item["id"]).collect()
    }
}

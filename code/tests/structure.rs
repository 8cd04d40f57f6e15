//! What the chapter on organizing the project says, tested: the service without HTTP, and
//! the router without a socket.

mod support;

// In a module of the chapter's name, so that `cargo test structure` finds them.
mod structure {
    use crate::support::{buy, get, is_still_the_shop, order, recorded};
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use code::legacy::{NewOrder, OPENING, count_from_one};
    use code::structure::controllers::refused;
    use code::structure::services::{Invalid, Shop, ShopError};
    use code::structure::{app, app_with};
    use jiff::SignedDuration;
    use serde_json::json;
    use std::fs;
    use std::path::Path;
    use tower::ServiceExt;

    fn shop() -> Shop {
        Shop::new(|| OPENING, count_from_one())
    }

    fn new(customer: &str, item: &str, quantity: u32) -> NewOrder {
        NewOrder {
            customer: customer.into(),
            item: item.into(),
            quantity,
            note: None,
        }
    }

    // ANCHOR: without-http
    #[test]
    fn the_last_croissant_is_sold_once() {
        let shop = shop();
        let bo = shop.place_order(new("Bo", "croissant", 1), Some(4));
        let ada = shop.place_order(new("Ada", "croissant", 1), None);
        assert!(bo.is_ok());
        assert_eq!(ada.err(), Some(ShopError::NotEnough("Croissant".into())));
    }
    // ANCHOR_END: without-http

    #[test]
    fn the_menu_is_narrowed_by_price_and_the_total_is_price_times_quantity() {
        let shop = shop();
        let ids = |max_price| {
            let menu = shop.menu(max_price).into_iter();
            menu.map(|item| item.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(Some(250)), ["espresso", "tea"]);
        assert_eq!(ids(None).len(), 5);
        let order = shop.place_order(new("Ada", "flat-white", 3), None);
        assert_eq!(order.unwrap().total_cents, 1140);
    }

    #[tokio::test]
    async fn the_router_answers_as_before() {
        is_still_the_shop(&app()).await;
    }

    // ANCHOR: several-requests
    #[tokio::test]
    async fn clones_of_a_router_answer_for_one_shop() {
        let app = app();
        let croissant = || {
            let body =
                r#"{ "customer": "Ada", "item": "croissant", "quantity": 1 }"#;
            Request::post("/orders")
                .header("content-type", "application/json")
                .body(Body::from(body))
                .unwrap()
        };
        // `oneshot` takes the router for good, so it gets a clone.
        let first = app.clone().oneshot(croissant()).await.unwrap();
        let second = app.oneshot(croissant()).await.unwrap();
        assert_eq!([first.status(), second.status()], [201, 409]);
    }
    // ANCHOR_END: several-requests

    // ANCHOR: no-http
    #[test]
    fn services_know_nothing_of_http() {
        let services = include_str!("../src/structure/services.rs");
        for word in ["axum", "http::", "StatusCode", "Json", "Refusal"] {
            assert!(!services.contains(word), "services.rs says {word}");
        }
    }
    // ANCHOR_END: no-http

    #[test]
    fn each_file_of_the_folder_is_named_by_a_mod() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/structure");
        let named = fs::read_to_string(folder.join("mod.rs")).unwrap();
        for name in ["routes", "controllers", "services"] {
            let text = fs::read_to_string(folder.join(format!("{name}.rs")));
            assert!(text.is_ok(), "{name}.rs is there");
            assert!(named.contains(&format!("pub mod {name};")), "{name}");
        }
        assert_eq!(fs::read_dir(folder).unwrap().count(), 4);
    }

    /// The folder as a tree, each file with the first sentence that it says about itself.
    #[test]
    fn the_tree_is_what_lies_in_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/structure");
        let rows = ["mod", "routes", "controllers", "services"].map(|name| {
            let file = format!("{name}.rs");
            let text = fs::read_to_string(folder.join(&file)).unwrap();
            let about: Vec<_> = text
                .lines()
                .map_while(|line| line.strip_prefix("//! "))
                .collect();
            let about = about.join(" ");
            let about = about.split_once(").").map_or(&*about, |(_, rest)| rest);
            let (first, _) = about.split_once('.').unwrap();
            let branch = if name == "services" { "└" } else { "├" };
            format!("{branch}── {file:16}{}\n", first.trim())
        });
        let tree = format!("code/src/structure\n{}", rows.concat());
        recorded("output/structure/tree.txt", &tree);
    }

    #[test]
    fn every_no_has_one_status() {
        let invalid = Invalid {
            field: "item",
            reason: "must be warm",
        };
        for (error, status, says) in [
            (
                ShopError::UnknownItem("mead".into()),
                StatusCode::NOT_FOUND,
                "There is no mead on the menu",
            ),
            (
                ShopError::UnknownOrder(9),
                StatusCode::NOT_FOUND,
                "There is no order 9",
            ),
            (
                invalid.into(),
                StatusCode::UNPROCESSABLE_ENTITY,
                "item must be warm",
            ),
            (
                ShopError::NotEnough("Tea".into()),
                StatusCode::CONFLICT,
                "Not enough left: Tea",
            ),
        ] {
            assert_eq!(refused(error), (status, says.to_owned()));
        }
    }

    #[test]
    fn a_refused_order_changes_nothing() {
        let shop = shop();
        let refused = [
            shop.place_order(new("Ada", "muffin", 5), None),
            shop.place_order(new(" ", "muffin", 1), None),
            shop.place_order(new("Ada", "muffin", 0), None),
            shop.place_order(new("Ada", "muffin", 11), None),
            shop.place_order(new("Ada", "mead", 1), None),
        ];
        assert!(refused.iter().all(Result::is_err));
        let muffin = shop.item("muffin").map(|item| item.stock);
        assert_eq!(muffin, Ok(4));
        let order = shop.order(1).map(|order| order.id);
        assert_eq!(order, Err(ShopError::UnknownOrder(1)));
    }

    #[test]
    fn an_order_is_for_one_to_ten() {
        for (quantity, taken) in [(0, false), (1, true), (10, true), (11, false)] {
            let order = shop().place_order(new("Ada", "tea", quantity), None);
            assert_eq!(order.is_ok(), taken, "{quantity}");
        }
    }

    #[test]
    fn clones_of_a_shop_are_one_shop_and_two_shops_are_two() {
        let one = shop();
        let same = one.clone();
        assert!(one.place_order(new("Ada", "muffin", 3), None).is_ok());
        assert_eq!(same.item("muffin").map(|item| item.stock), Ok(1));
        assert_eq!(shop().item("muffin").map(|item| item.stock), Ok(4));
    }

    #[tokio::test]
    async fn the_clock_and_the_ids_are_the_callers() {
        let later = OPENING + SignedDuration::from_mins(5);
        let app = app_with(move || later, || 4711);
        let (status, tea) = buy(&app, "tea", 1).await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(tea["id"], 4711);
        assert_eq!(tea["placed_at"], later.to_string());
        let (_, stored) = get(&app, "/orders/4711").await;
        assert_eq!(stored, tea);
    }

    /// The lock is poisoned then, and the shop goes on.
    #[tokio::test]
    async fn a_shop_whose_ids_fail_keeps_its_stock() {
        let app = app_with(|| OPENING, || panic!("no more ids"));
        let lost = tokio::spawn({
            let app = app.clone();
            async move { buy(&app, "croissant", 1).await }
        });
        assert!(lost.await.is_err_and(|error| error.is_panic()));
        let (_, croissant) = get(&app, "/menu/croissant").await;
        assert_eq!(croissant["stock"], 1);
    }

    #[tokio::test]
    async fn the_customer_is_checked_before_the_quantity() {
        let both = json!({ "customer": "", "item": "tea", "quantity": 0 });
        let (status, reason) = order(&app(), both).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(reason, "customer must not be empty");
    }
}

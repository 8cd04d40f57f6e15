//! The claims of the chapters on organizing the project and on handlers, tested: the rules
//! without HTTP, which file depends on which, and routers that are put together. The chapter
//! on modules shows some of them.

mod support;

// In a module of the chapter's name, so that `cargo test structure` finds them.
mod structure {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;
    use std::{fs, io};

    use axum::extract::State;
    use axum::http::{Request, StatusCode};
    use axum::response::IntoResponse;
    use axum::{Router, body::Body, routing};
    use code::features;
    use code::structure::error::Error;
    use code::structure::model::{
        Cents, FieldError, Item, ItemId, ItemRequest, MenuFilter, NewOrder,
        OrderRequest, Quantity, ShopError,
    };
    use code::structure::services::{Put, Shop};
    use code::structure::{OPENING, STAFF_TOKEN, app, count_from_one};

    use serde_json::json;

    use crate::support::{ask, buy, get, is_still_the_shop, order, recorded};

    fn shop() -> Shop {
        Shop::new(|| OPENING, count_from_one())
    }

    fn new_order(customer: &str, item: &str, quantity: u32) -> NewOrder {
        let request = OrderRequest {
            customer: customer.into(),
            item: item.into(),
            quantity,
            note: None,
            table: None,
        };
        request.try_into().expect("this order is valid")
    }

    fn item(id: &str, price_cents: u32, stock: u32) -> Item {
        Item {
            id: ItemId::try_from(id.to_owned()).expect("this id is valid"),
            name: "Scone".into(),
            price_cents: Cents::new(price_cents),
            stock,
        }
    }

    // ANCHOR: without-http
    #[test]
    fn the_last_croissant_is_sold_once() {
        let shop = Shop::new(|| OPENING, count_from_one());

        let bo = shop.place_order(new_order("Bo", "croissant", 1));
        let ada = shop.place_order(new_order("Ada", "croissant", 1));

        assert!(bo.is_ok());
        let error = ShopError::NotEnoughLeft("Croissant".into());
        assert_eq!(ada.err(), Some(error));
    }
    // ANCHOR_END: without-http

    #[test]
    fn a_new_order_has_an_id_a_total_and_a_time_and_can_be_found() {
        let shop = shop();
        let order = shop.place_order(new_order("Ada", "flat-white", 2));
        let order = order.expect("there are enough");
        assert_eq!((order.id, order.total_cents.get()), (1, 760));
        assert_eq!(order.placed_at, OPENING);
        assert_eq!(shop.order(1), Ok(order));
        assert_eq!(shop.order(2), Err(ShopError::UnknownOrder(2)));
    }

    #[test]
    fn an_order_that_fails_changes_nothing() {
        let shop = shop();
        let gold = item("gold-leaf", u32::MAX, 10);
        assert_eq!(shop.put_item(gold), Put::Created);
        let menu = shop.menu(MenuFilter::default());
        for (id, quantity, error) in [
            ("latte", 1, ShopError::NotOnMenu),
            ("muffin", 5, ShopError::NotEnoughLeft("Muffin".into())),
            ("gold-leaf", 2, ShopError::TotalTooLarge),
        ] {
            let order = shop.place_order(new_order("Ada", id, quantity));
            assert_eq!(order.err(), Some(error));
        }
        assert_eq!(shop.menu(MenuFilter::default()), menu);
        assert_eq!(shop.order(1), Err(ShopError::UnknownOrder(1)));
    }

    #[test]
    fn a_panic_while_an_order_is_placed_changes_nothing() {
        let shop = Shop::new(|| OPENING, || panic!("no more ids"));
        let order =
            AssertUnwindSafe(|| shop.place_order(new_order("Bo", "croissant", 1)));
        assert!(catch_unwind(order).is_err());
        let croissant = shop.item("croissant").expect("it's on the menu");
        assert_eq!(croissant.stock, 1);
    }

    #[test]
    fn an_item_is_created_and_then_replaced() {
        let shop = shop();
        assert_eq!(shop.put_item(item("scone", 270, 6)), Put::Created);
        assert_eq!(shop.put_item(item("scone", 250, 5)), Put::Replaced);
        assert_eq!(shop.item("scone"), Ok(item("scone", 250, 5)));
        let filter = MenuFilter {
            max_price: Some(250),
        };
        let cheap = shop.menu(filter);
        let ids: Vec<&str> = cheap.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(ids, ["espresso", "tea", "scone"]);
    }

    #[test]
    fn an_item_that_cannot_be_sold_keeps_its_stock() {
        let two = Quantity::try_from(2).expect("2 is a quantity");
        let mut scone = item("scone", 270, 1);
        let error = ShopError::NotEnoughLeft("Scone".into());
        assert_eq!(scone.sell(two), Err(error));
        let mut gold = item("gold-leaf", u32::MAX, 2);
        assert_eq!(gold.sell(two), Err(ShopError::TotalTooLarge));
        assert_eq!((scone.stock, gold.stock), (1, 2));
    }

    #[test]
    fn all_mistakes_of_an_item_are_reported_at_once() {
        let request = ItemRequest {
            name: " ".into(),
            price_cents: 1_000_001,
            stock: 1_000_001,
        };
        let mistakes = request
            .into_item("Scone".into())
            .expect_err("four mistakes");
        let fields: Vec<&str> =
            mistakes.iter().map(|mistake| mistake.field).collect();
        assert_eq!(fields, ["id", "name", "price_cents", "stock"]);
    }

    #[test]
    fn each_error_has_its_status() {
        let shop = |error| Error::from(error);
        let mistake = FieldError {
            field: "quantity",
            reason: "must be from 1 to 10",
        };
        for (error, status) in [
            (shop(ShopError::UnknownItem("latte".into())), 404),
            (shop(ShopError::UnknownOrder(1)), 404),
            (shop(ShopError::NotOnMenu), 422),
            (shop(ShopError::TotalTooLarge), 422),
            (shop(ShopError::NotEnoughLeft("Tea".into())), 409),
            (Error::from(vec![mistake]), 422),
            (Error::Unauthorized, 401),
        ] {
            assert_eq!(error.into_response().status(), status);
        }
    }

    #[tokio::test]
    async fn it_is_the_shop_of_the_chapters_before() {
        is_still_the_shop(&app()).await;
    }

    #[tokio::test]
    async fn each_error_says_what_was_wrong() {
        let app = app();
        for (response, text) in [
            (
                get(&app, "/menu/latte").await,
                "There is no latte on the menu",
            ),
            (get(&app, "/orders/7").await, "There is no order 7"),
            (
                buy(&app, "croissant", 2).await,
                "Not enough left: Croissant",
            ),
            (
                buy(&app, "latte", 1).await,
                "item must be the id of an item on the menu",
            ),
            (buy(&app, "tea", 11).await, "quantity must be from 1 to 10"),
            (
                order(
                    &app,
                    json!({ "customer": " ", "item": "tea", "quantity": 1 }),
                )
                .await,
                "customer must not be empty",
            ),
        ] {
            assert_eq!(response.1, text);
        }
        let error = ShopError::TotalTooLarge.to_string();
        assert_eq!(error, "quantity makes the total too large");
    }

    #[test]
    fn an_item_may_have_the_largest_price_and_stock_but_no_mistake() {
        let request = |name: &str| ItemRequest {
            name: name.into(),
            price_cents: 1_000_000,
            stock: 1_000_000,
        };
        assert!(request("Gold leaf").into_item("gold-leaf".into()).is_ok());
        assert!(request("").into_item("gold-leaf".into()).is_err());
    }

    #[tokio::test]
    async fn only_staff_may_change_the_menu() {
        let app = app();
        for (token, status) in [("guess", 401), (STAFF_TOKEN, 200)] {
            let request = Request::put("/menu/tea")
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json");
            let tea = r#"{ "name": "Tea", "price_cents": 230, "stock": 20 }"#;
            let answer = ask(&app, (request, Body::from(tea))).await;
            assert_eq!(answer.status, status);
        }
    }

    // ANCHOR: no-http
    /// Finds the crates and modules that this source code uses, but must
    /// not use.
    fn forbidden(source: &str) -> Vec<&str> {
        let allowed = ["std", "fmt", "u32", "jiff", "serde", "tracing"];
        source
            .split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
            .filter(|word| word.starts_with(char::is_lowercase))
            .filter(|word| !word.starts_with("super::model::"))
            .filter_map(|word| word.split_once("::"))
            .map(|(crate_or_module, _)| crate_or_module)
            .filter(|name| !allowed.contains(name))
            .collect()
    }

    #[test]
    fn the_model_and_the_services_do_not_depend_on_axum() {
        let model = include_str!("../src/structure/model.rs");
        let services = include_str!("../src/structure/services.rs");
        let found = [forbidden(model), forbidden(services)].concat();
        assert!(found.is_empty(), "{found:?}");
    }
    // ANCHOR_END: no-http

    /// A test that can't fail proves nothing.
    #[test]
    fn a_path_to_axum_or_to_a_handler_would_be_found() {
        for (code, name) in [
            ("use axum::http::StatusCode;", "axum"),
            ("fn status() -> axum::http::StatusCode", "axum"),
            ("use super::error::Error;", "super"),
            ("Err(crate::structure::error::Error::Unauthorized)", "crate"),
            ("use super::{error::Error, model::Item};", "super"),
        ] {
            assert_eq!(forbidden(code).first(), Some(&name), "{code}");
        }
        let handlers = include_str!("../src/structure/handlers.rs");
        assert!(forbidden(handlers).contains(&"axum"));
    }

    /// The names of the program's files.
    fn files() -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder())? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn folder() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/structure"))
    }

    #[test]
    fn the_program_uses_no_other_program() -> io::Result<()> {
        for file in files()? {
            let source = fs::read_to_string(folder().join(&file))?;
            assert!(!source.contains("crate::"), "{file}");
        }
        Ok(())
    }

    /// The tree on the page: each file with the beginning of its documentation.
    #[test]
    fn the_tree_of_the_files() -> io::Result<()> {
        // From the outside to the inside.
        let listed = [
            "mod.rs",
            "routes.rs",
            "handlers.rs",
            "extract.rs",
            "error.rs",
            "state.rs",
            "services.rs",
            "model.rs",
        ];
        let mut sorted = listed;
        sorted.sort_unstable();
        assert_eq!(files()?, sorted);

        let mut tree = String::from("code/src/structure\n");
        for (number, file) in (1..).zip(listed) {
            let source = fs::read_to_string(folder().join(file))?;
            let about = source.trim_start_matches("//! ");
            let (purpose, _) = about.split_once(['.', ':']).expect("a sentence");
            let branch = if number == listed.len() { '└' } else { '├' };
            tree += &format!("{branch}── {file:11}  {purpose}\n");
        }
        recorded("output/structure/tree.txt", &tree);
        Ok(())
    }

    /// The tree of a folder and the folders inside it, without the first line.
    fn tree(folder: &Path, indent: &str) -> io::Result<String> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder)? {
            paths.push(entry?.path());
        }
        paths.sort();
        let mut lines = String::new();
        for (number, path) in (1..).zip(&paths) {
            let last = number == paths.len();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let (branch, below) = if last {
                ("└── ", "    ")
            } else {
                ("├── ", "│   ")
            };
            lines += &format!("{indent}{branch}{name}\n");
            if path.is_dir() {
                lines += &tree(path, &format!("{indent}{below}"))?;
            }
        }
        Ok(lines)
    }

    #[test]
    fn the_tree_of_the_features() -> io::Result<()> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/features");
        let lines = tree(Path::new(folder), "")?;
        recorded(
            "output/structure/features.txt",
            &format!("code/src/features\n{lines}"),
        );
        Ok(())
    }

    #[tokio::test]
    async fn the_features_share_one_menu() {
        let app = features::app();
        let one = (StatusCode::OK, json!([{ "id": "croissant", "stock": 1 }]));
        assert_eq!(get(&app, "/menu").await, one);
        for status in [201, 409] {
            let request =
                Request::post("/orders").header("content-type", "application/json");
            let order = Body::from(r#"{ "item": "croissant" }"#);
            assert_eq!(ask(&app, (request, order)).await.status, status);
        }
        let none = (StatusCode::OK, json!([{ "id": "croissant", "stock": 0 }]));
        assert_eq!(get(&app, "/menu").await, none);
    }

    fn one_route(path: &str) -> Router {
        Router::new().route(path, routing::get(|| async {}))
    }

    #[test]
    #[should_panic(expected = "Overlapping method route")]
    fn to_merge_two_routers_with_the_same_route_panics() {
        let _ = one_route("/menu").merge(one_route("/menu"));
    }

    #[test]
    #[should_panic(expected = "Nesting at the root is no longer supported")]
    fn to_nest_below_the_root_panics() {
        let _: Router = Router::new().nest("/", one_route("/menu"));
    }

    #[tokio::test]
    async fn a_router_that_has_its_state_can_be_merged_with_one_that_has_another() {
        let name =
            routing::get(|State(name): State<&'static str>| async move { name });
        let year =
            routing::get(|State(year): State<u16>| async move { year.to_string() });
        let name = Router::new().route("/name", name).with_state("Ines");
        let year = Router::new().route("/year", year).with_state(2026);

        let app = Router::new().merge(name).merge(year);

        assert_eq!(get(&app, "/name").await, (StatusCode::OK, "Ines".into()));
        assert_eq!(get(&app, "/year").await, (StatusCode::OK, 2026.into()));
    }
}

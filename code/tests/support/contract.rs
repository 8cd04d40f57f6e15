//! What every repository of the shop must do, whatever it keeps its books in. A rule is a
//! function that takes a fresh one, with the opening menu and no order.
//!
//! `rules!` is the list of them. In a test, `rules!(test_each(open))` makes one test of each, and
//! `rules!(name_each())` a list to loop over.

// What cannot be had breaks the rule, and a panic says so.
#![allow(clippy::unwrap_used)]

use std::pin::Pin;
use std::sync::Arc;

use code::data::repository::{Repository, Sale};
use code::legacy::{OPENING, Order};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What keeps the books.
pub type Books = Arc<dyn Repository>;

/// A rule with its name.
pub type Rule = (
    &'static str,
    fn(Books) -> Pin<Box<dyn Future<Output = ()> + Send>>,
);

/// Hands the names of all rules to a macro, after what else it takes.
#[macro_export]
macro_rules! rules {
    ($each:ident($($with:tt)*)) => {
        $crate::$each! {
            ($($with)*)
            the_menu_is_listed_in_its_order
            a_highest_price_narrows_the_menu_and_includes_itself
            an_item_is_found_by_its_id_and_no_other
            an_order_that_nobody_placed_is_none
            an_order_takes_what_it_sells_from_the_stock
            the_last_one_can_be_sold_and_stays_on_the_menu
            an_order_for_more_than_is_left_changes_nothing
            an_order_for_what_is_not_on_the_menu_changes_nothing
            orders_are_numbered_from_one_on
            what_is_stored_comes_back_exactly
        }
    };
}

/// Makes a test of each rule. `open` makes a repository, with a name for a file where it needs
/// one.
#[macro_export]
macro_rules! test_each {
    (($open:expr) $($rule:ident)*) => {$(
        #[tokio::test]
        async fn $rule() {
            let folder = tempfile::tempdir().expect("a folder for a file");
            let books = $open(&folder.path().join("shop.db"));
            $crate::support::contract::$rule(books).await;
        }
    )*};
}

/// Makes a list of the rules.
#[macro_export]
macro_rules! name_each {
    (() $($rule:ident)*) => {{
        let rules: Vec<$crate::support::contract::Rule> = vec![$((
            stringify!($rule),
            |books| Box::pin($crate::support::contract::$rule(books)),
        )),*];
        rules
    }};
}

pub async fn the_menu_is_listed_in_its_order(books: Books) {
    let listed = ids(&books, None).await;
    let wanted = ["espresso", "flat-white", "tea", "croissant", "muffin"];
    assert_eq!(listed, wanted);
    // Selling moves nothing.
    sell(&books, "espresso", 1).await;
    assert_eq!(ids(&books, None).await, wanted);
}

pub async fn a_highest_price_narrows_the_menu_and_includes_itself(books: Books) {
    assert_eq!(ids(&books, Some(250)).await, ["espresso", "tea"]);
    assert_eq!(ids(&books, Some(249)).await, ["tea"]);
    assert_eq!(ids(&books, Some(0)).await, [""; 0]);
    assert_eq!(ids(&books, Some(u32::MAX)).await.len(), 5);
}

pub async fn an_item_is_found_by_its_id_and_no_other(books: Books) {
    let tea = books.item("tea").await.unwrap().expect("there is tea");
    assert_eq!((tea.id.as_str(), tea.name.as_str()), ("tea", "Tea"));
    assert_eq!((tea.price_cents, tea.stock), (220, 20));
    for id in ["Tea", "te", "tea ", "", "%", "tea' OR 'a' = 'a", "tea\0"] {
        assert!(books.item(id).await.unwrap().is_none(), "{id:?}");
    }
}

// ANCHOR: unknown
/// Also one past what SQLite can count: the number is in the path, so anyone may ask.
pub async fn an_order_that_nobody_placed_is_none(books: Books) {
    sell(&books, "tea", 1).await.expect("there is tea");
    for id in [0, 2, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        assert!(books.order(id).await.unwrap().is_none(), "{id}");
    }
}
// ANCHOR_END: unknown

// ANCHOR: takes
pub async fn an_order_takes_what_it_sells_from_the_stock(books: Books) {
    sell(&books, "muffin", 3).await.expect("there are four");
    assert_eq!(stock(&books, "muffin").await, 1);
    assert_eq!(stock(&books, "tea").await, 20); // and from nothing else
}
// ANCHOR_END: takes

pub async fn the_last_one_can_be_sold_and_stays_on_the_menu(books: Books) {
    sell(&books, "croissant", 1).await.expect("there is one");
    assert_eq!(stock(&books, "croissant").await, 0);
    assert!(sell(&books, "croissant", 1).await.is_none());
    assert_eq!(ids(&books, None).await.len(), 5);
}

pub async fn an_order_for_more_than_is_left_changes_nothing(books: Books) {
    assert!(sell(&books, "muffin", 5).await.is_none());
    assert_eq!(stock(&books, "muffin").await, 4);
    assert!(books.order(1).await.unwrap().is_none());
    let next = sell(&books, "muffin", 4).await.expect("there are four");
    assert_eq!(next.id, 1, "a refused order has taken a number");
}

pub async fn an_order_for_what_is_not_on_the_menu_changes_nothing(books: Books) {
    assert!(sell(&books, "unicorn-latte", 1).await.is_none());
    assert!(books.order(1).await.unwrap().is_none());
    assert_eq!(ids(&books, None).await.len(), 5);
}

pub async fn orders_are_numbered_from_one_on(books: Books) {
    for id in 1..=3 {
        let order = sell(&books, "tea", 1).await.expect("there is tea");
        assert_eq!(order.id, id);
    }
    let found = books.order(2).await.unwrap().expect("it was placed");
    assert_eq!(found.id, 2);
}

pub async fn what_is_stored_comes_back_exactly(books: Books) {
    let sales = [
        sale("tea", 1),
        Sale {
            note: Some(String::new()), // not the same as none
            table: Some(0),
            total_cents: 0,
            placed_at: Timestamp::UNIX_EPOCH,
            ..sale("tea", 1)
        },
        Sale {
            customer: " Zoë 🥐'); DROP TABLE orders; --".into(),
            note: Some("two\r\nlines\0\t\"and more\" ".into()),
            table: Some(u8::MAX),
            total_cents: u32::MAX,
            placed_at: "2026-03-02T08:15:00.123456789Z".parse().unwrap(),
            ..sale("muffin", 4)
        },
        Sale {
            placed_at: "1969-12-31T23:59:59.000000001Z".parse().unwrap(),
            ..sale("tea", 2)
        },
    ];
    for (id, sale) in (1..).zip(sales) {
        let wanted = json(&sale.clone().numbered(id));
        let order = books.place_order(sale).await.unwrap();
        assert_eq!(json(&order.expect("there are enough")), wanted);
        let found = books.order(id).await.unwrap();
        assert_eq!(json(&found.expect("it was placed")), wanted);
    }
}

/// The order with all that it has: it is compared as its customer sees it.
fn json(order: &Order) -> Value {
    json!(order)
}

/// What Ada wants, to go.
pub fn sale(item: &str, quantity: u32) -> Sale {
    Sale {
        customer: "Ada".into(),
        item: item.into(),
        quantity,
        note: None,
        table: None,
        total_cents: 100 * quantity,
        placed_at: OPENING,
    }
}

async fn sell(books: &Books, item: &str, quantity: u32) -> Option<Order> {
    books.place_order(sale(item, quantity)).await.unwrap()
}

async fn stock(books: &Books, id: &str) -> u32 {
    let item = books.item(id).await.unwrap();
    item.expect("it is on the menu").stock
}

async fn ids(books: &Books, max_price: Option<u32>) -> Vec<String> {
    let menu = books.menu(max_price).await.unwrap();
    menu.into_iter().map(|item| item.id).collect()
}

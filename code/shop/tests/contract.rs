//! The contract of [`Repository`]: one suite of tests for every implementation. Each
//! rule is a function that gets a new repository with the opening menu and no orders.

#![allow(clippy::unwrap_used)] // in a test, a panic is the report

mod support;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use shop::model::{
    Cents, Item, ItemId, MenuFilter, NewOrder, Note, Order, OrderChange,
    OrderFilter, OrderPatch, OrderRequest, OrderStatus, Page, PageLimit, ShopError,
    opening_menu,
};
use shop::repository::memory::Memory;
use shop::repository::{Clock, Put, Repository, RepositoryError};
use support::{NOW, new_order};
use tokio::task::{JoinSet, yield_now};

type Repo = Arc<dyn Repository>;
type Rule = fn(Repo) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes two tests of each rule, one for each repository, and a list of all rules.
// ANCHOR: two-modules
macro_rules! contract {
    ($($rule:ident),* $(,)?) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $rule() {
                    super::$rule(super::memory()).await;
                }
            )*
        }

        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(
                #[tokio::test]
                async fn $rule() {
                    let folder = tempfile::tempdir().unwrap();
                    let sqlite = crate::support::sqlite(folder.path());
                    super::$rule(std::sync::Arc::new(sqlite)).await;
                }
            )*
        }
        // ANCHOR_END: two-modules

        const RULES: &[(&str, Rule)] =
            &[$((stringify!($rule), |repository| Box::pin($rule(repository)))),*];
    };
}

contract! {
    the_menu_has_the_sequence_in_which_it_was_made,
    a_highest_price_includes_itself,
    an_item_is_found_by_its_id_and_by_nothing_else,
    a_new_item_comes_last_and_a_replaced_one_stays_in_its_place,
    an_item_that_was_deleted_is_gone_and_can_be_added_again,
    an_order_reduces_the_stock_of_its_item_and_of_no_other,
    the_last_one_can_be_sold_and_stays_on_the_menu,
    an_order_for_more_than_is_left_changes_nothing,
    an_order_for_what_is_not_on_the_menu_changes_nothing,
    an_order_whose_total_is_too_large_changes_nothing,
    orders_have_the_ids_1_2_and_so_on,
    an_order_that_was_never_placed_is_not_found,
    what_was_stored_comes_back_exactly,
    the_clock_is_asked_once_for_each_order_that_is_placed,
    orders_keep_what_they_were_placed_with,
    every_filter_leaves_out_what_does_not_match,
    pages_follow_each_other_without_a_gap,
    a_change_is_stored_and_leaves_the_rest_alone,
    canceling_puts_the_stock_back_once,
    a_canceled_order_never_changes_again,
    canceling_brings_no_deleted_item_back,
    an_order_that_was_never_placed_cannot_be_changed,
    the_repository_answers_a_ping,
    a_hundred_buyers_get_one_croissant,
    canceling_twice_at_once_puts_the_stock_back_once,
    times_grow_with_ids,
}

fn memory() -> Repo {
    Arc::new(Memory::new(opening_menu()))
}

async fn the_menu_has_the_sequence_in_which_it_was_made(repository: Repo) {
    let sequence = ["espresso", "flat-white", "tea", "croissant", "muffin"];
    assert_eq!(menu(&repository, None).await, sequence);
    place(&repository, "tea", 1).await.unwrap();
    assert_eq!(menu(&repository, None).await, sequence);
}

async fn a_highest_price_includes_itself(repository: Repo) {
    assert_eq!(menu(&repository, Some(250)).await, ["espresso", "tea"]);
    assert_eq!(menu(&repository, Some(249)).await, ["tea"]);
    assert_eq!(menu(&repository, Some(0)).await, [""; 0]);
    assert_eq!(menu(&repository, Some(u32::MAX)).await.len(), 5);
}

async fn an_item_is_found_by_its_id_and_by_nothing_else(repository: Repo) {
    let tea = repository.item("tea").await.unwrap();
    assert_eq!(tea.as_ref(), Some(&opening_menu()[2]));
    for id in ["Tea", "te", "tea ", "", "%", "tea' OR '1' = '1", "tea\0"] {
        assert_eq!(repository.item(id).await.unwrap(), None, "{id:?}");
        assert!(!repository.delete_item(id).await.unwrap(), "{id:?}");
        let placed = place(&repository, id, 1).await;
        assert_eq!(placed, Err(ShopError::NotOnMenu), "{id:?}");
    }
}

async fn a_new_item_comes_last_and_a_replaced_one_stays_in_its_place(
    repository: Repo,
) {
    let scone = item("scone", 270, 6);
    assert_eq!(
        repository.put_item(scone.clone()).await.unwrap(),
        Put::Created
    );
    assert_eq!(repository.item("scone").await.unwrap(), Some(scone));
    assert_eq!(menu(&repository, None).await[5], "scone");

    let tea = Item {
        name: "Mint tea".into(),
        ..item("tea", u32::MAX, u32::MAX)
    };
    assert_eq!(
        repository.put_item(tea.clone()).await.unwrap(),
        Put::Replaced
    );
    assert_eq!(repository.item("tea").await.unwrap(), Some(tea));
    assert_eq!(menu(&repository, None).await[2], "tea");
    assert_eq!(menu(&repository, None).await.len(), 6);
}

async fn an_item_that_was_deleted_is_gone_and_can_be_added_again(repository: Repo) {
    assert!(repository.delete_item("tea").await.unwrap());
    assert!(!repository.delete_item("tea").await.unwrap());
    assert_eq!(repository.item("tea").await.unwrap(), None);
    assert_eq!(
        place(&repository, "tea", 1).await,
        Err(ShopError::NotOnMenu)
    );

    let tea = item("tea", 1, 1);
    assert_eq!(repository.put_item(tea).await.unwrap(), Put::Created);
    let sequence = ["espresso", "flat-white", "croissant", "muffin", "tea"];
    assert_eq!(menu(&repository, None).await, sequence);
}

async fn an_order_reduces_the_stock_of_its_item_and_of_no_other(repository: Repo) {
    place(&repository, "muffin", 3).await.unwrap();
    let stocks = repository.menu(MenuFilter::default()).await.unwrap();
    let stocks: Vec<_> = stocks.iter().map(|item| item.stock).collect();
    assert_eq!(stocks, [40, 30, 20, 1, 1]);
}

async fn the_last_one_can_be_sold_and_stays_on_the_menu(repository: Repo) {
    place(&repository, "croissant", 1).await.unwrap();
    let sold_out = Err(ShopError::NotEnoughLeft("Croissant".into()));
    assert_eq!(place(&repository, "croissant", 1).await, sold_out);
    assert_eq!(stock(&repository, "croissant").await, 0);
    assert_eq!(menu(&repository, None).await.len(), 5);
}

// ANCHOR: more-than-is-left
async fn an_order_for_more_than_is_left_changes_nothing(repository: Repo) {
    let too_few = Err(ShopError::NotEnoughLeft("Muffin".into()));
    assert_eq!(place(&repository, "muffin", 5).await, too_few);
    assert_eq!(stock(&repository, "muffin").await, 4);
    assert_eq!(repository.order(1).await.unwrap(), None);
    let next = place(&repository, "muffin", 4).await.unwrap();
    assert_eq!(next.id, 1, "the order that failed used an id");
}
// ANCHOR_END: more-than-is-left

async fn an_order_for_what_is_not_on_the_menu_changes_nothing(repository: Repo) {
    let placed = place(&repository, "latte", 1).await;
    assert_eq!(placed, Err(ShopError::NotOnMenu));
    assert_eq!(repository.order(1).await.unwrap(), None);
    assert_eq!(menu(&repository, None).await.len(), 5);
}

async fn an_order_whose_total_is_too_large_changes_nothing(repository: Repo) {
    let yacht = item("yacht", u32::MAX, 3);
    repository.put_item(yacht.clone()).await.unwrap();
    let placed = place(&repository, "yacht", 2).await;
    assert_eq!(placed, Err(ShopError::TotalTooLarge));
    assert_eq!(repository.item("yacht").await.unwrap(), Some(yacht));
    let one = place(&repository, "yacht", 1).await.unwrap();
    assert_eq!(one.total_cents.get(), u32::MAX);
}

async fn orders_have_the_ids_1_2_and_so_on(repository: Repo) {
    for id in 1..=3 {
        let placed = place(&repository, "tea", 1).await.unwrap();
        assert_eq!(placed.id, id);
    }
    let found = repository.order(2).await.unwrap();
    assert_eq!(found.map(|order| order.id), Some(2));
}

/// The id is in a path, so a client may send any number, also one that is too large
/// for SQLite.
async fn an_order_that_was_never_placed_is_not_found(repository: Repo) {
    place(&repository, "tea", 1).await.unwrap();
    for id in [0, 2, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        assert_eq!(repository.order(id).await.unwrap(), None, "{id}");
    }
}

async fn what_was_stored_comes_back_exactly(repository: Repo) {
    let request = |customer: &str, note: Option<&str>, table| OrderRequest {
        customer: customer.into(),
        item: "tea".into(),
        quantity: 1,
        note: note.map(Into::into),
        table,
    };
    let requests = [
        request("Ada", None, None),
        request("Ada", Some("0"), Some(1)),
        request("Zoë 🥐'); DROP TABLE orders; --", Some("null"), Some(12)),
        request(
            "A\u{202e}b",
            Some("two\u{2028}lines \\0 \"and more\""),
            None,
        ),
    ];
    for (id, request) in (1..).zip(requests) {
        let new = NewOrder::try_from(request.clone()).unwrap();
        let placed = repository.place_order(new, clock()).await.unwrap();
        assert_eq!(placed.customer.as_str(), request.customer);
        let note = placed.note.as_ref().map(Note::as_str);
        assert_eq!(note, request.note.as_deref());
        assert_eq!(placed.table.map(|table| table.get()), request.table);
        assert_eq!(placed.placed_at, NOW);
        assert_eq!(repository.order(id).await.unwrap(), Some(placed));
    }
    let odd = Item {
        name: "a\0b ' \"".into(),
        ..item("odd", 0, 0)
    };
    repository.put_item(odd.clone()).await.unwrap();
    assert_eq!(repository.item("odd").await.unwrap(), Some(odd));
}

async fn the_clock_is_asked_once_for_each_order_that_is_placed(repository: Repo) {
    let clock = ticking_clock();
    for item in ["tea", "latte", "croissant"] {
        let _ = repository
            .place_order(new_order(item, 2), clock.clone())
            .await;
    }
    let placed = repository.place_order(new_order("tea", 1), clock).await;
    assert_eq!(placed.unwrap().placed_at.as_second(), 2);
}

async fn orders_keep_what_they_were_placed_with(repository: Repo) {
    let placed = place(&repository, "tea", 2).await.unwrap();
    assert_eq!(placed.unit_price_cents.get(), 220);
    assert_eq!(placed.total_cents.get(), 440);
    assert_eq!(placed.item_name, "Tea");
    repository.put_item(item("tea", 1, 1)).await.unwrap();
    assert_eq!(repository.order(1).await.unwrap().as_ref(), Some(&placed));
    repository.delete_item("tea").await.unwrap();
    assert_eq!(repository.order(1).await.unwrap().as_ref(), Some(&placed));
}

async fn every_filter_leaves_out_what_does_not_match(repository: Repo) {
    for (customer, item) in [
        ("Ada", "tea"),
        ("Bo", "tea"),
        ("Ada", "muffin"),
        ("Ada", "espresso"),
    ] {
        let request = OrderRequest {
            customer: customer.into(),
            item: item.into(),
            quantity: 1,
            note: None,
            table: None,
        };
        let new = NewOrder::try_from(request).unwrap();
        repository.place_order(new, clock()).await.unwrap();
    }
    change(&repository, 3, r#"{"status": "canceled"}"#)
        .await
        .unwrap();

    let customer = |name: &str| OrderFilter {
        customer: Some(name.into()),
        ..all()
    };
    let status = |status| OrderFilter {
        status: Some(status),
        ..all()
    };
    let items = |ids: &[&str]| OrderFilter {
        items: ids.iter().map(|&id| id.into()).collect(),
        ..all()
    };
    let both = OrderFilter {
        customer: Some("Ada".into()),
        ..items(&["tea", "muffin"])
    };
    for (filter, ids) in [
        (all(), vec![1, 2, 3, 4]),
        (customer("Ada"), vec![1, 3, 4]),
        (customer("ada"), vec![]),
        (customer("Ada\0"), vec![]),
        (customer("%"), vec![]),
        (items(&["tea"]), vec![1, 2]),
        (items(&["muffin", "tea", "tea"]), vec![1, 2, 3]),
        (items(&["latte"]), vec![]),
        (items(&["tea\0", "\"tea\"", "te", ""]), vec![]),
        (status(OrderStatus::Placed), vec![1, 2, 4]),
        (status(OrderStatus::Canceled), vec![3]),
        (OrderFilter { after: 2, ..all() }, vec![3, 4]),
        (OrderFilter { after: 4, ..all() }, vec![]),
        (
            OrderFilter {
                after: u64::MAX,
                ..all()
            },
            vec![],
        ),
        (both.clone(), vec![1, 3]),
        (
            OrderFilter {
                after: 1,
                status: Some(OrderStatus::Placed),
                ..both
            },
            vec![],
        ),
    ] {
        let page = repository.orders(filter.clone()).await.unwrap();
        assert_eq!(ids_of(&page), ids, "{filter:?}");
        assert_eq!(page.next, None, "{filter:?}");
    }
    let orders = repository.orders(all()).await.unwrap().items;
    assert_eq!(
        repository.order(3).await.unwrap().as_ref(),
        Some(&orders[2])
    );
}

async fn pages_follow_each_other_without_a_gap(repository: Repo) {
    for _ in 0..5 {
        place(&repository, "tea", 1).await.unwrap();
    }
    let page = |after, limit| {
        repository.orders(OrderFilter {
            after,
            limit: PageLimit::try_from(limit).unwrap(),
            ..all()
        })
    };
    let first = page(0, 2).await.unwrap();
    assert_eq!((ids_of(&first), first.next), (vec![1, 2], Some(2)));
    let second = page(2, 2).await.unwrap();
    assert_eq!((ids_of(&second), second.next), (vec![3, 4], Some(4)));
    let third = page(4, 2).await.unwrap();
    assert_eq!((ids_of(&third), third.next), (vec![5], None));
    let whole = page(0, 5).await.unwrap();
    assert_eq!((ids_of(&whole).len(), whole.next), (5, None));
}

async fn a_change_is_stored_and_leaves_the_rest_alone(repository: Repo) {
    place(&repository, "tea", 1).await.unwrap();
    let before = place(&repository, "tea", 2).await.unwrap();
    for (patch, note, table) in [
        (r#"{"note": "hot", "table": 7}"#, Some("hot"), Some(7)),
        ("{}", Some("hot"), Some(7)),
        (r#"{"note": " warm\n"}"#, Some("warm"), Some(7)),
        (r#"{"table": null}"#, Some("warm"), None),
        (r#"{"note": null, "table": 12}"#, None, Some(12)),
    ] {
        let changed = change(&repository, 2, patch).await.unwrap();
        assert_eq!(changed.note.as_ref().map(Note::as_str), note, "{patch}");
        assert_eq!(changed.table.map(|table| table.get()), table, "{patch}");
        let stored = repository.order(2).await.unwrap().unwrap();
        assert_eq!(stored, changed, "{patch}");
        let rest = Order {
            note: None,
            table: None,
            ..stored
        };
        assert_eq!(rest, before, "{patch}");
    }
    let other = repository.order(1).await.unwrap().unwrap();
    assert_eq!((other.note, other.table), (None, None));
    assert_eq!(stock(&repository, "tea").await, 17);
}

async fn canceling_puts_the_stock_back_once(repository: Repo) {
    place(&repository, "muffin", 1).await.unwrap();
    let placed = place(&repository, "muffin", 3).await.unwrap();
    let canceled = change(&repository, 2, r#"{"status": "canceled"}"#)
        .await
        .unwrap();
    assert_eq!(
        canceled,
        Order {
            status: OrderStatus::Canceled,
            ..placed
        }
    );
    assert_eq!(repository.order(2).await.unwrap(), Some(canceled));
    assert_eq!(stock(&repository, "muffin").await, 3);

    let again = change(&repository, 2, r#"{"status": "canceled"}"#).await;
    assert_eq!(again, Err(ShopError::OrderCanceled(2)));
    assert_eq!(stock(&repository, "muffin").await, 3);
    let first = repository.order(1).await.unwrap().unwrap();
    assert_eq!(first.status, OrderStatus::Placed);
}

async fn a_canceled_order_never_changes_again(repository: Repo) {
    place(&repository, "tea", 1).await.unwrap();
    let cancel = r#"{"status": "canceled", "note": "sorry"}"#;
    let canceled = change(&repository, 1, cancel).await.unwrap();
    let note = canceled.note.as_ref().map(Note::as_str);
    assert_eq!(note, Some("sorry"));
    for patch in ["{}", r#"{"note": null}"#, r#"{"table": 1}"#, cancel] {
        let changed = change(&repository, 1, patch).await;
        assert_eq!(changed, Err(ShopError::OrderCanceled(1)), "{patch}");
    }
    assert_eq!(repository.order(1).await.unwrap(), Some(canceled));
}

async fn canceling_brings_no_deleted_item_back(repository: Repo) {
    place(&repository, "tea", 1).await.unwrap();
    place(&repository, "tea", 2).await.unwrap();
    repository.delete_item("tea").await.unwrap();
    let canceled = change(&repository, 1, r#"{"status": "canceled"}"#)
        .await
        .unwrap();
    assert_eq!(canceled.status, OrderStatus::Canceled);
    assert_eq!(repository.item("tea").await.unwrap(), None);

    // It goes to the item that has the id now.
    repository.put_item(item("tea", 1, 1)).await.unwrap();
    change(&repository, 2, r#"{"status": "canceled"}"#)
        .await
        .unwrap();
    assert_eq!(stock(&repository, "tea").await, 3);
}

async fn an_order_that_was_never_placed_cannot_be_changed(repository: Repo) {
    for id in [0, 1, i64::MAX as u64 + 1, u64::MAX] {
        let changed = change(&repository, id, r#"{"note": "x"}"#).await;
        assert_eq!(changed, Err(ShopError::UnknownOrder(id)));
    }
}

async fn the_repository_answers_a_ping(repository: Repo) {
    repository.ping().await.unwrap();
    for item in repository.menu(MenuFilter::default()).await.unwrap() {
        repository.delete_item(item.id.as_str()).await.unwrap();
    }
    repository.ping().await.unwrap(); // an empty menu is no failure
}

// ANCHOR: hundred-buyers
async fn a_hundred_buyers_get_one_croissant(repository: Repo) {
    let mut buyers = JoinSet::new();
    for _ in 0..100 {
        let repository = Arc::clone(&repository);
        buyers.spawn(async move { place(&repository, "croissant", 1).await });
    }
    let results = buyers.join_all().await;
    let sold = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(sold, 1);
    assert_eq!(stock(&repository, "croissant").await, 0);
    assert_eq!(repository.orders(all()).await.unwrap().items.len(), 1);
}
// ANCHOR_END: hundred-buyers

// ANCHOR: canceling-twice
async fn canceling_twice_at_once_puts_the_stock_back_once(repository: Repo) {
    place(&repository, "muffin", 2).await.unwrap();
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        let repository = Arc::clone(&repository);
        let cancel = r#"{"status": "canceled"}"#;
        clients.spawn(async move { change(&repository, 1, cancel).await });
    }
    let results = clients.join_all().await;
    let canceled = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!((canceled, stock(&repository, "muffin").await), (1, 4));
}
// ANCHOR_END: canceling-twice

// ANCHOR: times
async fn times_grow_with_ids(repository: Repo) {
    let clock = ticking_clock();
    let mut customers = JoinSet::new();
    for _ in 0..20 {
        let repository = Arc::clone(&repository);
        let clock = Arc::clone(&clock);
        customers.spawn(async move {
            repository.place_order(new_order("tea", 1), clock).await
        });
    }
    for placed in customers.join_all().await {
        let placed = placed.unwrap();
        assert_eq!(placed.placed_at.as_second(), placed.id as i64);
    }
}
// ANCHOR_END: times

// What the rules have in common.

// ANCHOR: fixed-clock
/// A clock that stands still.
fn clock() -> Clock {
    Arc::new(|| NOW)
}
// ANCHOR_END: fixed-clock

// ANCHOR: ticking-clock
/// A clock whose first call returns the time one second after the beginning
/// of 1970. Each later call returns the next second.
fn ticking_clock() -> Clock {
    let seconds = AtomicI64::new(1);
    Arc::new(move || {
        Timestamp::from_second(seconds.fetch_add(1, Ordering::Relaxed)).unwrap()
    })
}
// ANCHOR_END: ticking-clock

fn item(id: &str, price_cents: u32, stock: u32) -> Item {
    Item {
        id: ItemId::try_from(id.to_owned()).unwrap(),
        name: id.into(),
        price_cents: Cents::new(price_cents),
        stock,
    }
}

/// The filter that leaves nothing out.
fn all() -> OrderFilter {
    OrderFilter::default()
}

fn ids_of(page: &Page<Order>) -> Vec<u64> {
    page.items.iter().map(|order| order.id).collect()
}

async fn menu(repository: &Repo, max_price: Option<u32>) -> Vec<String> {
    let menu = repository.menu(MenuFilter { max_price }).await.unwrap();
    menu.into_iter()
        .map(|item| item.id.as_str().to_owned())
        .collect()
}

async fn stock(repository: &Repo, id: &str) -> u32 {
    repository.item(id).await.unwrap().unwrap().stock
}

/// Places an order from Ada. The only errors here are those of the shop's rules.
async fn place(
    repository: &Repo,
    item: &str,
    quantity: u32,
) -> Result<Order, ShopError> {
    let placed = repository
        .place_order(new_order(item, quantity), clock())
        .await;
    placed.map_err(shop_error)
}

async fn change(
    repository: &Repo,
    id: u64,
    patch: &str,
) -> Result<Order, ShopError> {
    let patch: OrderPatch = serde_json::from_str(patch).unwrap();
    let change = OrderChange::try_from(patch).unwrap();
    repository
        .change_order(id, change)
        .await
        .map_err(shop_error)
}

fn shop_error(error: RepositoryError) -> ShopError {
    match error {
        RepositoryError::Shop(error) => error,
        other => panic!("{other:?}"),
    }
}

// A test that can't fail proves nothing. So here is a repository with mistakes that are
// easy to make, and the contract must find each of them.

// ANCHOR: wrong
/// A repository in memory with one mistake.
struct Wrong {
    memory: Memory,
    mistake: Mistake,
}

#[derive(Clone, Copy)]
enum Mistake {
    /// It forgets the notes of the orders.
    Forgetful,
    /// It has a race condition: between reading the stock and writing it, another
    /// request gets a turn.
    Racy,
}
// ANCHOR_END: wrong

// ANCHOR: finds
/// The rules that a repository with this mistake breaks.
async fn broken_rules(mistake: Mistake) -> Vec<&'static str> {
    let mut broken = Vec::new();
    for (name, rule) in RULES {
        let memory = Memory::new(opening_menu());
        let test = tokio::spawn(rule(Arc::new(Wrong { memory, mistake })));
        if test.await.is_err() {
            broken.push(*name);
        }
    }
    broken
}

#[tokio::test]
async fn the_contract_finds_a_repository_that_forgets() {
    let broken = broken_rules(Mistake::Forgetful).await;
    assert_eq!(broken, ["what_was_stored_comes_back_exactly"]);
}

#[tokio::test]
async fn the_contract_finds_a_repository_with_a_race_condition() {
    let broken = broken_rules(Mistake::Racy).await;
    assert_eq!(broken, ["a_hundred_buyers_get_one_croissant"]);
}
// ANCHOR_END: finds

#[async_trait]
impl Repository for Wrong {
    // ANCHOR: wrong-place-order
    async fn place_order(
        &self,
        mut new: NewOrder,
        clock: Clock,
    ) -> Result<Order, RepositoryError> {
        match self.mistake {
            Mistake::Forgetful => new.note = None,
            Mistake::Racy => {
                let item = self.memory.item(&new.item).await?;
                yield_now().await;
                if let Some(item) = item {
                    self.memory.put_item(item).await?;
                }
            }
        }
        self.memory.place_order(new, clock).await
    }
    // ANCHOR_END: wrong-place-order

    // The rest is right.

    async fn menu(&self, filter: MenuFilter) -> Result<Vec<Item>, RepositoryError> {
        self.memory.menu(filter).await
    }

    async fn item(&self, id: &str) -> Result<Option<Item>, RepositoryError> {
        self.memory.item(id).await
    }

    async fn put_item(&self, item: Item) -> Result<Put, RepositoryError> {
        self.memory.put_item(item).await
    }

    async fn delete_item(&self, id: &str) -> Result<bool, RepositoryError> {
        self.memory.delete_item(id).await
    }

    async fn order(&self, id: u64) -> Result<Option<Order>, RepositoryError> {
        self.memory.order(id).await
    }

    async fn orders(
        &self,
        filter: OrderFilter,
    ) -> Result<Page<Order>, RepositoryError> {
        self.memory.orders(filter).await
    }

    async fn change_order(
        &self,
        id: u64,
        change: OrderChange,
    ) -> Result<Order, RepositoryError> {
        self.memory.change_order(id, change).await
    }

    async fn ping(&self) -> Result<(), RepositoryError> {
        self.memory.ping().await
    }
}

//! The contract of the menu.

use std::sync::Arc;

use async_trait::async_trait;
use service::menu::error::MenuError;
use service::menu::model::{Cents, Expected, Item, ItemId, NewItem, opening_menu};
use service::menu::repository::{Put, Repository};
use service::storage::StorageError;
use tokio::task::{JoinSet, yield_now};

use crate::broken_rules;
use crate::support::Repositories;

contract! {
    a_new_menu_is_the_opening_menu,
    items_are_sorted_by_the_bytes_of_their_ids,
    an_item_is_found_by_its_id_and_by_nothing_else,
    what_was_stored_comes_back_exactly,
    an_item_changes_only_if_it_is_as_expected,
    of_changes_at_the_same_time_one_succeeds,
    the_menu_answers_a_ping,
}

async fn a_new_menu_is_the_opening_menu(Repositories { menu, .. }: Repositories) {
    assert_eq!(menu.items().await.unwrap(), opening_menu());
}

async fn items_are_sorted_by_the_bytes_of_their_ids(
    Repositories { menu, .. }: Repositories,
) {
    for id in ["tea1", "tea-2", "teapot", "2", "-"] {
        put(&menu, new_item(id), Expected::Nothing).await.unwrap();
    }
    let items = menu.items().await.unwrap();
    let ids: Vec<_> = items.iter().map(|item| item.id.as_str()).collect();
    let sorted = [
        "-",
        "2",
        "croissant",
        "espresso",
        "flat-white",
        "muffin",
        "tea",
        "tea-2",
        "tea1",
        "teapot",
    ];
    assert_eq!(ids, sorted);
}

/// After a failover, the address may lead to a server that is a copy now, and stores nothing.
#[cfg(feature = "server")]
#[tokio::test]
async fn a_read_only_server_is_not_used_until_it_stores_again() {
    let Some(database) = crate::support::postgres::TestDatabase::create() else {
        return;
    };
    let Repositories { menu, .. } = database.repositories().await;
    database.set_read_only(true);
    let busy = menu.items().await;
    assert!(matches!(busy, Err(StorageError::Busy(_))), "{busy:?}");
    database.set_read_only(false);
    assert_eq!(menu.items().await.unwrap(), opening_menu());
}

/// The id is in a path, so a client may send any text: also one with a character that
/// PostgreSQL can't store.
async fn an_item_is_found_by_its_id_and_by_nothing_else(
    Repositories { menu, .. }: Repositories,
) {
    let tea = menu.item("tea").await.unwrap();
    assert_eq!(tea.as_ref(), opening_menu().last());
    for id in ["Tea", "te", "tea ", "", "%", "tea' OR '1' = '1", "tea\0"] {
        assert_eq!(menu.item(id).await.unwrap(), None, "{id:?}");
    }
}

async fn what_was_stored_comes_back_exactly(
    Repositories { menu, .. }: Repositories,
) {
    let names = ["Zoë's 🥐'); DROP TABLE items; --", "\\", "\"null\" %s $1"];
    for (version, name) in (1..).zip(names) {
        for (price_cents, stock) in [(0, 0), (1_000_000, 1_000_000)] {
            let new = NewItem {
                name: name.into(),
                price_cents: Cents::new(price_cents),
                stock,
                ..new_item("scone")
            };
            let stored = Item {
                id: new.id.clone(),
                name: name.into(),
                price_cents: new.price_cents,
                stock,
                version: version * 2 - u64::from(stock == 0),
            };
            let expected = if stored.version == 1 {
                Expected::Nothing
            } else {
                Expected::Anything
            };
            let put = put(&menu, new, expected).await.unwrap();
            assert_eq!(item_of(put), stored);
            let found = menu.item("scone").await.unwrap();
            assert_eq!(found.as_ref(), Some(&stored));
            assert!(menu.items().await.unwrap().contains(&stored));
        }
    }
}

async fn an_item_changes_only_if_it_is_as_expected(
    Repositories { menu, .. }: Repositories,
) {
    let versions = |versions: &[u64]| Expected::Versions(versions.to_vec());
    for (id, expected, version) in [
        ("tea", Expected::Nothing, None),
        ("tea", versions(&[]), None),
        ("tea", versions(&[0, 2, i64::MAX as u64, u64::MAX]), None),
        ("tea", versions(&[1]), Some(2)),
        ("tea", versions(&[1]), None),
        ("tea", versions(&[u64::MAX, 2]), Some(3)),
        ("tea", Expected::Anything, Some(4)),
        ("scone", Expected::Anything, None),
        ("scone", versions(&[0, 1]), None),
        ("scone", Expected::Nothing, Some(1)),
        ("scone", Expected::Nothing, None),
    ] {
        let before = menu.items().await.unwrap();
        let put = put(&menu, new_item(id), expected.clone()).await;
        match (put, version) {
            (Some(Put::Created(item)), Some(1)) => assert_eq!(item.version, 1),
            (Some(Put::Replaced(item)), Some(version)) => {
                assert_eq!(item.version, version);
            }
            (None, None) => {
                assert_eq!(menu.items().await.unwrap(), before);
            }
            (put, _) => panic!("{id} {expected:?}: {put:?}"),
        }
    }
}

// ANCHOR: at-the-same-time
async fn of_changes_at_the_same_time_one_succeeds(
    Repositories { menu, .. }: Repositories,
) {
    // The first round also opens the connections to a database. In the second one, the clients
    // then overlap. Otherwise, one client could be done before the others are connected.
    for (id, expected, version) in [
        ("scone", Expected::Nothing, 1),
        ("tea", Expected::Versions(vec![1]), 2),
    ] {
        let mut clients = JoinSet::new();
        for _ in 0..20 {
            let (menu, expected) = (Arc::clone(&menu), expected.clone());
            clients.spawn(async move { put(&menu, new_item(id), expected).await });
        }
        let results = clients.join_all().await;
        assert_eq!(results.iter().flatten().count(), 1, "{id}");
        let item = menu.item(id).await.unwrap().unwrap();
        assert_eq!(item.version, version, "{id}");
    }
}
// ANCHOR_END: at-the-same-time

async fn the_menu_answers_a_ping(Repositories { menu, .. }: Repositories) {
    menu.ping().await.unwrap();
}

fn new_item(id: &str) -> NewItem {
    NewItem {
        id: ItemId::try_from(id.to_owned()).unwrap(),
        name: id.into(),
        price_cents: Cents::new(270),
        stock: 6,
    }
}

fn item_of(put: Put) -> Item {
    match put {
        Put::Created(item) | Put::Replaced(item) => item,
    }
}

/// Puts an item on the menu: `None` if the menu isn't as expected.
async fn put(
    menu: &Arc<dyn Repository>,
    new: NewItem,
    expected: Expected,
) -> Option<Put> {
    match menu.put_item(new, expected).await {
        Ok(put) => Some(put),
        Err(MenuError::Stale | MenuError::Exists) => None,
        Err(error) => panic!("{error:?}"),
    }
}

// A test that can't fail proves nothing. So here is a menu with mistakes that are easy
// to make, and the contract must find each of them.

/// A menu with one mistake.
struct Wrong {
    menu: Arc<dyn Repository>,
    mistake: Mistake,
}

#[derive(Clone, Copy)]
enum Mistake {
    /// It stores another price than the one that it was given.
    Forgetful,
    /// It has a race condition: between checking the version and changing the item,
    /// another request gets a turn.
    Racy,
}

#[tokio::test]
async fn the_contract_finds_each_mistake() {
    for (mistake, rule) in [
        (Mistake::Forgetful, "what_was_stored_comes_back_exactly"),
        (Mistake::Racy, "of_changes_at_the_same_time_one_succeeds"),
    ] {
        let broken = broken_rules(RULES, || {
            let right = Repositories::in_memory();
            let menu = Wrong {
                menu: right.menu.clone(),
                mistake,
            };
            Repositories {
                menu: Arc::new(menu),
                ..right
            }
        });
        assert_eq!(broken.await, [rule]);
    }
}

#[async_trait]
impl Repository for Wrong {
    async fn put_item(
        &self,
        mut new: NewItem,
        expected: Expected,
    ) -> Result<Put, MenuError> {
        match self.mistake {
            Mistake::Forgetful => new.price_cents = Cents::new(270),
            Mistake::Racy => {
                let item = self.menu.item(new.id.as_str()).await?;
                yield_now().await;
                if expected.allows(item.as_ref()) {
                    let now = self.menu.item(new.id.as_str()).await?;
                    let expected = match now {
                        Some(_) => Expected::Anything,
                        None => Expected::Nothing,
                    };
                    return self.menu.put_item(new, expected).await;
                }
            }
        }
        self.menu.put_item(new, expected).await
    }

    // The rest is right.

    async fn items(&self) -> Result<Vec<Item>, StorageError> {
        self.menu.items().await
    }

    async fn item(&self, id: &str) -> Result<Option<Item>, StorageError> {
        self.menu.item(id).await
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.menu.ping().await
    }
}

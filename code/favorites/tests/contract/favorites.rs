//! The contract of the favorites.

// ANCHOR: use
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use service::customers::model::{CustomerId, EmailAddress, Role};
use service::customers::repository::NewAccount;
use service::favorites::error::FavoriteError;
use service::favorites::model::{Favorite, MAX_FAVORITES};
use service::favorites::repository::Repository;
use service::menu;
use service::menu::model::{Cents, Expected, ItemId, NewItem};
use service::storage::StorageError;
use tokio::task::{JoinSet, yield_now};

use crate::broken_rules;
use crate::support::{NOW, Repositories};
// ANCHOR_END: use

// ANCHOR: rules
contract! {
    a_favorite_is_stored_once,
    a_favorite_must_be_on_the_menu,
    a_removed_favorite_is_gone,
    a_customer_never_has_more_than_20_favorites,
}

async fn a_favorite_is_stored_once(all: Repositories) {
    let ada = add_customer(&all, "ada").await;
    for _ in 0..2 {
        all.favorites.add_favorite(ada, item("tea")).await.unwrap();
    }
    assert_eq!(favorites_of(&all, ada).await, ["tea"]);
}
// ANCHOR_END: rules

async fn a_favorite_must_be_on_the_menu(all: Repositories) {
    let ada = add_customer(&all, "ada").await;
    let added = all.favorites.add_favorite(ada, item("cake")).await;
    assert!(
        matches!(&added, Err(FavoriteError::NotOnMenu(id)) if id == "cake"),
        "{added:?}"
    );
    assert!(favorites_of(&all, ada).await.is_empty());
}

async fn a_removed_favorite_is_gone(all: Repositories) {
    let ada = add_customer(&all, "ada").await;
    let bo = add_customer(&all, "bo").await;
    for customer in [ada, bo] {
        for id in ["tea", "croissant"] {
            let add = all.favorites.add_favorite(customer, item(id));
            add.await.unwrap();
        }
    }
    for id in ["tea", "espresso"] {
        let remove = all.favorites.remove_favorite(ada, item(id));
        remove.await.unwrap();
    }
    assert_eq!(favorites_of(&all, ada).await, ["croissant"]);
    assert_eq!(favorites_of(&all, bo).await, ["croissant", "tea"]);
}

// ANCHOR: limit
async fn a_customer_never_has_more_than_20_favorites(all: Repositories) {
    let drinks: Vec<_> = (0..40).map(|number| format!("drink-{number}")).collect();
    for drink in &drinks {
        add_to_menu(&all, drink).await;
    }
    // The first customer's tasks open the database connections. Otherwise, one task
    // could be done before the others are connected, and there would be no race. So
    // only the second customer's tasks are sure to compete with each other.
    for name in ["ada", "bo"] {
        let customer = add_customer(&all, name).await;
        let mut tasks = JoinSet::new();
        for drink in &drinks {
            let favorites = Arc::clone(&all.favorites);
            let drink = item(drink);
            tasks.spawn(
                async move { favorites.add_favorite(customer, drink).await },
            );
        }
        let results = tasks.join_all().await;
        let added = results.iter().filter(|result| result.is_ok());
        assert_eq!(added.count(), MAX_FAVORITES);
        assert_eq!(favorites_of(&all, customer).await.len(), MAX_FAVORITES);
    }
}
// ANCHOR_END: limit

// ANCHOR: helpers
fn item(id: &str) -> ItemId {
    ItemId::try_from(id.to_owned()).unwrap()
}

async fn favorites_of(all: &Repositories, customer: CustomerId) -> Vec<String> {
    let favorites = all.favorites.favorites(customer).await.unwrap();
    let ids = favorites.iter().map(|favorite| favorite.item.as_str());
    ids.map(str::to_owned).collect()
}

async fn add_customer(all: &Repositories, name: &str) -> CustomerId {
    let address = format!("{name}@shop.example");
    let new = NewAccount {
        email: EmailAddress::try_from(address.as_str()).unwrap(),
        name: name.into(),
        password_hash: "no password has this hash".into(),
        role: Role::Customer,
        created_at: NOW,
    };
    all.customers.add_customer(new).await.unwrap().id
}
// ANCHOR_END: helpers

// ANCHOR: add-to-menu
async fn add_to_menu(all: &Repositories, id: &str) {
    let new = NewItem {
        id: item(id),
        name: id.into(),
        price_cents: Cents::new(250),
        stock: 1,
    };
    all.menu.put_item(new, Expected::Nothing).await.unwrap();
}
// ANCHOR_END: add-to-menu

// ANCHOR: wrong
/// The mistake that a [`Wrong`] makes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mistake {
    /// It returns an error if the item is already a favorite.
    Strict,
    /// It accepts an item that isn't on the menu.
    AnyItem,
    /// It doesn't remove anything.
    Forgetful,
    /// It lets other tasks run after it has read the favorites and before it adds one.
    Racy,
}

/// A repository in memory with one mistake.
struct Wrong {
    mistake: Mistake,
    menu: Arc<dyn menu::repository::Repository>,
    stored: Mutex<BTreeSet<(CustomerId, ItemId)>>,
}
// ANCHOR_END: wrong

// ANCHOR: wrong-add
#[async_trait]
impl Repository for Wrong {
    async fn add_favorite(
        &self,
        customer: CustomerId,
        item: ItemId,
    ) -> Result<(), FavoriteError> {
        let on_menu = self.menu.item(item.as_str()).await?.is_some();
        if !on_menu && self.mistake != Mistake::AnyItem {
            return Err(FavoriteError::NotOnMenu(item.as_str().into()));
        }
        let favorites = self.favorites(customer).await?;
        if self.mistake == Mistake::Racy {
            yield_now().await;
        }
        let exists = favorites.iter().any(|favorite| favorite.item == item);
        if exists && self.mistake == Mistake::Strict {
            return Err(StorageError::Failed("it exists".into()).into());
        }
        if !exists && favorites.len() >= MAX_FAVORITES {
            return Err(FavoriteError::TooMany);
        }
        self.stored.lock().unwrap().insert((customer, item));
        Ok(())
    }
    // ANCHOR_END: wrong-add

    // ANCHOR: wrong-rest
    async fn favorites(
        &self,
        customer: CustomerId,
    ) -> Result<Vec<Favorite>, StorageError> {
        let stored = self.stored.lock().unwrap();
        let own = stored.iter().filter(|(owner, _)| *owner == customer);
        let favorites = own.map(|(_, item)| Favorite { item: item.clone() });
        Ok(favorites.collect())
    }

    async fn remove_favorite(
        &self,
        customer: CustomerId,
        item: ItemId,
    ) -> Result<(), StorageError> {
        if self.mistake != Mistake::Forgetful {
            self.stored.lock().unwrap().remove(&(customer, item));
        }
        Ok(())
    }
}
// ANCHOR_END: wrong-rest

// ANCHOR: mistakes
#[tokio::test]
async fn the_contract_finds_each_mistake() {
    for (mistake, rule) in [
        (Mistake::Strict, "a_favorite_is_stored_once"),
        (Mistake::AnyItem, "a_favorite_must_be_on_the_menu"),
        (Mistake::Forgetful, "a_removed_favorite_is_gone"),
        (Mistake::Racy, "a_customer_never_has_more_than_20_favorites"),
    ] {
        let broken = broken_rules(RULES, || {
            let right = Repositories::in_memory();
            let wrong = Wrong {
                mistake,
                menu: right.menu.clone(),
                stored: Mutex::default(),
            };
            Repositories {
                favorites: Arc::new(wrong),
                ..right
            }
        });
        assert_eq!(broken.await, [rule]);
    }
}
// ANCHOR_END: mistakes

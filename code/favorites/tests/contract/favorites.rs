//! The contract of the favorites.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use service::customers::model::{CustomerId, EmailAddress, Role};
use service::customers::repository::NewAccount;
use service::favorites::error::FavoriteError;
use service::favorites::model::{Favorite, MAX_FAVORITES};
use service::favorites::repository::Repository;
use service::menu::model::{Cents, Expected, ItemId, NewItem};
use service::storage::StorageError;
use tokio::task::{JoinSet, yield_now};

use crate::broken_rules;
use crate::support::{NOW, Repositories};

// ANCHOR: rules
contract! {
    a_favorite_is_stored_once,
    only_an_item_on_the_menu_can_be_a_favorite,
    a_removed_favorite_is_gone,
    of_favorites_at_the_same_time_only_20_are_added,
}

async fn a_favorite_is_stored_once(all: Repositories) {
    let ada = add_customer(&all, "ada").await;
    for _ in 0..2 {
        all.favorites.add_favorite(ada, item("tea")).await.unwrap();
    }
    assert_eq!(favorites_of(&all, ada).await, ["tea"]);
}
// ANCHOR_END: rules

async fn only_an_item_on_the_menu_can_be_a_favorite(all: Repositories) {
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
async fn of_favorites_at_the_same_time_only_20_are_added(all: Repositories) {
    let drinks: Vec<_> = (0..40).map(|number| format!("drink-{number}")).collect();
    for drink in &drinks {
        add_to_menu(&all, drink).await;
    }
    // The first round opens the connections to a database. Without it, one task could be
    // done before another one is connected.
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
        assert_eq!(results.iter().flatten().count(), MAX_FAVORITES);
        let mut errors = results.into_iter().filter_map(Result::err);
        assert!(errors.all(|error| matches!(error, FavoriteError::TooMany)));
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

async fn add_to_menu(all: &Repositories, id: &str) {
    let new = NewItem {
        id: item(id),
        name: id.into(),
        price_cents: Cents::new(250),
        stock: 1,
    };
    all.menu.put_item(new, Expected::Nothing).await.unwrap();
}

// ANCHOR: wrong
/// A repository of favorites with one mistake.
struct Wrong {
    right: Repositories,
    mistake: Mistake,
    /// The favorites, if the mistake is `Racy`. Otherwise, they are in `right`.
    stored: Mutex<BTreeSet<(CustomerId, ItemId)>>,
}

#[derive(Clone, Copy)]
enum Mistake {
    /// Returns an error if the item is already a favorite.
    Strict,
    /// Lets other tasks run between its count and its change.
    Racy,
}
// ANCHOR_END: wrong

impl Wrong {
    fn stored(&self) -> MutexGuard<'_, BTreeSet<(CustomerId, ItemId)>> {
        self.stored.lock().unwrap()
    }

    fn list(&self, customer: CustomerId) -> Vec<Favorite> {
        let stored = self.stored();
        let own = stored.iter().filter(|(owner, _)| *owner == customer);
        own.map(|(_, item)| Favorite { item: item.clone() })
            .collect()
    }

    async fn add_strictly(
        &self,
        customer: CustomerId,
        item: ItemId,
    ) -> Result<(), FavoriteError> {
        let favorites = self.right.favorites.favorites(customer).await?;
        if favorites.iter().any(|favorite| favorite.item == item) {
            return Err(StorageError::Failed("it exists".into()).into());
        }
        self.right.favorites.add_favorite(customer, item).await
    }

    // ANCHOR: racy
    async fn add_racily(
        &self,
        customer: CustomerId,
        item: ItemId,
    ) -> Result<(), FavoriteError> {
        if self.right.menu.item(item.as_str()).await?.is_none() {
            return Err(FavoriteError::NotOnMenu(item.as_str().into()));
        }
        let mut favorites = self.list(customer);
        favorites.retain(|favorite| favorite.item != item);
        yield_now().await;
        if favorites.len() >= MAX_FAVORITES {
            return Err(FavoriteError::TooMany);
        }
        self.stored().insert((customer, item));
        Ok(())
    }
    // ANCHOR_END: racy
}

#[async_trait]
impl Repository for Wrong {
    async fn add_favorite(
        &self,
        customer: CustomerId,
        item: ItemId,
    ) -> Result<(), FavoriteError> {
        match self.mistake {
            Mistake::Strict => self.add_strictly(customer, item).await,
            Mistake::Racy => self.add_racily(customer, item).await,
        }
    }

    async fn favorites(
        &self,
        customer: CustomerId,
    ) -> Result<Vec<Favorite>, StorageError> {
        match self.mistake {
            Mistake::Strict => self.right.favorites.favorites(customer).await,
            Mistake::Racy => Ok(self.list(customer)),
        }
    }

    async fn remove_favorite(
        &self,
        customer: CustomerId,
        item: ItemId,
    ) -> Result<(), StorageError> {
        self.stored().remove(&(customer, item.clone()));
        self.right.favorites.remove_favorite(customer, item).await
    }
}

// ANCHOR: mistakes
#[tokio::test]
async fn the_contract_finds_each_mistake() {
    let race = "of_favorites_at_the_same_time_only_20_are_added";
    for (mistake, rule) in [
        (Mistake::Strict, "a_favorite_is_stored_once"),
        (Mistake::Racy, race),
    ] {
        let broken = broken_rules(RULES, || {
            let right = Repositories::in_memory();
            let wrong = Wrong {
                right: right.clone(),
                mistake,
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

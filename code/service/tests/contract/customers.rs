//! The contract of the customers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use service::customers::error::CustomerError;
use service::customers::model::{
    Customer, CustomerId, EmailAddress, EmailHash, Identity, Role, SessionId,
    TokenHash,
};
use service::customers::repository::{
    Account, Attempts, NewAccount, Repository, Rotation,
};
use service::storage::StorageError;
use tokio::task::JoinSet;

use crate::broken_rules;
use crate::support::NOW;
use crate::support::Repositories;

contract! {
    an_address_has_one_account_however_it_is_written,
    of_accounts_with_one_address_at_the_same_time_one_is_added,
    a_role_is_that_of_the_account_at_the_moment,
    a_new_role_ends_the_sessions_of_its_account_and_no_other,
    a_session_has_the_role_of_its_beginning_and_needs_the_password_of_then,
    attempts_are_counted_for_15_minutes_or_until_a_session_begins,
    attempts_at_the_same_time_are_all_counted,
    a_refresh_token_is_exchanged_for_30_days_and_only_once,
    the_previous_token_can_be_exchanged_again_for_30_seconds,
    a_token_that_is_used_again_ends_its_session_and_no_other,
    twenty_tabs_that_refresh_at_the_same_time_stay_signed_in,
    a_session_that_was_ended_cannot_be_refreshed,
    cleaning_up_removes_nothing_that_is_in_use,
}

async fn an_address_has_one_account_however_it_is_written(all: Repositories) {
    let customers = all.customers;
    let ada = add(&customers, "Ada.Zoe@Shop.Example").await.unwrap();
    let expected = Customer {
        id: ada.id,
        email: "Ada.Zoe@Shop.Example".into(),
        name: NAME.into(),
        role: Role::Customer,
    };
    assert_eq!(ada, expected);
    assert_eq!(customers.customer(ada.id).await.unwrap(), Some(expected));
    for same in ["ada.zoe@shop.example", "ADA.ZOE@SHOP.EXAMPLE"] {
        let again = add(&customers, same).await;
        assert!(matches!(again, Err(CustomerError::EmailTaken)), "{again:?}");
        let account = customers.account(&email(same)).await.unwrap().unwrap();
        assert_eq!(account.customer, ada.id);
        assert_eq!(account.role, Role::Customer);
        assert_eq!(account.password_hash, HASH);
    }
    let bo = add(&customers, "zoe@shop.example").await.unwrap();
    assert_ne!(bo.id, ada.id);
    for unknown in ["ada.zo@shop.example", "%@shop.example", "_@_._"] {
        assert!(customers.account(&email(unknown)).await.unwrap().is_none());
    }
    for unknown in [0, u64::MAX, i64::MAX as u64] {
        let unknown = CustomerId::new(unknown);
        assert_eq!(customers.customer(unknown).await.unwrap(), None);
    }
}

async fn of_accounts_with_one_address_at_the_same_time_one_is_added(
    all: Repositories,
) {
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        let customers = Arc::clone(&all.customers);
        clients.spawn(async move { add(&customers, "ada@shop.example").await });
    }
    let results = clients.join_all().await;
    assert_eq!(results.iter().flatten().count(), 1);
    let mut errors = results.into_iter().filter_map(Result::err);
    assert!(errors.all(|error| matches!(error, CustomerError::EmailTaken)));
}

async fn a_role_is_that_of_the_account_at_the_moment(all: Repositories) {
    let customers = all.customers;
    let ada = add(&customers, "ada@shop.example").await.unwrap();
    let bo = add(&customers, "bo@shop.example").await.unwrap();
    for (token, role) in [(1, Role::Barista), (10, Role::Customer)] {
        let address = email("ADA@shop.example");
        assert!(customers.set_role(&address, role, NOW).await.unwrap());
        let session = begin(&customers, ada.id, token, NOW).await;
        let found = customers.customer(ada.id).await.unwrap().unwrap();
        assert_eq!(found.role, role);
        let account = customers.account(&address).await.unwrap().unwrap();
        assert_eq!(account.role, role);
        let rotated = customers.rotate(hash(token), hash(token + 1), NOW);
        let identity = Identity {
            customer: ada.id,
            role,
            session,
        };
        assert_eq!(rotated.await.unwrap(), Rotation::Rotated(identity));
    }
    let unknown = email("cy@shop.example");
    let changed = customers.set_role(&unknown, Role::Barista, NOW).await;
    assert!(!changed.unwrap());
    let found = customers.customer(bo.id).await.unwrap().unwrap();
    assert_eq!(found.role, Role::Customer);
}

async fn a_new_role_ends_the_sessions_of_its_account_and_no_other(
    all: Repositories,
) {
    let customers = all.customers;
    let ada = add(&customers, "ada@shop.example").await.unwrap().id;
    let bo = add(&customers, "bo@shop.example").await.unwrap().id;
    begin(&customers, ada, 1, NOW).await;
    begin(&customers, ada, 2, NOW).await;
    begin(&customers, bo, 3, NOW).await;
    let address = email("ada@shop.example");
    let changed = customers.set_role(&address, Role::Barista, NOW).await;
    assert!(changed.unwrap());
    for token in [1, 2] {
        let refused = customers.rotate(hash(token), hash(9), NOW).await;
        assert_eq!(refused.unwrap(), Rotation::Refused);
    }
    let other = customers.rotate(hash(3), hash(4), NOW).await;
    assert!(matches!(other.unwrap(), Rotation::Rotated(_)));
}

/// While a sign-in checks the password, somebody may change the role or the password.
async fn a_session_has_the_role_of_its_beginning_and_needs_the_password_of_then(
    all: Repositories,
) {
    let customers = all.customers;
    let address = email("ada@shop.example");
    let ada = add(&customers, "ada@shop.example").await.unwrap().id;
    let read = customers.account(&address).await.unwrap().unwrap();
    let changed = customers.set_role(&address, Role::Barista, NOW).await;
    assert!(changed.unwrap());
    let begun = customers.begin_session(&read, address.hash(), hash(1), NOW);
    let identity = begun.await.unwrap().unwrap();
    assert_eq!((identity.customer, identity.role), (ada, Role::Barista));

    customers.count_attempt(address.hash(), NOW).await.unwrap();
    let old = Account {
        password_hash: "the hash of an older password".into(),
        ..read
    };
    let begun = customers.begin_session(&old, address.hash(), hash(2), NOW);
    assert_eq!(begun.await.unwrap(), None);
    let refused = customers.rotate(hash(2), hash(3), NOW).await.unwrap();
    assert_eq!(refused, Rotation::Refused);
    let attempts = customers.count_attempt(address.hash(), NOW).await.unwrap();
    assert_eq!(attempts.count, 2);
}

async fn attempts_are_counted_for_15_minutes_or_until_a_session_begins(
    all: Repositories,
) {
    let customers = all.customers;
    let ada = email("ada@shop.example").hash();
    let bo = email("bo@shop.example").hash();
    let id = add(&customers, "ada@shop.example").await.unwrap().id;
    let window = SignedDuration::from_mins(15);
    for (address, at, count, first_at) in [
        (ada, NOW, 1, NOW),
        (ada, NOW + MILLISECOND, 2, NOW),
        (bo, NOW + MILLISECOND, 1, NOW + MILLISECOND),
        (ada, NOW + window - MILLISECOND, 3, NOW),
        (ada, NOW + window, 1, NOW + window),
        (ada, NOW + window, 2, NOW + window),
        (bo, NOW + window, 2, NOW + MILLISECOND),
    ] {
        let attempts = customers.count_attempt(address, at).await.unwrap();
        assert_eq!(attempts, Attempts { count, first_at });
    }
    let (token, account) = (hash(1), account(id));
    let begun = customers.begin_session(&account, ada, token, NOW + window);
    assert!(begun.await.unwrap().is_some());
    for (address, count) in [(ada, 1), (bo, 3)] {
        let attempts = customers.count_attempt(address, NOW + window);
        assert_eq!(attempts.await.unwrap().count, count);
    }
}

async fn attempts_at_the_same_time_are_all_counted(all: Repositories) {
    let mut clients = JoinSet::new();
    for _ in 0..20 {
        let customers = Arc::clone(&all.customers);
        clients.spawn(async move {
            let address = email("ada@shop.example").hash();
            customers.count_attempt(address, NOW).await.unwrap().count
        });
    }
    let counts: BTreeSet<_> = clients.join_all().await.into_iter().collect();
    assert_eq!(counts, (1..=20).collect());
}

async fn a_refresh_token_is_exchanged_for_30_days_and_only_once(all: Repositories) {
    let customers = all.customers;
    let ada = add(&customers, "ada@shop.example").await.unwrap().id;
    let session = begin(&customers, ada, 1, NOW).await;
    let other = begin(&customers, ada, 100, NOW).await;
    assert_ne!(session, other);
    let month = SignedDuration::from_hours(30 * 24);
    let identity = Identity {
        customer: ada,
        role: Role::Customer,
        session,
    };
    let rotated = Rotation::Rotated(identity);
    let in_time = NOW + month - MILLISECOND;
    for (old, new, at, rotation) in [
        (77, 78, NOW, Rotation::Refused),
        (78, 79, NOW, Rotation::Refused),
        (1, 2, in_time, rotated),
        (100, 101, NOW + month, Rotation::Refused),
        // The new token has its own 30 days.
        (2, 3, in_time + month - MILLISECOND, rotated),
        (3, 4, in_time + month + month, Rotation::Refused),
    ] {
        let result = customers.rotate(hash(old), hash(new), at).await;
        assert_eq!(result.unwrap(), rotation, "{old}");
    }
}

async fn the_previous_token_can_be_exchanged_again_for_30_seconds(
    all: Repositories,
) {
    let customers = all.customers;
    let ada = add(&customers, "ada@shop.example").await.unwrap().id;
    let session = begin(&customers, ada, 1, NOW).await;
    let rotated = Rotation::Rotated(Identity {
        customer: ada,
        role: Role::Customer,
        session,
    });
    let grace = SignedDuration::from_secs(30);
    for (old, new, at, rotation) in [
        (1, 2, NOW, rotated),
        (1, 3, NOW, rotated),
        // The time counts from the first exchange.
        (1, 4, NOW + grace - MILLISECOND, rotated),
        (1, 5, NOW + grace, Rotation::Ended(session)),
        (2, 6, NOW + grace, Rotation::Refused),
    ] {
        let result = customers.rotate(hash(old), hash(new), at).await;
        assert_eq!(result.unwrap(), rotation, "{old} {new}");
    }
}

async fn a_token_that_is_used_again_ends_its_session_and_no_other(
    all: Repositories,
) {
    let customers = all.customers;
    let ada = add(&customers, "ada@shop.example").await.unwrap().id;
    let session = begin(&customers, ada, 1, NOW).await;
    let other = begin(&customers, ada, 100, NOW).await;
    let identity = |session| Identity {
        customer: ada,
        role: Role::Customer,
        session,
    };
    let rotated = |session| Rotation::Rotated(identity(session));
    for (old, new, rotation) in [
        (1, 2, rotated(session)),
        (2, 3, rotated(session)),
        // The second token has been used, so its response wasn't lost, and nobody needs the
        // first one any more.
        (1, 4, Rotation::Ended(session)),
        (1, 5, Rotation::Refused),
        (2, 6, Rotation::Refused),
        (3, 7, Rotation::Refused),
        (4, 8, Rotation::Refused),
        (100, 101, rotated(other)),
    ] {
        let result = customers.rotate(hash(old), hash(new), NOW).await;
        assert_eq!(result.unwrap(), rotation, "{old} {new}");
    }
}

async fn twenty_tabs_that_refresh_at_the_same_time_stay_signed_in(
    all: Repositories,
) {
    let customers = all.customers;
    let ada = add(&customers, "ada@shop.example").await.unwrap().id;
    begin(&customers, ada, 1, NOW).await;
    let mut tabs = JoinSet::new();
    for tab in 101..=120 {
        let customers = Arc::clone(&customers);
        tabs.spawn(async move {
            customers.rotate(hash(1), hash(tab), NOW).await.unwrap()
        });
    }
    for rotation in tabs.join_all().await {
        assert!(matches!(rotation, Rotation::Rotated(_)), "{rotation:?}");
    }
    let later = NOW + SignedDuration::from_mins(10);
    for tab in 101..=120 {
        let rotation = customers.rotate(hash(tab), hash(tab + 100), later).await;
        let rotation = rotation.unwrap();
        assert!(matches!(rotation, Rotation::Rotated(_)), "{rotation:?}");
    }
}

async fn a_session_that_was_ended_cannot_be_refreshed(all: Repositories) {
    let customers = all.customers;
    let ada = add(&customers, "ada@shop.example").await.unwrap().id;
    let session = begin(&customers, ada, 1, NOW).await;
    begin(&customers, ada, 100, NOW).await;
    let rotated = customers.rotate(hash(1), hash(2), NOW).await;
    assert!(matches!(rotated.unwrap(), Rotation::Rotated(_)));
    let unknown = [0, u64::MAX, i64::MAX as u64].map(SessionId::new);
    for ended in [session, session].into_iter().chain(unknown) {
        customers.end_session(ended, NOW).await.unwrap();
    }
    for token in [1, 2] {
        let refused = customers.rotate(hash(token), hash(9), NOW).await;
        assert_eq!(refused.unwrap(), Rotation::Refused);
    }
    let other = customers.rotate(hash(100), hash(101), NOW).await;
    assert!(matches!(other.unwrap(), Rotation::Rotated(_)));
}

async fn cleaning_up_removes_nothing_that_is_in_use(all: Repositories) {
    let customers = all.customers;
    let ada = add(&customers, "ada@shop.example").await.unwrap().id;
    let address = email("bo@shop.example").hash();
    let month = SignedDuration::from_hours(30 * 24);
    let end = NOW + month + month;
    let session = begin(&customers, ada, 1, NOW).await;
    let ended = begin(&customers, ada, 50, end - MILLISECOND).await;
    customers
        .end_session(ended, end - MILLISECOND)
        .await
        .unwrap();
    begin(&customers, ada, 100, end - month).await;
    let rotated = customers.rotate(hash(1), hash(2), NOW + month - MILLISECOND);
    assert!(matches!(rotated.await.unwrap(), Rotation::Rotated(_)));
    customers.count_attempt(address, end).await.unwrap();

    customers
        .clean_up(end - MILLISECOND - MILLISECOND)
        .await
        .unwrap();
    let at = end - MILLISECOND - MILLISECOND;
    let rotated = customers.rotate(hash(2), hash(3), at).await.unwrap();
    let identity = Identity {
        customer: ada,
        role: Role::Customer,
        session,
    };
    assert_eq!(rotated, Rotation::Rotated(identity));
    let refused = customers.rotate(hash(50), hash(51), at).await.unwrap();
    assert_eq!(refused, Rotation::Refused);

    // Much later, everything of this has ended.
    customers.clean_up(end + month + month).await.unwrap();
    for token in [1, 2, 3, 50, 100] {
        let refused = customers.rotate(hash(token), hash(9), end).await;
        assert_eq!(refused.unwrap(), Rotation::Refused, "{token}");
    }
    let attempts = customers.count_attempt(address, end).await.unwrap();
    assert_eq!(attempts.count, 1);
    assert!(customers.customer(ada).await.unwrap().is_some());
}

// What the rules have in common.

const NAME: &str = "Zoë 🥐'); DROP TABLE customers; --";
const MILLISECOND: SignedDuration = SignedDuration::from_millis(1);

fn email(address: &str) -> EmailAddress {
    EmailAddress::try_from(address).unwrap()
}

fn hash(number: u8) -> TokenHash {
    TokenHash([number; 32])
}

/// No password has this hash.
const HASH: &str = "the hash of a password";

async fn add(
    customers: &Arc<dyn Repository>,
    address: &str,
) -> Result<Customer, CustomerError> {
    let new = NewAccount {
        email: email(address),
        name: NAME.into(),
        password_hash: HASH.into(),
        role: Role::Customer,
        created_at: NOW,
    };
    customers.add_customer(new).await
}

/// What a sign-in has read of the account with this id, which [`add`] has added.
fn account(customer: CustomerId) -> Account {
    Account {
        customer,
        role: Role::Customer,
        password_hash: HASH.into(),
    }
}

async fn begin(
    customers: &Arc<dyn Repository>,
    customer: CustomerId,
    token: u8,
    now: Timestamp,
) -> SessionId {
    let address = email("ada@shop.example").hash();
    let account = account(customer);
    let begun = customers.begin_session(&account, address, hash(token), now);
    begun.await.unwrap().unwrap().session
}

/// Customers with one mistake.
struct Wrong {
    right: Arc<dyn Repository>,
    mistake: Mistake,
    /// The tokens that were exchanged, with what they were exchanged for.
    exchanged: Mutex<BTreeMap<TokenHash, Rotation>>,
}

#[derive(Debug, Clone, Copy)]
enum Mistake {
    /// It forgets the roles.
    Forgetful,
    /// It counts no attempts.
    Patient,
    /// It exchanges a token as often as somebody likes.
    Trusting,
    /// It ends a session when a token comes twice, even if that's at the same time.
    Strict,
    /// It ends no session.
    Endless,
}

#[tokio::test]
async fn the_contract_finds_each_mistake() {
    for (mistake, rule) in [
        (
            Mistake::Forgetful,
            "a_role_is_that_of_the_account_at_the_moment",
        ),
        (
            Mistake::Patient,
            "attempts_at_the_same_time_are_all_counted",
        ),
        (
            Mistake::Trusting,
            "a_token_that_is_used_again_ends_its_session_and_no_other",
        ),
        (
            Mistake::Strict,
            "twenty_tabs_that_refresh_at_the_same_time_stay_signed_in",
        ),
        (
            Mistake::Endless,
            "a_session_that_was_ended_cannot_be_refreshed",
        ),
    ] {
        let broken = broken_rules(RULES, || {
            let right = Repositories::in_memory();
            let customers = Wrong {
                right: right.customers.clone(),
                mistake,
                exchanged: Mutex::default(),
            };
            Repositories {
                customers: Arc::new(customers),
                ..right
            }
        });
        let broken = broken.await;
        assert!(broken.contains(&rule), "{mistake:?}: {broken:?}");
        assert!(broken.len() < RULES.len(), "{mistake:?}: {broken:?}");
    }
}

#[async_trait]
impl Repository for Wrong {
    async fn set_role(
        &self,
        email: &EmailAddress,
        role: Role,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        match self.mistake {
            Mistake::Forgetful => Ok(true),
            _ => self.right.set_role(email, role, now).await,
        }
    }

    async fn count_attempt(
        &self,
        email: EmailHash,
        now: Timestamp,
    ) -> Result<Attempts, StorageError> {
        let mut attempts = self.right.count_attempt(email, now).await?;
        if matches!(self.mistake, Mistake::Patient) {
            attempts.count = 1;
        }
        Ok(attempts)
    }

    async fn rotate(
        &self,
        old: TokenHash,
        new: TokenHash,
        now: Timestamp,
    ) -> Result<Rotation, StorageError> {
        let before = self.exchanged.lock().unwrap().get(&old).copied();
        match (self.mistake, before) {
            (Mistake::Trusting, Some(rotation)) => return Ok(rotation),
            (Mistake::Strict, Some(Rotation::Rotated(identity))) => {
                self.end_session(identity.session, now).await?;
                return Ok(Rotation::Ended(identity.session));
            }
            _ => {}
        }
        let rotation = self.right.rotate(old, new, now).await?;
        self.exchanged.lock().unwrap().insert(old, rotation);
        Ok(rotation)
    }

    async fn end_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        match self.mistake {
            Mistake::Endless => Ok(()),
            _ => self.right.end_session(session, now).await,
        }
    }

    // The rest is right.

    async fn add_customer(
        &self,
        new: NewAccount,
    ) -> Result<Customer, CustomerError> {
        self.right.add_customer(new).await
    }

    async fn customer(
        &self,
        id: CustomerId,
    ) -> Result<Option<Customer>, StorageError> {
        self.right.customer(id).await
    }

    async fn account(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<Account>, StorageError> {
        self.right.account(email).await
    }

    async fn begin_session(
        &self,
        account: &Account,
        email: EmailHash,
        token: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Identity>, StorageError> {
        self.right.begin_session(account, email, token, now).await
    }

    async fn clean_up(&self, now: Timestamp) -> Result<(), StorageError> {
        self.right.clean_up(now).await
    }
}

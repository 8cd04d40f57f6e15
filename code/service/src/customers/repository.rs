//! What the customers need of their storage.

use async_trait::async_trait;
use jiff::Timestamp;

use super::error::CustomerError;
use super::model::{
    Customer, CustomerId, EmailAddress, EmailHash, Identity, Role, SessionId,
    TokenHash,
};
use crate::storage::StorageError;

/// Stores accounts and sessions. Each method except [`clean_up`](Repository::clean_up) is
/// one transaction.
#[async_trait]
pub trait Repository: Send + Sync {
    /// Adds an account.
    ///
    /// # Errors
    ///
    /// [`CustomerError::EmailTaken`].
    async fn add_customer(
        &self,
        new: NewAccount,
    ) -> Result<Customer, CustomerError>;

    /// The customer with this number.
    async fn customer(
        &self,
        id: CustomerId,
    ) -> Result<Option<Customer>, StorageError>;

    /// The account with this address.
    async fn account(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<Account>, StorageError>;

    /// Gives the account with this address a role, and ends all of its sessions, so
    /// that none of them gets the new role. `false` if there is no such account.
    async fn set_role(
        &self,
        email: &EmailAddress,
        role: Role,
        now: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Counts an attempt to sign in. Of two at the same time, one is counted after
    /// the other.
    async fn count_attempt(
        &self,
        email: EmailHash,
        now: Timestamp,
    ) -> Result<Attempts, StorageError>;

    /// Begins a session with its first refresh token, and forgets the attempts.
    /// Returns the session, and the role that the account has now. Returns `None`,
    /// and begins no session, if the account no longer has this password hash: it
    /// was changed after the sign-in had read it.
    async fn begin_session(
        &self,
        account: &Account,
        email: EmailHash,
        token: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Identity>, StorageError>;

    /// Exchanges a refresh token for a new one of the same session, or ends the
    /// session if the old one was used before. In both cases the change is stored.
    async fn rotate(
        &self,
        old: TokenHash,
        new: TokenHash,
        now: Timestamp,
    ) -> Result<Rotation, StorageError>;

    /// Ends a session, if it hasn't ended. No refresh token of it can be exchanged
    /// any more.
    async fn end_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<(), StorageError>;

    /// Removes sessions and refresh tokens that have ended, and attempts that no
    /// longer count. If it fails, it may have removed a part of them.
    async fn clean_up(&self, now: Timestamp) -> Result<(), StorageError>;
}

/// An account that is to be added. It has no `Debug`, so that the hash gets into no
/// log.
#[derive(Clone)]
pub struct NewAccount {
    /// The address, which no other account may have.
    pub email: EmailAddress,
    /// The name.
    pub name: String,
    /// The hash of the password.
    pub password_hash: String,
    /// What the customer may do.
    pub role: Role,
    /// The time.
    pub created_at: Timestamp,
}

/// What a sign-in needs of an account. It has no `Debug`, so that the hash gets
/// into no log.
#[derive(Clone)]
pub struct Account {
    /// The customer.
    pub customer: CustomerId,
    /// What they may do.
    pub role: Role,
    /// The hash of their password.
    pub password_hash: String,
}

/// The attempts to sign in with one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// How many there were, with the one that was just counted.
    pub count: u64,
    /// When the first of them was.
    pub first_at: Timestamp,
}

/// What [`Repository::rotate`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The new token is stored. The role is that of the account now.
    Rotated(Identity),
    /// The old token is unknown or has expired, or its session has ended. Nothing
    /// has changed.
    Refused,
    /// The old token was used before, so its session has been ended.
    Ended(SessionId),
}

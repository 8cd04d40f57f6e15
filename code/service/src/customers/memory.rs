//! Accounts and sessions in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use tracing::instrument;

use super::error::CustomerError;
use super::model::{
    ATTEMPTS_MILLISECONDS, Customer, CustomerId, EmailAddress, EmailHash,
    GRACE_MILLISECONDS, Identity, REFRESH_TOKEN_MILLISECONDS, Role, SessionId,
    TokenHash,
};
use super::repository::{Account, Attempts, NewAccount, Repository, Rotation};
use crate::storage::StorageError;
use crate::storage::memory::Memory;

/// The accounts and sessions. All times are in milliseconds since 1970.
#[derive(Default)]
pub(crate) struct Accounts {
    /// By the address in lower case.
    customers: BTreeMap<String, StoredAccount>,
    last_customer: u64,
    sessions: BTreeMap<SessionId, StoredSession>,
    last_session: u64,
    refresh_tokens: BTreeMap<TokenHash, StoredToken>,
    attempts: BTreeMap<EmailHash, Attempts>,
}

struct StoredAccount {
    customer: Customer,
    password_hash: String,
}

#[derive(Clone, Copy)]
struct StoredSession {
    customer: CustomerId,
    ended: bool,
}

#[derive(Clone, Copy)]
struct StoredToken {
    session: SessionId,
    parent: Option<TokenHash>,
    used_at: Option<i64>,
    expires_at: i64,
}

impl Accounts {
    fn customer(&self, id: CustomerId) -> Option<&Customer> {
        let mut customers = self.customers.values().map(|stored| &stored.customer);
        customers.find(|customer| customer.id == id)
    }

    /// Whether a token may be exchanged: if it hasn't been, or if that was a moment
    /// ago and no token that it was exchanged for has been used.
    fn may_rotate(&self, hash: TokenHash, token: &StoredToken, now: i64) -> bool {
        let Some(used_at) = token.used_at else {
            return true;
        };
        let mut tokens = self.refresh_tokens.values();
        now < used_at + GRACE_MILLISECONDS
            && !tokens
                .any(|child| child.parent == Some(hash) && child.used_at.is_some())
    }

    fn insert_token(
        &mut self,
        hash: TokenHash,
        session: SessionId,
        parent: Option<TokenHash>,
        now: i64,
    ) {
        let token = StoredToken {
            session,
            parent,
            used_at: None,
            expires_at: now + REFRESH_TOKEN_MILLISECONDS,
        };
        self.refresh_tokens.insert(hash, token);
    }
}

#[async_trait]
impl Repository for Memory {
    #[instrument(skip_all)]
    async fn add_customer(
        &self,
        new: NewAccount,
    ) -> Result<Customer, CustomerError> {
        let accounts = &mut self.lock().accounts;
        if accounts.customers.contains_key(new.email.key()) {
            return Err(CustomerError::EmailTaken);
        }
        accounts.last_customer += 1;
        let customer = Customer {
            id: CustomerId::new(accounts.last_customer),
            email: new.email.as_str().to_owned(),
            name: new.name,
            role: new.role,
        };
        let stored = StoredAccount {
            customer: customer.clone(),
            password_hash: new.password_hash,
        };
        accounts
            .customers
            .insert(new.email.key().to_owned(), stored);
        Ok(customer)
    }

    #[instrument(skip_all)]
    async fn customer(
        &self,
        id: CustomerId,
    ) -> Result<Option<Customer>, StorageError> {
        Ok(self.lock().accounts.customer(id).cloned())
    }

    #[instrument(skip_all)]
    async fn account(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<Account>, StorageError> {
        let data = self.lock();
        let stored = data.accounts.customers.get(email.key());
        Ok(stored.map(|stored| Account {
            customer: stored.customer.id,
            role: stored.customer.role,
            password_hash: stored.password_hash.clone(),
        }))
    }

    #[instrument(skip_all)]
    async fn set_role(
        &self,
        email: &EmailAddress,
        role: Role,
        _now: Timestamp,
    ) -> Result<bool, StorageError> {
        let accounts = &mut self.lock().accounts;
        let Some(stored) = accounts.customers.get_mut(email.key()) else {
            return Ok(false);
        };
        stored.customer.role = role;
        let sessions = accounts.sessions.values_mut();
        for session in sessions.filter(|it| it.customer == stored.customer.id) {
            session.ended = true;
        }
        Ok(true)
    }

    #[instrument(skip_all)]
    async fn count_attempt(
        &self,
        email: EmailHash,
        now: Timestamp,
    ) -> Result<Attempts, StorageError> {
        let all = &mut self.lock().accounts.attempts;
        let attempts = all.entry(email).or_insert(Attempts {
            count: 0,
            first_at: now,
        });
        if is_over(attempts, now) {
            *attempts = Attempts {
                count: 0,
                first_at: now,
            };
        }
        attempts.count += 1;
        Ok(*attempts)
    }

    #[instrument(skip_all)]
    async fn begin_session(
        &self,
        account: &Account,
        email: EmailHash,
        token: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Identity>, StorageError> {
        let accounts = &mut self.lock().accounts;
        let customer = account.customer;
        let stored = accounts.customers.values().find(|stored| {
            stored.customer.id == customer
                && stored.password_hash == account.password_hash
        });
        let Some(role) = stored.map(|stored| stored.customer.role) else {
            return Ok(None);
        };
        accounts.attempts.remove(&email);
        accounts.last_session += 1;
        let session = SessionId::new(accounts.last_session);
        let ended = false;
        accounts
            .sessions
            .insert(session, StoredSession { customer, ended });
        accounts.insert_token(token, session, None, now.as_millisecond());
        Ok(Some(Identity {
            customer,
            role,
            session,
        }))
    }

    #[instrument(skip_all)]
    async fn rotate(
        &self,
        old: TokenHash,
        new: TokenHash,
        now: Timestamp,
    ) -> Result<Rotation, StorageError> {
        let accounts = &mut self.lock().accounts;
        let now = now.as_millisecond();
        let Some(token) = accounts.refresh_tokens.get(&old).copied() else {
            return Ok(Rotation::Refused);
        };
        let session = accounts.sessions.get(&token.session).copied();
        let Some(session) = session.filter(|session| !session.ended) else {
            return Ok(Rotation::Refused);
        };
        if !accounts.may_rotate(old, &token, now) {
            if let Some(session) = accounts.sessions.get_mut(&token.session) {
                session.ended = true;
            }
            return Ok(Rotation::Ended(token.session));
        }
        let role = accounts.customer(session.customer).map(|it| it.role);
        let Some(role) = role.filter(|_| now < token.expires_at) else {
            return Ok(Rotation::Refused);
        };
        if let Some(token) = accounts.refresh_tokens.get_mut(&old) {
            token.used_at = token.used_at.or(Some(now));
        }
        accounts.insert_token(new, token.session, Some(old), now);
        Ok(Rotation::Rotated(Identity {
            customer: session.customer,
            role,
            session: token.session,
        }))
    }

    #[instrument(skip_all)]
    async fn end_session(
        &self,
        session: SessionId,
        _now: Timestamp,
    ) -> Result<(), StorageError> {
        let sessions = &mut self.lock().accounts.sessions;
        if let Some(session) = sessions.get_mut(&session) {
            session.ended = true;
        }
        Ok(())
    }

    #[instrument(skip_all)]
    async fn clean_up(&self, now: Timestamp) -> Result<(), StorageError> {
        let accounts = &mut self.lock().accounts;
        let sessions = &accounts.sessions;
        accounts.refresh_tokens.retain(|_, token| {
            let session = sessions.get(&token.session);
            session.is_some_and(|session| !session.ended)
                && now.as_millisecond() < token.expires_at
        });
        let tokens = &accounts.refresh_tokens;
        accounts
            .sessions
            .retain(|id, _| tokens.values().any(|token| token.session == *id));
        accounts
            .attempts
            .retain(|_, attempts| !is_over(attempts, now));
        Ok(())
    }
}

/// Whether the time for which these attempts count is over.
fn is_over(attempts: &Attempts, now: Timestamp) -> bool {
    let end = attempts.first_at.as_millisecond() + ATTEMPTS_MILLISECONDS;
    end <= now.as_millisecond()
}

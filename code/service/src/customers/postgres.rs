//! Accounts and sessions in PostgreSQL.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{FromRow, query, query_as, query_scalar};
use tracing::instrument;

use super::error::CustomerError;
use super::model::{
    ATTEMPTS_MILLISECONDS, Customer, CustomerId, EmailAddress, EmailHash,
    GRACE_MILLISECONDS, Identity, REFRESH_TOKEN_MILLISECONDS, Role, SessionId,
    TokenHash,
};
use super::repository::{Account, Attempts, NewAccount, Repository, Rotation};
use crate::storage::postgres::{Postgres, signed, unsigned};
use crate::storage::{Source, StorageError};

/// How long what has ended stays in the tables, in milliseconds: a day. So a
/// request that is running never needs a row that is just being removed.
const KEPT_MILLISECONDS: i64 = 24 * 60 * 60 * 1000;

/// A row of the `customers` table.
#[derive(FromRow)]
struct CustomerRow {
    id: i64,
    email: String,
    name: String,
    role: String,
}

impl TryFrom<CustomerRow> for Customer {
    type Error = StorageError;

    fn try_from(row: CustomerRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: CustomerId::new(unsigned(row.id)?),
            email: row.email,
            name: row.name,
            role: read_role(&row.role)?,
        })
    }
}

#[async_trait]
impl Repository for Postgres {
    #[instrument(skip_all)]
    async fn add_customer(
        &self,
        new: NewAccount,
    ) -> Result<Customer, CustomerError> {
        // ANCHOR: add-customer
        // The `UNIQUE` on `email_key` decides whether the address is taken. If a
        // `SELECT` checked first, two requests at the same time could both find
        // that the address is free.
        let sql = "INSERT INTO customers
                       (email, email_key, name, password_hash, role, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6)
                   ON CONFLICT (email_key) DO NOTHING
                   RETURNING id, email, name, role";
        let row: Option<CustomerRow> = query_as(sql)
            .bind(new.email.as_str())
            .bind(new.email.key())
            .bind(&new.name)
            .bind(&new.password_hash)
            .bind(role_name(new.role))
            .bind(new.created_at.as_millisecond())
            .fetch_optional(self.pool())
            .await
            .map_err(StorageError::from)?;
        let row = row.ok_or(CustomerError::EmailTaken)?;
        // ANCHOR_END: add-customer
        Ok(Customer::try_from(row)?)
    }

    #[instrument(skip_all)]
    async fn customer(
        &self,
        id: CustomerId,
    ) -> Result<Option<Customer>, StorageError> {
        let sql = "SELECT id, email, name, role FROM customers WHERE id = $1";
        let row: Option<CustomerRow> = query_as(sql)
            .bind(signed(id.get()))
            .fetch_optional(self.pool())
            .await?;
        row.map(Customer::try_from).transpose()
    }

    #[instrument(skip_all)]
    async fn account(
        &self,
        email: &EmailAddress,
    ) -> Result<Option<Account>, StorageError> {
        let sql =
            "SELECT id, role, password_hash FROM customers WHERE email_key = $1";
        let row: Option<(i64, String, String)> = query_as(sql)
            .bind(email.key())
            .fetch_optional(self.pool())
            .await?;
        let account = row.map(|(id, role, password_hash)| {
            Ok(Account {
                customer: CustomerId::new(unsigned(id)?),
                role: read_role(&role)?,
                password_hash,
            })
        });
        account.transpose()
    }

    #[instrument(skip_all)]
    async fn set_role(
        &self,
        email: &EmailAddress,
        role: Role,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let mut tx = self.begin().await?;
        let sql =
            "UPDATE customers SET role = $2 WHERE email_key = $1 RETURNING id";
        let customer: Option<i64> = query_scalar(sql)
            .bind(email.key())
            .bind(role_name(role))
            .fetch_optional(&mut *tx)
            .await?;
        let Some(customer) = customer else {
            return Ok(false);
        };
        let sql = "UPDATE sessions SET ended_at = $2
                   WHERE customer_id = $1 AND ended_at IS NULL";
        query(sql)
            .bind(customer)
            .bind(now.as_millisecond())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    #[instrument(skip_all)]
    async fn count_attempt(
        &self,
        email: EmailHash,
        now: Timestamp,
    ) -> Result<Attempts, StorageError> {
        // ANCHOR: count-attempt
        // If two requests run this statement at the same time, the second waits for
        // the first, and adds 1 to the count that the first has written.
        let sql = "INSERT INTO sign_in_attempts AS old
                       (email_hash, attempts, first_at)
                   VALUES ($1, 1, $2)
                   ON CONFLICT (email_hash) DO UPDATE SET
                       attempts = CASE WHEN old.first_at <= $3
                           THEN 1 ELSE old.attempts + 1 END,
                       first_at = CASE WHEN old.first_at <= $3
                           THEN $2 ELSE old.first_at END
                   RETURNING attempts, first_at";
        let (count, first_at): (i64, i64) = query_as(sql)
            .bind(email.0)
            .bind(now.as_millisecond())
            .bind(now.as_millisecond() - ATTEMPTS_MILLISECONDS)
            .fetch_one(self.pool())
            .await?;
        // ANCHOR_END: count-attempt
        let first_at = Timestamp::from_millisecond(first_at);
        Ok(Attempts {
            count: unsigned(count)?,
            first_at: first_at
                .map_err(|error| StorageError::Failed(Box::new(error)))?,
        })
    }

    #[instrument(skip_all)]
    async fn begin_session(
        &self,
        account: &Account,
        email: EmailHash,
        token: TokenHash,
        now: Timestamp,
    ) -> Result<Option<Identity>, StorageError> {
        // ANCHOR: account-unchanged
        let mut tx = self.begin().await?;
        // Until this transaction ends, nobody can change the account. A transaction
        // that changes the password would have to wait, and would then see this
        // session and end it.
        let sql = "SELECT role FROM customers
                   WHERE id = $1 AND password_hash = $2 FOR SHARE";
        let role: Option<String> = query_scalar(sql)
            .bind(signed(account.customer.get()))
            .bind(&account.password_hash)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(role) = role else {
            return Ok(None);
        };
        // ANCHOR_END: account-unchanged
        query("DELETE FROM sign_in_attempts WHERE email_hash = $1")
            .bind(email.0)
            .execute(&mut *tx)
            .await?;
        let sql = "INSERT INTO sessions (customer_id, created_at) VALUES ($1, $2)
                   RETURNING id";
        let session: i64 = query_scalar(sql)
            .bind(signed(account.customer.get()))
            .bind(now.as_millisecond())
            .fetch_one(&mut *tx)
            .await?;
        let sql = "INSERT INTO refresh_tokens (hash, session_id, expires_at)
                   VALUES ($1, $2, $3)";
        query(sql)
            .bind(token.0)
            .bind(session)
            .bind(now.as_millisecond() + REFRESH_TOKEN_MILLISECONDS)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Some(Identity {
            customer: account.customer,
            role: read_role(&role)?,
            session: SessionId::new(unsigned(session)?),
        }))
    }

    #[instrument(skip_all)]
    async fn rotate(
        &self,
        old: TokenHash,
        new: TokenHash,
        now: Timestamp,
    ) -> Result<Rotation, StorageError> {
        let mut tx = self.begin().await?;
        // ANCHOR: rotate
        // One statement checks the token and marks it as used. If two requests have
        // the same token, the second one waits here until the first one commits,
        // and then sees that the token has been used. But within the grace period,
        // the second request still gets a new token.
        let sql = "UPDATE refresh_tokens AS token
                   SET used_at = coalesce(token.used_at, $2)
                   FROM sessions
                   JOIN customers ON customers.id = sessions.customer_id
                   WHERE token.hash = $1
                     AND token.expires_at > $2
                     AND sessions.id = token.session_id
                     AND sessions.ended_at IS NULL
                     AND (token.used_at IS NULL
                          OR token.used_at > $3 AND NOT EXISTS (
                              SELECT FROM refresh_tokens AS child
                              WHERE child.parent = token.hash
                                AND child.used_at IS NOT NULL))
                   RETURNING sessions.id, customers.id, customers.role";
        // ANCHOR_END: rotate
        let row: Option<(i64, i64, String)> = query_as(sql)
            .bind(old.0)
            .bind(now.as_millisecond())
            .bind(now.as_millisecond() - GRACE_MILLISECONDS)
            .fetch_optional(&mut *tx)
            .await?;

        let rotation = match row {
            Some((session, customer, role)) => {
                let sql = "INSERT INTO refresh_tokens
                               (hash, session_id, parent, expires_at)
                           VALUES ($1, $2, $3, $4)";
                query(sql)
                    .bind(new.0)
                    .bind(session)
                    .bind(old.0)
                    .bind(now.as_millisecond() + REFRESH_TOKEN_MILLISECONDS)
                    .execute(&mut *tx)
                    .await?;
                Rotation::Rotated(Identity {
                    customer: CustomerId::new(unsigned(customer)?),
                    role: read_role(&role)?,
                    session: SessionId::new(unsigned(session)?),
                })
            }
            None => {
                // ANCHOR: end-family
                let sql = "UPDATE sessions SET ended_at = $2
                           FROM refresh_tokens AS token
                           WHERE token.hash = $1
                             AND token.used_at IS NOT NULL
                             AND sessions.id = token.session_id
                             AND sessions.ended_at IS NULL
                           RETURNING sessions.id";
                let session: Option<i64> = query_scalar(sql)
                    .bind(old.0)
                    .bind(now.as_millisecond())
                    .fetch_optional(&mut *tx)
                    .await?;
                match session {
                    Some(id) => Rotation::Ended(SessionId::new(unsigned(id)?)),
                    None => Rotation::Refused,
                }
                // ANCHOR_END: end-family
            }
        };
        // Also if the session was ended. If this were an error that rolls the
        // transaction back, the session would continue.
        tx.commit().await?;
        Ok(rotation)
    }

    #[instrument(skip_all)]
    async fn end_session(
        &self,
        session: SessionId,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let sql = "UPDATE sessions SET ended_at = $2
                   WHERE id = $1 AND ended_at IS NULL";
        query(sql)
            .bind(signed(session.get()))
            .bind(now.as_millisecond())
            .execute(self.pool())
            .await?;
        Ok(())
    }

    #[instrument(skip_all)]
    async fn clean_up(&self, now: Timestamp) -> Result<(), StorageError> {
        // Each statement is a transaction of its own: one that takes too long must not undo
        // the others. The last one reads the most rows, because it looks at every session.
        query("DELETE FROM sign_in_attempts WHERE first_at < $1")
            .bind(now.as_millisecond() - ATTEMPTS_MILLISECONDS)
            .execute(self.pool())
            .await?;
        query("DELETE FROM refresh_tokens WHERE expires_at < $1")
            .bind(now.as_millisecond() - KEPT_MILLISECONDS)
            .execute(self.pool())
            .await?;
        // The tokens of these sessions are removed with them.
        query("DELETE FROM sessions WHERE ended_at < $1")
            .bind(now.as_millisecond() - KEPT_MILLISECONDS)
            .execute(self.pool())
            .await?;
        // With one statement and an `OR`, PostgreSQL would search the tokens for each
        // session. Here, it can join the two tables.
        let sql = "DELETE FROM sessions
                   WHERE NOT EXISTS (SELECT FROM refresh_tokens
                                     WHERE session_id = sessions.id)";
        query(sql).execute(self.pool()).await?;
        Ok(())
    }
}

/// A role as the table has it.
fn role_name(role: Role) -> &'static str {
    match role {
        Role::Customer => "customer",
        Role::Barista => "barista",
    }
}

fn read_role(name: &str) -> Result<Role, StorageError> {
    match name {
        "customer" => Ok(Role::Customer),
        "barista" => Ok(Role::Barista),
        _ => Err(StorageError::Failed(Source::from(format!(
            "the role {name} is unknown"
        )))),
    }
}

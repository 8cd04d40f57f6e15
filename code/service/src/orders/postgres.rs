//! Orders in PostgreSQL.
//!
//! The transactions run at PostgreSQL's default level, READ COMMITTED. Each statement sees
//! what other transactions have committed by then, so what a transaction has read could
//! change before it writes. It doesn't, because each transaction here first locks the rows
//! that it reads and changes: the row of the idempotency key or of the order, and then those
//! of the items. A higher level would find the same conflicts, but would end one of the
//! transactions with an error, where a lock only makes it wait.

use std::collections::HashMap;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{FromRow, PgConnection, QueryBuilder, query, query_as};
use tracing::instrument;

use super::error::OrderError;
use super::idempotency::{Answer, Fingerprint, IdempotencyKey, keys_end};
use super::model::{
    Actor, Line, NewOrder, Note, Order, OrderFilter, OrderId, Page, Quantity,
    Status,
};
use super::repository::Repository;
use crate::customers::error::CustomerError;
use crate::customers::model::{CustomerId, Identity};
use crate::menu::model::{Cents, ItemId};
use crate::menu::postgres::{put_back, take_stock};
use crate::storage::StorageError;
use crate::storage::postgres::{Postgres, signed, unsigned};

/// A row of the `orders` table.
#[derive(FromRow)]
struct OrderRow {
    id: i64,
    customer_id: i64,
    note: Option<String>,
    total_cents: i64,
    status: String,
    placed_at: i64,
}

/// A row of the `order_lines` table.
#[derive(FromRow)]
struct LineRow {
    order_id: i64,
    item_id: String,
    name: String,
    quantity: i64,
    unit_price_cents: i64,
}

impl OrderRow {
    fn into_order(self, lines: Vec<Line>) -> Result<Order, StorageError> {
        let wrong =
            |column| StorageError::Failed(format!("a wrong {column}").into());
        let placed_at = Timestamp::from_millisecond(self.placed_at);
        let status = Status::ALL.into_iter().find(|s| s.as_str() == self.status);
        Ok(Order {
            id: OrderId::new(unsigned(self.id)?),
            customer: CustomerId::new(unsigned(self.customer_id)?),
            lines,
            note: self.note.map(Note::from_stored),
            total_cents: Cents::new(unsigned(self.total_cents)?),
            status: status.ok_or_else(|| wrong("status"))?,
            placed_at: placed_at.map_err(|_| wrong("placed_at"))?,
        })
    }
}

impl TryFrom<LineRow> for Line {
    type Error = StorageError;

    fn try_from(row: LineRow) -> Result<Self, StorageError> {
        Ok(Self {
            item: ItemId::from_stored(row.item_id),
            name: row.name,
            quantity: Quantity::from_stored(unsigned(row.quantity)?),
            unit_price_cents: Cents::new(unsigned(row.unit_price_cents)?),
        })
    }
}

/// The answer in a row of the `idempotency_keys` table.
#[derive(FromRow)]
struct AnswerRow {
    fingerprint: Vec<u8>,
    status: Option<i64>,
    location: Option<String>,
    body: Option<String>,
}

// ANCHOR: no-account
/// The only foreign key of a new order is its customer. If it's violated, the account was
/// removed while its access token was still valid.
fn no_account(error: sqlx::Error) -> OrderError {
    match &error {
        sqlx::Error::Database(cause) if cause.is_foreign_key_violation() => {
            CustomerError::InvalidToken.into()
        }
        _ => error.into(),
    }
}
// ANCHOR_END: no-account

impl From<sqlx::Error> for OrderError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

#[async_trait]
impl Repository for Postgres {
    #[instrument(skip_all)]
    async fn place(
        &self,
        customer: CustomerId,
        key: IdempotencyKey,
        new: NewOrder,
        now: Timestamp,
    ) -> Result<Answer, OrderError> {
        let fingerprint = Fingerprint::of(&new);
        // ANCHOR: place-begin
        // If this function returns early, or if the client disconnects and this future is
        // dropped, then the transaction is dropped, too, which rolls it back. (If COMMIT
        // has already been sent, PostgreSQL commits.)
        let mut tx = self.begin().await?;
        if !claim_key(&mut tx, customer, &key, &fingerprint, now).await? {
            return stored_answer(&mut tx, customer, &key, &fingerprint).await;
        }
        // ANCHOR_END: place-begin
        let items = take_stock(&mut tx, &new.portions()).await?;
        let (lines, total_cents) = new.price(&items)?;
        let sql =
            "INSERT INTO orders (customer_id, note, total_cents, status, placed_at)
                   VALUES ($1, $2, $3, $4, $5) RETURNING id";
        let (id,): (i64,) = query_as(sql)
            .bind(signed(customer.get()))
            .bind(new.note().map(Note::as_str))
            .bind(i64::from(total_cents.get()))
            .bind(Status::Placed.as_str())
            .bind(now.as_millisecond())
            .fetch_one(&mut *tx)
            .await
            .map_err(no_account)?;
        let order = Order {
            id: OrderId::new(unsigned(id)?),
            customer,
            lines,
            note: new.note().cloned(),
            total_cents,
            status: Status::Placed,
            placed_at: now,
        };
        insert_lines(&mut tx, &order).await?;
        // ANCHOR: place-end
        let answer = Answer::created(&order)?;
        store_answer(&mut tx, customer, &key, &answer).await?;
        tx.commit().await?;
        Ok(answer)
        // ANCHOR_END: place-end
    }

    #[instrument(skip_all)]
    async fn order(&self, id: OrderId) -> Result<Option<Order>, StorageError> {
        let sql = "SELECT id, customer_id, note, total_cents, status, placed_at
                   FROM orders WHERE id = $1";
        let mut connection = self.pool().acquire().await?;
        let row: Option<OrderRow> = query_as(sql)
            .bind(signed(id.get()))
            .fetch_optional(&mut *connection)
            .await?;
        let orders = with_lines(&mut connection, row.into_iter().collect()).await?;
        Ok(orders.into_iter().next())
    }

    #[instrument(skip_all)]
    async fn orders(&self, filter: OrderFilter) -> Result<Page, StorageError> {
        // ANCHOR: query-builder
        let mut sql = QueryBuilder::new(
            "SELECT id, customer_id, note, total_cents, status, placed_at
             FROM orders WHERE true",
        );
        if let Some(customer) = filter.customer {
            sql.push(" AND customer_id = ");
            sql.push_bind(signed(customer.get()));
        }
        if let Some(status) = filter.status {
            sql.push(" AND status = ");
            sql.push_bind(status.as_str());
        }
        if let Some(after) = filter.after {
            sql.push(" AND id < ");
            sql.push_bind(signed(after.get()));
        }
        // Ask for one more order than fits on the page. If we get it, there's a next
        // page.
        sql.push(" ORDER BY id DESC LIMIT ");
        sql.push_bind(i64::from(filter.limit.get()) + 1);

        let mut connection = self.pool().acquire().await?;
        let rows: Vec<OrderRow> =
            sql.build_query_as().fetch_all(&mut *connection).await?;
        // ANCHOR_END: query-builder
        let orders = with_lines(&mut connection, rows).await?;
        Ok(Page::new(orders, filter.limit))
    }

    #[instrument(skip_all)]
    async fn set_status(
        &self,
        identity: Identity,
        id: OrderId,
        status: Status,
    ) -> Result<Order, OrderError> {
        let mut tx = self.begin().await?;
        let check = |order: &Order| order.check_step(&identity, status);
        let order = change(&mut tx, id, status, check).await?;
        tx.commit().await?;
        Ok(order)
    }

    #[instrument(skip_all)]
    // ANCHOR: clean-up
    async fn clean_up(&self, now: Timestamp) -> Result<u64, StorageError> {
        let sql = "DELETE FROM idempotency_keys WHERE created_at <= $1";
        let end = keys_end(now).as_millisecond();
        let done = query(sql).bind(end).execute(self.pool()).await?;
        Ok(done.rows_affected())
    }
    // ANCHOR_END: clean-up
}

/// Stores a key, and returns whether it is new. If another transaction has stored it and
/// hasn't ended, the INSERT waits: if the other one commits, the key isn't new. If it is rolled
/// back, the key is free.
async fn claim_key(
    connection: &mut PgConnection,
    customer: CustomerId,
    key: &IdempotencyKey,
    fingerprint: &Fingerprint,
    now: Timestamp,
) -> Result<bool, OrderError> {
    // ANCHOR: claim-key
    // Four seconds is less than `statement_timeout`, which would otherwise end the
    // statement first. In that case, we couldn't tell that the statement was waiting
    // for this lock.
    let sql = "SET LOCAL lock_timeout = '4s'";
    query(sql).execute(&mut *connection).await?;
    let sql =
        "INSERT INTO idempotency_keys (customer_id, key, fingerprint, created_at)
               VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let inserted = query(sql)
        .bind(signed(customer.get()))
        .bind(key.as_str())
        .bind(fingerprint.as_bytes().as_slice())
        .bind(now.as_millisecond())
        .execute(&mut *connection)
        .await;
    // ANCHOR_END: claim-key
    // ANCHOR: key-in-use
    match inserted {
        // 55P03 (lock_not_available): the lock wasn't free in time.
        Err(sqlx::Error::Database(error))
            if error.code().as_deref() == Some("55P03") =>
        {
            Err(OrderError::KeyInUse)
        }
        inserted => Ok(inserted?.rows_affected() == 1),
    }
    // ANCHOR_END: key-in-use
}

/// The answer to an order that was placed with this key.
async fn stored_answer(
    connection: &mut PgConnection,
    customer: CustomerId,
    key: &IdempotencyKey,
    fingerprint: &Fingerprint,
) -> Result<Answer, OrderError> {
    let sql = "SELECT fingerprint, status, location, body FROM idempotency_keys
               WHERE customer_id = $1 AND key = $2";
    let row: Option<AnswerRow> = query_as(sql)
        .bind(signed(customer.get()))
        .bind(key.as_str())
        .fetch_optional(connection)
        .await?;
    // ANCHOR: key-reused
    // If there's no row, then the key was there a moment ago, but `clean_up` has removed it
    // in the meantime. If the client tries again, the key is free.
    let removed = || StorageError::Busy("the key was removed".into());
    let row = row.ok_or_else(removed)?;
    if row.fingerprint != fingerprint.as_bytes() {
        return Err(OrderError::KeyReused);
    }
    // ANCHOR_END: key-reused
    let (Some(status), Some(location), Some(body)) =
        (row.status, row.location, row.body)
    else {
        return Err(StorageError::Failed("a key without an answer".into()).into());
    };
    Ok(Answer {
        status: unsigned(status)?,
        location,
        body,
    })
}

/// Completes the row that [`claim_key`] has stored.
async fn store_answer(
    connection: &mut PgConnection,
    customer: CustomerId,
    key: &IdempotencyKey,
    answer: &Answer,
) -> Result<(), OrderError> {
    let sql = "UPDATE idempotency_keys SET status = $3, location = $4, body = $5
               WHERE customer_id = $1 AND key = $2";
    query(sql)
        .bind(signed(customer.get()))
        .bind(key.as_str())
        .bind(i64::from(answer.status))
        .bind(&answer.location)
        .bind(&answer.body)
        .execute(connection)
        .await?;
    Ok(())
}

/// Stores the lines of a new order, all of them with one statement.
async fn insert_lines(
    connection: &mut PgConnection,
    order: &Order,
) -> Result<(), OrderError> {
    let sql = "INSERT INTO order_lines
                   (order_id, position, item_id, name, quantity, unit_price_cents)
               SELECT $1, position, item_id, name, quantity, unit_price_cents
               FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
                   WITH ORDINALITY
                   AS line (item_id, name, quantity, unit_price_cents, position)";
    let lines = &order.lines;
    let items: Vec<_> = lines.iter().map(|line| line.item.as_str()).collect();
    let names: Vec<_> = lines.iter().map(|line| line.name.as_str()).collect();
    let quantities = lines.iter().map(|line| i64::from(line.quantity.get()));
    let prices = lines
        .iter()
        .map(|line| i64::from(line.unit_price_cents.get()));
    query(sql)
        .bind(signed(order.id.get()))
        .bind(items)
        .bind(names)
        .bind(quantities.collect::<Vec<_>>())
        .bind(prices.collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes orders of their rows: one query finds the lines of all of them. Lines never change,
/// so it makes no difference that this is another query, and maybe another transaction.
async fn with_lines(
    connection: &mut PgConnection,
    rows: Vec<OrderRow>,
) -> Result<Vec<Order>, StorageError> {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let sql = "SELECT order_id, item_id, name, quantity, unit_price_cents
               FROM order_lines WHERE order_id = ANY($1)
               ORDER BY order_id, position";
    let lines: Vec<LineRow> = query_as(sql).bind(ids).fetch_all(connection).await?;
    let mut lines_by_order: HashMap<i64, Vec<Line>> = HashMap::new();
    for row in lines {
        let order = lines_by_order.entry(row.order_id).or_default();
        order.push(Line::try_from(row)?);
    }
    let orders = rows.into_iter().map(|row| {
        let lines = lines_by_order.remove(&row.id).unwrap_or_default();
        row.into_order(lines)
    });
    orders.collect()
}

/// Says that an order is paid, as part of the caller's transaction.
///
/// # Errors
///
/// [`OrderError::UnknownOrder`] and [`OrderError::NotNow`].
pub(crate) async fn mark_paid(
    connection: &mut PgConnection,
    id: OrderId,
) -> Result<Order, OrderError> {
    let check =
        |order: &Order| order.check_step_of(&[Actor::Payments], Status::Paid);
    change(connection, id, Status::Paid, check).await
}

/// Cancels an order that was not paid in time or whose money went back, and puts its items
/// back in stock, as part of the caller's transaction.
///
/// # Errors
///
/// [`OrderError::UnknownOrder`] and [`OrderError::NotNow`].
pub(crate) async fn cancel_and_restock(
    connection: &mut PgConnection,
    id: OrderId,
) -> Result<Order, OrderError> {
    let check =
        |order: &Order| order.check_step_of(&[Actor::Payments], Status::Canceled);
    change(connection, id, Status::Canceled, check).await
}

/// Sets the status of an order, if `check` allows it. The row is locked first, so of two
/// requests that cancel the order at once, the second one finds it canceled.
// ANCHOR: change
async fn change(
    connection: &mut PgConnection,
    id: OrderId,
    status: Status,
    check: impl FnOnce(&Order) -> Result<(), OrderError>,
) -> Result<Order, OrderError> {
    let mut order = lock_order(connection, id).await?;
    check(&order)?;
    let sql = "UPDATE orders SET status = $2 WHERE id = $1";
    query(sql)
        .bind(signed(id.get()))
        .bind(status.as_str())
        .execute(&mut *connection)
        .await?;
    if status == Status::Canceled {
        put_back(connection, &order.portions()).await?;
    }
    order.status = status;
    Ok(order)
}
// ANCHOR_END: change

/// Reads an order, and locks its row until the caller's transaction ends.
pub(crate) async fn lock_order(
    connection: &mut PgConnection,
    id: OrderId,
) -> Result<Order, OrderError> {
    let sql = "SELECT id, customer_id, note, total_cents, status, placed_at
               FROM orders WHERE id = $1 FOR UPDATE";
    let row: Option<OrderRow> = query_as(sql)
        .bind(signed(id.get()))
        .fetch_optional(&mut *connection)
        .await?;
    let orders = with_lines(connection, row.into_iter().collect()).await?;
    let order = orders.into_iter().next();
    order.ok_or(OrderError::UnknownOrder(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_is_not_about_the_account_stays_an_error_of_the_storage() {
        let error = no_account(sqlx::Error::PoolTimedOut);
        let OrderError::Storage(StorageError::Busy(_)) = error else {
            panic!("{error:?}");
        };
    }
}

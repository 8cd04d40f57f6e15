//! Payments in PostgreSQL.
//!
//! Each transaction that changes a payment first locks the row of its order, as those of the
//! orders do. So only one transaction at a time decides about an order and its payments.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{FromRow, PgConnection, query, query_as};
use tracing::instrument;

use super::error::PaymentError;
use super::model::{
    Begun, Payment, PaymentState, Subject, apply, begin, check_open, is_abandoned,
    refunds,
};
use super::provider::{OpenSession, Refund};
use super::repository::{Recorded, Repository};
use super::webhook::Event;
use crate::customers::model::Identity;
use crate::menu::model::Cents;
use crate::orders::error::OrderError;
use crate::orders::model::{OrderId, Status};
use crate::orders::postgres::{cancel_and_restock, lock_order, mark_paid};
use crate::storage::StorageError;
use crate::storage::postgres::{Postgres, signed, unsigned};

/// A row of the `payments` table.
#[derive(FromRow)]
struct PaymentRow {
    reference: String,
    order_id: i64,
    amount_cents: i64,
    status: String,
    checkout_session: Option<String>,
    url: Option<String>,
    payment_intent: Option<String>,
    created_at: i64,
    expires_at: i64,
}

impl TryFrom<PaymentRow> for Payment {
    type Error = StorageError;

    fn try_from(row: PaymentRow) -> Result<Self, StorageError> {
        let wrong =
            |column| StorageError::Failed(format!("a wrong {column}").into());
        let time = |stored, column| {
            Timestamp::from_millisecond(stored).map_err(|_| wrong(column))
        };
        let mut states = PaymentState::ALL.into_iter();
        let state = states.find(|state| state.as_str() == row.status);
        let session = row.checkout_session.zip(row.url);
        Ok(Self {
            reference: row.reference,
            order: OrderId::new(unsigned(row.order_id)?),
            amount: Cents::new(unsigned(row.amount_cents)?),
            state: state.ok_or_else(|| wrong("status"))?,
            session: session.map(|(id, url)| OpenSession { id, url }),
            payment_intent: row.payment_intent,
            created_at: time(row.created_at, "created_at")?,
            expires_at: time(row.expires_at, "expires_at")?,
        })
    }
}

impl From<sqlx::Error> for PaymentError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

#[async_trait]
impl Repository for Postgres {
    #[instrument(skip_all)]
    async fn begin(
        &self,
        identity: Identity,
        order: OrderId,
        reference: String,
        now: Timestamp,
    ) -> Result<Payment, PaymentError> {
        let mut tx = self.begin().await?;
        let order = lock_order(&mut tx, order).await?;
        let payments = payments_of(&mut tx, order.id).await?;
        let payment = match begin(&identity, &order, &payments, reference, now)? {
            Begun::Existing(payment) => return Ok(payment),
            Begun::New(payment) => payment,
        };
        for old in payments.iter().filter(|payment| payment.state.is_live()) {
            set_state(&mut tx, &old.reference, PaymentState::Expired).await?;
        }
        let sql = "INSERT INTO payments (reference, order_id, amount_cents, status,
                                         created_at, expires_at)
                   VALUES ($1, $2, $3, $4, $5, $6)";
        query(sql)
            .bind(&payment.reference)
            .bind(signed(payment.order.get()))
            .bind(i64::from(payment.amount.get()))
            .bind(payment.state.as_str())
            .bind(payment.created_at.as_millisecond())
            .bind(payment.expires_at.as_millisecond())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(payment)
    }

    #[instrument(skip_all)]
    async fn open(
        &self,
        reference: &str,
        session: OpenSession,
    ) -> Result<Payment, PaymentError> {
        let mut tx = self.begin().await?;
        // Without a lock yet: the order of a payment never changes, so it's found by this,
        // and then read again.
        let payment = payment(&mut tx, reference).await?;
        let order = lock_order(&mut tx, payment.order).await?;
        let payment = self::payment(&mut tx, reference).await?;
        check_open(&order, &payment)?;
        let sql = "UPDATE payments SET status = $2, checkout_session = $3, url = $4
                   WHERE reference = $1";
        query(sql)
            .bind(reference)
            .bind(PaymentState::Open.as_str())
            .bind(&session.id)
            .bind(&session.url)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Payment {
            state: PaymentState::Open,
            session: Some(session),
            ..payment
        })
    }

    #[instrument(skip_all)]
    async fn expire(&self, reference: &str) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        let subject = Subject {
            reference: Some(reference),
            payment_intent: None,
        };
        let Some(order) = order_of(&mut tx, Some(subject)).await? else {
            return Ok(());
        };
        lock_order(&mut tx, order).await.map_err(failed)?;
        let sql = "UPDATE payments SET status = $2
                   WHERE reference = $1 AND status IN ($3, $4)";
        query(sql)
            .bind(reference)
            .bind(PaymentState::Expired.as_str())
            .bind(PaymentState::Creating.as_str())
            .bind(PaymentState::Open.as_str())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    #[instrument(skip_all)]
    async fn payments(&self, order: OrderId) -> Result<Vec<Payment>, StorageError> {
        let mut connection = self.pool().acquire().await?;
        payments_of(&mut connection, order).await
    }

    #[instrument(skip_all)]
    async fn refunds(&self, order: OrderId) -> Result<Vec<Refund>, PaymentError> {
        let mut tx = self.begin().await?;
        let order = lock_order(&mut tx, order).await?;
        let payments = payments_of(&mut tx, order.id).await?;
        refunds(&order, &payments)
    }

    #[instrument(skip_all)]
    async fn record(
        &self,
        event: &Event,
        now: Timestamp,
    ) -> Result<Recorded, StorageError> {
        let mut tx = self.begin().await?;
        // ANCHOR: record
        // If another transaction is recording the same event, this `INSERT` waits for it
        // to end.
        let sql = "INSERT INTO stripe_events (id, received_at) VALUES ($1, $2)
                   ON CONFLICT (id) DO NOTHING";
        let inserted = query(sql)
            .bind(&event.id)
            .bind(now.as_millisecond())
            .execute(&mut *tx)
            .await?;
        let is_new = inserted.rows_affected() == 1;
        // ANCHOR_END: record
        // ANCHOR: lock-order
        let subject = Subject::of(&event.kind);
        let Some(order) = order_of(&mut tx, subject).await? else {
            tx.commit().await?;
            return Ok(Recorded::Unknown);
        };

        let order = lock_order(&mut tx, order).await.map_err(failed)?;
        let all = payments_of(&mut tx, order.id).await?;
        // ANCHOR_END: lock-order
        let is_subject =
            |payment: &&Payment| subject.is_some_and(|s| s.is(payment));
        let missing = || StorageError::Failed("a payment is missing".into());
        let payment = all.iter().find(is_subject).ok_or_else(missing)?;
        // ANCHOR: change
        let (changed, new_status) = if is_new {
            apply(&event.kind, payment, &all, order.status)
        } else {
            (payment.clone(), None)
        };
        match new_status {
            Some(Status::Paid) => mark_paid(&mut tx, order.id).await,
            Some(_) => cancel_and_restock(&mut tx, order.id).await,
            None => Ok(order.clone()),
        }
        .map_err(failed)?;
        let sql = "UPDATE payments SET status = $2, payment_intent = $3
                   WHERE reference = $1";
        query(sql)
            .bind(&changed.reference)
            .bind(changed.state.as_str())
            .bind(&changed.payment_intent)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        // ANCHOR_END: change
        Ok(Recorded::Known {
            before: payment.state,
            order: new_status.unwrap_or(order.status),
            payment: changed,
        })
    }

    #[instrument(skip_all)]
    async fn unpaid(
        &self,
        placed_before: Timestamp,
    ) -> Result<Vec<OrderId>, StorageError> {
        let sql = "SELECT id FROM orders WHERE status = $1 AND placed_at < $2
                   ORDER BY id";
        let orders: Vec<(i64,)> = query_as(sql)
            .bind(Status::Placed.as_str())
            .bind(placed_before.as_millisecond())
            .fetch_all(self.pool())
            .await?;
        let id = |(id,)| Ok(OrderId::new(unsigned(id)?));
        orders.into_iter().map(id).collect()
    }

    #[instrument(skip_all)]
    async fn cancel_abandoned(
        &self,
        order: OrderId,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let mut tx = self.begin().await?;
        let order = lock_order(&mut tx, order).await.map_err(failed)?;
        let payments = payments_of(&mut tx, order.id).await?;
        // Somebody may have paid since the order was found.
        let abandoned = is_abandoned(&order, &payments, now);
        if abandoned {
            let canceled = cancel_and_restock(&mut tx, order.id).await;
            canceled.map_err(failed)?;
            tx.commit().await?;
        }
        Ok(abandoned)
    }

    #[instrument(skip_all)]
    async fn refunds_due(&self) -> Result<Vec<Payment>, StorageError> {
        let sql =
            "SELECT reference, order_id, amount_cents, status, checkout_session,
                          url, payment_intent, created_at, expires_at
                   FROM payments WHERE status = $1 ORDER BY id";
        let rows: Vec<PaymentRow> = query_as(sql)
            .bind(PaymentState::RefundDue.as_str())
            .fetch_all(self.pool())
            .await?;
        rows.into_iter().map(Payment::try_from).collect()
    }

    #[instrument(skip_all)]
    async fn forget_events(&self, before: Timestamp) -> Result<u64, StorageError> {
        let sql = "DELETE FROM stripe_events WHERE received_at < $1";
        let before = before.as_millisecond();
        let done = query(sql).bind(before).execute(self.pool()).await?;
        Ok(done.rows_affected())
    }
}

/// An error of the orders that doesn't depend on a client.
fn failed(error: OrderError) -> StorageError {
    match error {
        OrderError::Storage(error) => error,
        error => StorageError::Failed(error.into()),
    }
}

/// The order of the payment with this name.
async fn order_of(
    connection: &mut PgConnection,
    subject: Option<Subject<'_>>,
) -> Result<Option<OrderId>, StorageError> {
    let Some(subject) = subject else {
        return Ok(None);
    };
    let sql = "SELECT order_id FROM payments
               WHERE reference = $1 OR payment_intent = $2";
    let row: Option<(i64,)> = query_as(sql)
        .bind(subject.reference)
        .bind(subject.payment_intent)
        .fetch_optional(connection)
        .await?;
    row.map(|(id,)| Ok(OrderId::new(unsigned(id)?))).transpose()
}

/// All payments of an order.
async fn payments_of(
    connection: &mut PgConnection,
    order: OrderId,
) -> Result<Vec<Payment>, StorageError> {
    let sql = "SELECT reference, order_id, amount_cents, status, checkout_session,
                      url, payment_intent, created_at, expires_at
               FROM payments WHERE order_id = $1 ORDER BY id";
    let order = signed(order.get());
    let rows: Vec<PaymentRow> =
        query_as(sql).bind(order).fetch_all(connection).await?;
    rows.into_iter().map(Payment::try_from).collect()
}

/// The payment with this reference.
async fn payment(
    connection: &mut PgConnection,
    reference: &str,
) -> Result<Payment, StorageError> {
    let sql = "SELECT reference, order_id, amount_cents, status, checkout_session,
                      url, payment_intent, created_at, expires_at
               FROM payments WHERE reference = $1";
    let row: PaymentRow =
        query_as(sql).bind(reference).fetch_one(connection).await?;
    row.try_into()
}

async fn set_state(
    connection: &mut PgConnection,
    reference: &str,
    state: PaymentState,
) -> Result<(), StorageError> {
    let sql = "UPDATE payments SET status = $2 WHERE reference = $1";
    let sql = query(sql).bind(reference).bind(state.as_str());
    sql.execute(connection).await?;
    Ok(())
}

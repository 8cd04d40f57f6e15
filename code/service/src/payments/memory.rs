//! Payments in memory.

use async_trait::async_trait;
use jiff::Timestamp;
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
use crate::orders::error::OrderError;
use crate::orders::memory::{cancel_and_restock, mark_paid};
use crate::orders::model::{Order, OrderId, Status};
use crate::storage::StorageError;
use crate::storage::memory::{Data, Memory};

impl Data {
    fn order(&self, id: OrderId) -> Result<&Order, OrderError> {
        let place = self.find_order(id).ok_or(OrderError::UnknownOrder(id))?;
        Ok(&self.orders[place])
    }

    fn payments_of(&self, order: OrderId) -> Vec<Payment> {
        let all = self.payments.iter();
        all.filter(|payment| payment.order == order)
            .cloned()
            .collect()
    }

    fn payment(&self, reference: &str) -> Result<usize, StorageError> {
        let mut all = self.payments.iter();
        let place = all.position(|payment| payment.reference == reference);
        let unknown = || StorageError::Failed("a payment is missing".into());
        place.ok_or_else(unknown)
    }
}

#[async_trait]
impl Repository for Memory {
    #[instrument(skip_all)]
    async fn begin(
        &self,
        identity: Identity,
        order: OrderId,
        reference: String,
        now: Timestamp,
    ) -> Result<Payment, PaymentError> {
        let mut data = self.lock();
        let payments = data.payments_of(order);
        let order = data.order(order)?;
        let id = order.id;
        match begin(&identity, order, &payments, reference, now)? {
            Begun::Existing(payment) => Ok(payment),
            Begun::New(payment) => {
                for old in &mut data.payments {
                    if old.order == id && old.state.is_live() {
                        old.state = PaymentState::Expired;
                    }
                }
                data.payments.push(payment.clone());
                Ok(payment)
            }
        }
    }

    #[instrument(skip_all)]
    async fn open(
        &self,
        reference: &str,
        session: OpenSession,
    ) -> Result<Payment, PaymentError> {
        let mut data = self.lock();
        let place = data.payment(reference)?;
        let payment = &data.payments[place];
        check_open(data.order(payment.order)?, payment)?;
        let payment = &mut data.payments[place];
        payment.state = PaymentState::Open;
        payment.session = Some(session);
        Ok(payment.clone())
    }

    #[instrument(skip_all)]
    async fn expire(&self, reference: &str) -> Result<(), StorageError> {
        let mut data = self.lock();
        let place = data.payment(reference)?;
        let state = &mut data.payments[place].state;
        if matches!(state, PaymentState::Creating | PaymentState::Open) {
            *state = PaymentState::Expired;
        }
        Ok(())
    }

    #[instrument(skip_all)]
    async fn payments(&self, order: OrderId) -> Result<Vec<Payment>, StorageError> {
        Ok(self.lock().payments_of(order))
    }

    #[instrument(skip_all)]
    async fn refunds(&self, order: OrderId) -> Result<Vec<Refund>, PaymentError> {
        let data = self.lock();
        refunds(data.order(order)?, &data.payments_of(order))
    }

    #[instrument(skip_all)]
    async fn record(
        &self,
        event: &Event,
        now: Timestamp,
    ) -> Result<Recorded, StorageError> {
        let mut data = self.lock();
        let is_new = !data.stripe_events.contains_key(&event.id);
        let subject = Subject::of(&event.kind);
        let is_subject = |payment: &Payment| subject.is_some_and(|s| s.is(payment));
        let Some(place) = data.payments.iter().position(is_subject) else {
            data.stripe_events.entry(event.id.clone()).or_insert(now);
            return Ok(Recorded::Unknown);
        };
        let mut payment = data.payments[place].clone();
        let before = payment.state;
        let id = payment.order;
        let failed = |error: OrderError| StorageError::Failed(error.into());
        let mut order = data.order(id).map_err(failed)?.status;
        if is_new {
            let all = data.payments_of(id);
            let (changed, new_status) = apply(&event.kind, &payment, &all, order);
            let change: fn(&mut Data, OrderId) -> _ = match new_status {
                Some(Status::Paid) => mark_paid,
                _ => cancel_and_restock,
            };
            if let Some(status) = new_status {
                change(&mut data, id).map_err(failed)?;
                order = status;
            }
            // From here on, nothing can fail.
            data.payments[place] = changed.clone();
            data.stripe_events.insert(event.id.clone(), now);
            payment = changed;
        }
        Ok(Recorded::Known {
            payment,
            before,
            order,
        })
    }

    #[instrument(skip_all)]
    async fn unpaid(
        &self,
        placed_before: Timestamp,
    ) -> Result<Vec<OrderId>, StorageError> {
        let data = self.lock();
        let unpaid = data.orders.iter().filter(|order| {
            order.status == Status::Placed && order.placed_at < placed_before
        });
        Ok(unpaid.map(|order| order.id).collect())
    }

    #[instrument(skip_all)]
    async fn cancel_abandoned(
        &self,
        order: OrderId,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let failed = |error: OrderError| StorageError::Failed(error.into());
        let mut data = self.lock();
        let payments = data.payments_of(order);
        let abandoned =
            is_abandoned(data.order(order).map_err(failed)?, &payments, now);
        if abandoned {
            cancel_and_restock(&mut data, order).map_err(failed)?;
        }
        Ok(abandoned)
    }

    #[instrument(skip_all)]
    async fn refunds_due(&self) -> Result<Vec<Payment>, StorageError> {
        let data = self.lock();
        let due = data
            .payments
            .iter()
            .filter(|payment| payment.state == PaymentState::RefundDue);
        Ok(due.cloned().collect())
    }

    #[instrument(skip_all)]
    async fn forget_events(&self, before: Timestamp) -> Result<u64, StorageError> {
        let events = &mut self.lock().stripe_events;
        let number = events.len();
        events.retain(|_, received_at| *received_at >= before);
        Ok((number - events.len()) as u64)
    }
}

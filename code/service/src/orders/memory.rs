//! Orders in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use tracing::instrument;

use super::error::OrderError;
use super::idempotency::{Answer, Fingerprint, IdempotencyKey, keys_end};
use super::model::{Actor, NewOrder, Order, OrderFilter, OrderId, Page, Status};
use super::repository::Repository;
use crate::customers::model::{CustomerId, Identity};
use crate::menu::model::{put_back, take};
use crate::storage::StorageError;
use crate::storage::memory::{Data, Memory};

/// The idempotency keys of all customers.
pub(crate) type Keys = BTreeMap<(CustomerId, IdempotencyKey), StoredAnswer>;

/// The response that a key stands for.
pub(crate) struct StoredAnswer {
    fingerprint: Fingerprint,
    answer: Answer,
    created_at: Timestamp,
}

#[async_trait]
impl Repository for Memory {
    #[instrument(skip_all)]
    async fn place(
        &self,
        customer: CustomerId,
        key: IdempotencyKey,
        new: NewOrder,
        now: Timestamp,
    ) -> Result<Answer, OrderError> {
        // The second of two requests with the same key waits here for the first.
        let mut data = self.lock();
        let fingerprint = Fingerprint::of(&new);
        let key = (customer, key);
        if let Some(stored) = data.idempotency_keys.get(&key) {
            if stored.fingerprint != fingerprint {
                return Err(OrderError::KeyReused);
            }
            return Ok(stored.answer.clone());
        }
        let items = take(&data.items, &new.portions())?;
        let (lines, total_cents) = new.price(&items)?;
        let order = Order {
            id: OrderId::new(data.orders.len() as u64 + 1),
            customer,
            lines,
            note: new.note().cloned(),
            total_cents,
            status: Status::Placed,
            placed_at: now,
        };
        let answer = Answer::created(&order)?;
        let stored = StoredAnswer {
            fingerprint,
            answer: answer.clone(),
            created_at: now,
        };
        // From here on, nothing can fail.
        data.store_items(items);
        data.orders.push(order);
        data.idempotency_keys.insert(key, stored);
        Ok(answer)
    }

    #[instrument(skip_all)]
    async fn order(&self, id: OrderId) -> Result<Option<Order>, StorageError> {
        let data = self.lock();
        Ok(data.find_order(id).map(|place| data.orders[place].clone()))
    }

    #[instrument(skip_all)]
    async fn orders(&self, filter: OrderFilter) -> Result<Page, StorageError> {
        let wanted = |order: &&Order| {
            filter.after.is_none_or(|after| order.id < after)
                && filter.customer.is_none_or(|id| order.customer == id)
                && filter.status.is_none_or(|status| order.status == status)
        };
        let limit = filter.limit.get() as usize;
        let data = self.lock();
        // One more than the page has room for: so we know whether there is a next page.
        let found = data.orders.iter().rev().filter(wanted).take(limit + 1);
        Ok(Page::new(found.cloned().collect(), filter.limit))
    }

    #[instrument(skip_all)]
    async fn set_status(
        &self,
        identity: Identity,
        id: OrderId,
        status: Status,
    ) -> Result<Order, OrderError> {
        let mut data = self.lock();
        change(&mut data, id, status, |order| {
            order.check_step(&identity, status)
        })
    }

    #[instrument(skip_all)]
    async fn clean_up(&self, now: Timestamp) -> Result<u64, StorageError> {
        let mut data = self.lock();
        let before = data.idempotency_keys.len();
        let end = keys_end(now);
        data.idempotency_keys
            .retain(|_, stored| stored.created_at > end);
        Ok((before - data.idempotency_keys.len()) as u64)
    }
}

impl Data {
    /// The place of an order in the list.
    pub(crate) fn find_order(&self, id: OrderId) -> Option<usize> {
        self.orders.binary_search_by_key(&id, |order| order.id).ok()
    }
}

/// Says that an order is paid.
///
/// # Errors
///
/// [`OrderError::UnknownOrder`] and [`OrderError::NotNow`].
pub(crate) fn mark_paid(data: &mut Data, id: OrderId) -> Result<Order, OrderError> {
    change(data, id, Status::Paid, |order| {
        order.check_step_of(&[Actor::Payments], Status::Paid)
    })
}

/// Cancels an order that was not paid in time or whose money went back, and puts its items
/// back in stock.
///
/// # Errors
///
/// [`OrderError::UnknownOrder`] and [`OrderError::NotNow`].
pub(crate) fn cancel_and_restock(
    data: &mut Data,
    id: OrderId,
) -> Result<Order, OrderError> {
    change(data, id, Status::Canceled, |order| {
        order.check_step_of(&[Actor::Payments], Status::Canceled)
    })
}

/// Sets the status of an order, if `check` allows it.
fn change(
    data: &mut Data,
    id: OrderId,
    status: Status,
    check: impl FnOnce(&Order) -> Result<(), OrderError>,
) -> Result<Order, OrderError> {
    let place = data.find_order(id).ok_or(OrderError::UnknownOrder(id))?;
    let order = &mut data.orders[place];
    check(order)?;
    order.status = status;
    let changed = order.clone();
    if status == Status::Canceled {
        put_back(&mut data.items, &changed.portions());
    }
    Ok(changed)
}

//! Data in memory: for a first look, for tests, and for the pages of the guide. It is lost
//! when the program ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::customers::memory::Accounts;
use crate::menu::model::Item;
use crate::orders::memory::Keys;
use crate::orders::model::Order;
use crate::payments::model::Payment;

/// Keeps all data in memory. The amount of data isn't limited.
pub struct Memory {
    data: Mutex<Data>,
}

/// The data of all features, under one lock: so an order and the stock that it takes
/// change together, as in a transaction.
#[derive(Default)]
pub(crate) struct Data {
    /// Sorted by id.
    pub(crate) items: Vec<Item>,
    /// Sorted by id. The ids are 1, 2, 3, and so on, because orders are never removed.
    pub(crate) orders: Vec<Order>,
    /// The idempotency keys of the orders.
    pub(crate) idempotency_keys: Keys,
    /// All payments. The oldest comes first.
    pub(crate) payments: Vec<Payment>,
    /// Stripe's events that were recorded, and when.
    pub(crate) stripe_events: BTreeMap<String, Timestamp>,
    /// The accounts and sessions of the customers.
    pub(crate) accounts: Accounts,
}

impl Memory {
    /// A storage with this menu, and with nothing else.
    pub fn new(menu: Vec<Item>) -> Self {
        let data = Data {
            items: menu,
            ..Data::default()
        };
        Self {
            data: Mutex::new(data),
        }
    }

    /// The data, locked until the guard is dropped. No caller holds the guard across an
    /// `.await`.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Data> {
        // A mutex is poisoned when a thread panics while it holds the lock. The callers
        // change the data last, after everything that is likely to panic, so the data is
        // consistent even after a panic.
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

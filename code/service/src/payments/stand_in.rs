//! A payment provider in memory, which takes no money: for tests, and for the pages of the
//! guide.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tracing::instrument;

use super::provider::{
    Ended, NewSession, OpenSession, PaymentProvider, ProviderError, Refund,
};

/// Creates pages that don't exist.
#[derive(Default)]
pub struct StandIn {
    account: Mutex<Account>,
}

#[derive(Default)]
struct Account {
    /// The pages, by reference.
    sessions: BTreeMap<String, OpenSession>,
}

impl StandIn {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PaymentProvider for StandIn {
    #[instrument(skip_all)]
    // ANCHOR: create-session
    async fn create_session(
        &self,
        new: &NewSession,
    ) -> Result<OpenSession, ProviderError> {
        let mut account = self.account();
        let id = format!("cs_test_{}", account.sessions.len() + 1);
        let session = OpenSession {
            url: format!("https://checkout.stripe.com/c/pay/{id}"),
            id,
        };
        let session = account
            .sessions
            .entry(new.reference.clone())
            .or_insert(session);
        Ok(session.clone())
    }
    // ANCHOR_END: create-session

    #[instrument(skip_all)]
    async fn expire_session(&self, _id: &str) -> Result<Ended, ProviderError> {
        Ok(Ended::Expired)
    }

    #[instrument(skip_all)]
    async fn refund(&self, _refund: &Refund) -> Result<(), ProviderError> {
        Ok(())
    }
}

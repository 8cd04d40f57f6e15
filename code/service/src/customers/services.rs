//! The operations of the customers.

use std::sync::Arc;

use tracing::instrument;

use super::error::CustomerError;
use super::model::Identity;
use super::repository::Repository;
use super::tokens::Tokens;
use crate::clock::{Clock, Random};

/// The customers. Clones are cheap, and all of them share one repository.
#[derive(Clone)]
pub struct Customers {
    #[expect(dead_code)]
    repository: Arc<dyn Repository>,
    tokens: Tokens,
    #[expect(dead_code)]
    clock: Clock,
    #[expect(dead_code)]
    random: Random,
}

impl Customers {
    /// Customers whose accounts are in this repository.
    pub fn new(
        repository: Arc<dyn Repository>,
        tokens: Tokens,
        clock: Clock,
        random: Random,
    ) -> Self {
        Self {
            repository,
            tokens,
            clock,
            random,
        }
    }

    /// Who sends a request with this access token. Nothing is looked up in the storage.
    ///
    /// # Errors
    ///
    /// [`CustomerError::InvalidToken`].
    #[instrument(skip_all)]
    pub fn authenticate(&self, token: &str) -> Result<Identity, CustomerError> {
        self.tokens.verify(token).ok_or(CustomerError::InvalidToken)
    }
}

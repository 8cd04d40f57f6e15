//! The operations of the customers.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::{info, instrument, warn};

use super::error::CustomerError;
use super::model::{
    ATTEMPTS_MILLISECONDS, Customer, CustomerId, EmailAddress, Identity,
    MAX_ATTEMPTS, NewCustomer, RefreshRequest, RefreshToken, Role, SignInRequest,
    TokenPair,
};
use super::passwords::Passwords;
use super::repository::{Account, Attempts, NewAccount, Repository, Rotation};
use super::tokens::{ACCESS_TOKEN_SECONDS, Tokens};
use crate::clock::{Clock, Random};
use crate::storage::StorageError;

/// The customers. Clones are cheap, and all of them share one repository.
#[derive(Clone)]
pub struct Customers {
    repository: Arc<dyn Repository>,
    tokens: Tokens,
    passwords: Passwords,
    clock: Clock,
    random: Random,
    barista: Option<EmailAddress>,
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
            passwords: Passwords::new(random.clone()),
            clock,
            random,
            barista: None,
        }
    }

    /// Makes the customer who signs up with this address a barista. Nobody checks
    /// whose address it is, so this is only for a first look at the service.
    #[must_use]
    pub fn with_barista(self, email: EmailAddress) -> Self {
        let barista = Some(email);
        Self { barista, ..self }
    }

    /// Who sends a request with this access token. Nothing is looked up in the
    /// storage: the token itself says what the customer may do, for ten minutes at
    /// most. So requests need no query to know who sends them. The price is that a
    /// sign-out and a change of the role take effect when the token expires. If your
    /// service can't wait that long, look up the session here.
    ///
    /// # Errors
    ///
    /// [`CustomerError::InvalidToken`].
    #[instrument(skip_all)]
    pub fn authenticate(&self, token: &str) -> Result<Identity, CustomerError> {
        self.tokens.verify(token).ok_or(CustomerError::InvalidToken)
    }

    /// Makes an account.
    ///
    /// # Errors
    ///
    /// [`CustomerError::EmailTaken`] and [`CustomerError::Busy`].
    #[instrument(skip_all)]
    // ANCHOR: sign-up
    pub async fn sign_up(
        &self,
        new: NewCustomer,
    ) -> Result<Customer, CustomerError> {
        let barista = self.barista.as_ref().map(EmailAddress::key);
        let role = match barista == Some(new.email.key()) {
            true => Role::Barista,
            false => Role::Customer,
        };
        let account = NewAccount {
            password_hash: self.passwords.hash(new.password).await?,
            email: new.email,
            name: new.name,
            role,
            created_at: self.clock.now(),
        };
        self.repository.add_customer(account).await
    }
    // ANCHOR_END: sign-up

    /// Begins a session. A wrong password and an unknown address have the same
    /// error, after the same effort.
    ///
    /// # Errors
    ///
    /// [`CustomerError::WrongPassword`], [`CustomerError::TooManyAttempts`] and
    /// [`CustomerError::Busy`].
    #[instrument(skip_all)]
    pub async fn sign_in(
        &self,
        request: SignInRequest,
    ) -> Result<TokenPair, CustomerError> {
        // ANCHOR: sign-in
        // If this isn't an email address, an immediate answer reveals nothing.
        let email = EmailAddress::try_from(request.email.as_str())
            .map_err(|_| CustomerError::WrongPassword)?;
        // Steps 1 and 2. If the service or the database is too busy, one of these
        // two lines returns an error, and no attempt is counted.
        let permit = self.passwords.permit().await?;
        let account = self.repository.account(&email).await?;
        // Step 3, before the password is checked. Otherwise, a thousand requests at
        // the same time would all see a low count.
        let now = self.clock.now();
        let attempts = self.repository.count_attempt(email.hash(), now).await?;
        if attempts.count > MAX_ATTEMPTS {
            // Only the first of these is logged, so that the log doesn't fill up.
            if attempts.count == MAX_ATTEMPTS + 1 {
                warn!("too many attempts to sign in with one address");
            }
            return Err(too_many_attempts(attempts, now));
        }
        // Step 4. The last line, step 5, runs only if the password is right.
        let stored = account.as_ref().map(|account| &account.password_hash);
        let check = permit.verify(request.password, stored.cloned());
        let (true, Some(account)) = (check.await?, &account) else {
            return Err(wrong_password(account.as_ref()));
        };
        self.begin_session(&email, account).await
        // ANCHOR_END: sign-in
    }

    async fn begin_session(
        &self,
        email: &EmailAddress,
        account: &Account,
    ) -> Result<TokenPair, CustomerError> {
        let token = RefreshToken::new(self.random.bytes());
        let now = self.clock.now();
        let begun =
            self.repository
                .begin_session(account, email.hash(), token.hash(), now);
        // The password may have been changed while it was checked.
        let identity = begun.await?;
        let identity = identity.ok_or_else(|| wrong_password(Some(account)))?;
        let customer = identity.customer.get();
        info!(customer, session = %identity.session, "signed in");
        self.token_pair(&identity, &token)
    }

    /// Exchanges a refresh token for a new pair of tokens. A token that was
    /// exchanged before may have been stolen. Nobody knows which of the two who
    /// have it is the thief, so the session ends, and the customer has to sign in
    /// again.
    ///
    /// # Errors
    ///
    /// [`CustomerError::InvalidRefreshToken`].
    #[instrument(skip_all)]
    pub async fn refresh(
        &self,
        request: RefreshRequest,
    ) -> Result<TokenPair, CustomerError> {
        let old = RefreshToken::read(&request.refresh_token)
            .ok_or(CustomerError::InvalidRefreshToken)?;
        let new = RefreshToken::new(self.random.bytes());
        let now = self.clock.now();
        match self.repository.rotate(old.hash(), new.hash(), now).await? {
            Rotation::Rotated(identity) => self.token_pair(&identity, &new),
            Rotation::Refused => Err(CustomerError::InvalidRefreshToken),
            Rotation::Ended(session) => {
                warn!(%session, "a refresh token was used twice: its session is over");
                Err(CustomerError::InvalidRefreshToken)
            }
        }
    }

    fn token_pair(
        &self,
        identity: &Identity,
        token: &RefreshToken,
    ) -> Result<TokenPair, CustomerError> {
        let access_token = self.tokens.issue(identity);
        Ok(TokenPair {
            access_token: access_token
                .map_err(|error| CustomerError::Failed(Box::new(error)))?,
            refresh_token: token.to_text(),
            expires_in: ACCESS_TOKEN_SECONDS,
        })
    }

    /// Ends the session that somebody is signed in with. Their access token remains
    /// valid until it expires, as [`authenticate`](Self::authenticate) says.
    #[instrument(skip_all)]
    pub async fn sign_out(&self, identity: Identity) -> Result<(), StorageError> {
        let now = self.clock.now();
        self.repository.end_session(identity.session, now).await
    }

    /// The customer with this number, whom a token names.
    ///
    /// # Errors
    ///
    /// [`CustomerError::InvalidToken`], if the account was removed since.
    #[instrument(skip_all)]
    pub async fn customer(
        &self,
        id: CustomerId,
    ) -> Result<Customer, CustomerError> {
        let customer = self.repository.customer(id).await?;
        customer.ok_or(CustomerError::InvalidToken)
    }

    /// Removes what has expired.
    #[instrument(skip_all)]
    pub async fn clean_up(&self) -> Result<(), StorageError> {
        self.repository.clean_up(self.clock.now()).await
    }
}

/// Logs an attempt that failed, and returns its error. This comes after the password was
/// hashed, so that the time doesn't reveal whether there's an account. The line has no
/// address, because somebody may have typed a password into the wrong field.
fn wrong_password(account: Option<&Account>) -> CustomerError {
    match account {
        Some(account) => {
            let customer = account.customer.get();
            info!(customer, "an attempt to sign in failed: wrong password");
        }
        None => info!("an attempt to sign in failed: unknown address"),
    }
    CustomerError::WrongPassword
}

fn too_many_attempts(attempts: Attempts, now: Timestamp) -> CustomerError {
    let end = attempts.first_at.as_millisecond() + ATTEMPTS_MILLISECONDS;
    let seconds = (end - now.as_millisecond()).max(1).unsigned_abs();
    CustomerError::TooManyAttempts {
        retry_after: seconds.div_ceil(1000),
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;
    use crate::customers::tokens::{JwtSecret, JwtSecrets};
    use crate::storage::memory::Memory;

    /// The clock of Tokio is paused: it jumps to the end of each wait for a permit.
    #[tokio::test(start_paused = true)]
    async fn a_sign_in_that_a_busy_service_refuses_is_not_counted_as_an_attempt() {
        let storage = Arc::new(Memory::new(Vec::new()));
        let clock = Clock::new(|| Timestamp::UNIX_EPOCH);
        let random = Random::new(|| [7; 32]);
        let tokens = Tokens::new(
            &JwtSecrets::from(JwtSecret::random(&random)),
            "http://shop.example",
            clock.clone(),
            random.clone(),
        );
        let tokens = tokens.unwrap();
        let customers = Customers::new(storage.clone(), tokens, clock, random);

        let mut permits = Vec::new();
        while let Ok(permit) = customers.passwords.permit().await {
            permits.push(permit);
        }
        for _ in 0..=MAX_ATTEMPTS {
            let request = SignInRequest {
                email: "ada@shop.example".into(),
                password: "any".into(),
            };
            let result = customers.sign_in(request).await;
            assert!(matches!(result, Err(CustomerError::Busy)));
        }
        let email = EmailAddress::try_from("ada@shop.example").unwrap();
        let attempts = storage.count_attempt(email.hash(), Timestamp::UNIX_EPOCH);
        assert_eq!(attempts.await.unwrap().count, 1);
    }
}

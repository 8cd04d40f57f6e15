//! Passwords: which ones are accepted, and how they are stored.

use std::collections::HashSet;
#[cfg(feature = "server")]
use std::{num::NonZero, sync::Arc};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
#[cfg(feature = "server")]
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::CustomerError;
use super::model::EmailAddress;
use crate::clock::Random;
use crate::fields::FieldError;

/// A password that an account may have. As NIST SP 800-63B-4, section 3.1.1.2, asks,
/// it has at least 15 characters (and at most 128, where NIST asks for a limit of 64
/// or more), it isn't on a list of common passwords, and there are no rules on which
/// kinds of characters it has, because such rules lead to passwords like
/// `Password1!`.
///
/// Two rules are stricter than NIST, because attackers try such passwords early: it
/// has at least five different characters, and contains neither the email address
/// nor the part before its `@`. (NIST compares only whole passwords with the list.)
#[derive(Debug)]
pub struct Password(SecretString);

impl Password {
    /// Checks a new password of the account with this address.
    ///
    /// # Errors
    ///
    /// If it's too short, too long or too common, or if it contains the address.
    // ANCHOR: password-rules
    pub fn new(
        password: SecretString,
        email: Option<&EmailAddress>,
    ) -> Result<Self, FieldError> {
        let text = password.expose_secret();
        if !(15..=128).contains(&text.chars().count()) {
            let reason = "must have 15 to 128 characters";
            return Err(FieldError::new("password", reason));
        }
        let lowercase = text.to_lowercase();
        if is_common(&lowercase) || has_few_characters(&lowercase) {
            let reason = "is used by many people, and is easy to guess";
            return Err(FieldError::new("password", reason));
        }
        if email.is_some_and(|email| contains_address(&lowercase, email)) {
            let reason =
                "must not contain the email address or the part before its @";
            return Err(FieldError::new("password", reason));
        }
        Ok(Self(password))
    }
    // ANCHOR_END: password-rules
}

// ANCHOR: guessable
/// Whether a password in lowercase has fewer than five different characters, as in
/// `aaaaaaaaaaaaaaa`.
fn has_few_characters(lowercase: &str) -> bool {
    lowercase.chars().collect::<HashSet<_>>().len() < 5
}

/// Whether a password in lowercase contains the address, or the part of it before
/// the `@`. A part of one to three characters is ignored, because it can be in a
/// good password by chance.
fn contains_address(lowercase: &str, email: &EmailAddress) -> bool {
    let name = email.key().split('@').next().unwrap_or_default();
    let contains_name = name.chars().count() > 3 && lowercase.contains(name);
    contains_name || lowercase.contains(email.key())
}
// ANCHOR_END: guessable

/// Whether a password in lowercase is on the list of common ones. The list is
/// short, because few common passwords have 15 characters. The service
/// haveibeenpwned.com has a far longer one.
fn is_common(lowercase: &str) -> bool {
    include_str!("common_passwords.txt")
        .lines()
        .any(|common| common == lowercase)
}

/// How many passwords may be hashed or checked at the same time, at most. Each needs
/// 19 MiB. In a container, the service often sees all processors of a large machine, but
/// may use only a small part of its memory.
#[cfg(feature = "server")]
const MAX_PERMITS: usize = 4;

#[cfg(feature = "server")]
fn number_of_permits(processors: usize) -> usize {
    processors.min(MAX_PERMITS)
}

/// Hashes passwords with Argon2id, and the parameters that OWASP recommends. That's
/// slow on purpose: about 20 milliseconds and 19 MiB of memory for each password
/// that is tried. Clones are cheap.
#[derive(Clone)]
pub struct Passwords {
    random: Random,
    /// One permit for each processor, but at most [`MAX_PERMITS`]: with more at once,
    /// each would only take longer, and together they could use up the memory.
    #[cfg(feature = "server")]
    permits: Arc<Semaphore>,
}

impl Passwords {
    /// Hashes that get their salt from here.
    pub fn new(random: Random) -> Self {
        #[cfg(feature = "server")]
        let processors = std::thread::available_parallelism();
        Self {
            random,
            #[cfg(feature = "server")]
            permits: Arc::new(Semaphore::new(number_of_permits(
                processors.map_or(2, NonZero::get),
            ))),
        }
    }

    /// The hash of a password, as it is stored: with its salt and its parameters.
    ///
    /// # Errors
    ///
    /// [`CustomerError::Busy`].
    // ANCHOR: hash-with-permit
    pub async fn hash(&self, password: Password) -> Result<String, CustomerError> {
        let permit = self.permit().await?;
        let salt = self.random.bytes();
        let work = move || compute_hash(&password.0, &salt[..16]);
        permit.run(work).await?.map_err(failed)
    }
    // ANCHOR_END: hash-with-permit

    /// Whether this is the password of an account with this hash. Without an
    /// account, this takes as long as with one, so that the time doesn't reveal
    /// which addresses have an account.
    ///
    /// # Errors
    ///
    /// [`CustomerError::Busy`].
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, CustomerError> {
        self.permit().await?.verify(password, stored).await
    }

    /// Waits until one more password may be hashed or checked.
    ///
    /// # Errors
    ///
    /// [`CustomerError::Busy`].
    #[cfg(feature = "server")]
    // ANCHOR: permit
    pub async fn permit(&self) -> Result<Permit, CustomerError> {
        use crate::storage::postgres::LONGEST_WAIT;

        let waiting = Arc::clone(&self.permits).acquire_owned();
        let result = tokio::time::timeout(LONGEST_WAIT, waiting)
            .await
            .map_err(|_| CustomerError::Busy)?;
        let _permit = result.map_err(failed)?;
        Ok(Permit { _permit })
    }
    // ANCHOR_END: permit

    /// A web page has one thread, and one visitor.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(feature = "server"))]
    pub async fn permit(&self) -> Result<Permit, CustomerError> {
        Ok(Permit {})
    }
}

/// The permission to hash or check one password.
pub struct Permit {
    #[cfg(feature = "server")]
    _permit: OwnedSemaphorePermit,
}

impl Permit {
    /// Whether this is the password of an account with this hash. See
    /// [`Passwords::verify`].
    ///
    /// # Errors
    ///
    /// [`CustomerError::Failed`].
    pub async fn verify(
        self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, CustomerError> {
        // ANCHOR: same-effort
        // If you raise the parameters of Argon2, also replace the old hashes: they
        // keep their parameters, so `check_password` would be faster for them.
        let work = move || match stored {
            Some(stored) => check_password(&password, &stored),
            None => compute_hash(&password, &[0; 16]).map(|_| false),
        };
        self.run(work).await?.map_err(failed)
        // ANCHOR_END: same-effort
    }

    /// Runs slow work on a thread that may block, so that it doesn't hold up other
    /// requests.
    #[cfg(feature = "server")]
    // ANCHOR: spawn-blocking
    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, CustomerError> {
        let task = tokio::task::spawn_blocking(move || {
            // The permit is kept until the work is done, even if the request
            // is canceled.
            let _permit = self;
            work()
        });
        task.await.map_err(failed)
    }
    // ANCHOR_END: spawn-blocking

    /// A web page has no other threads.
    #[cfg(not(feature = "server"))]
    async fn run<T>(self, work: impl FnOnce() -> T) -> Result<T, CustomerError> {
        Ok(work())
    }
}

// ANCHOR: hash
fn compute_hash(password: &SecretString, salt: &[u8]) -> Result<String, Error> {
    let password = password.expose_secret().as_bytes();
    let hash = Argon2::default().hash_password_with_salt(password, salt)?;
    Ok(hash.to_string())
}
// ANCHOR_END: hash

// ANCHOR: verify
fn check_password(password: &SecretString, stored: &str) -> Result<bool, Error> {
    let stored = PasswordHash::new(stored)?;
    let password = password.expose_secret().as_bytes();
    // `verify_password` uses the parameters of the stored hash.
    match Argon2::default().verify_password(password, &stored) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(error),
    }
}
// ANCHOR_END: verify

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> CustomerError {
    CustomerError::Failed(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(password: &str) -> Option<&'static str> {
        let email = EmailAddress::try_from("Ada.Lovelace@shop.example").unwrap();
        let password = Password::new(password.into(), Some(&email));
        password.err().map(|mistake| mistake.reason)
    }

    #[test]
    fn a_password_has_15_to_128_characters_of_any_kind() {
        assert!(reason("fourteen chars").is_some());
        assert_eq!(reason("fifteen letters"), None);
        let letters =
            |count| "éàüñø".chars().cycle().take(count).collect::<String>();
        assert_eq!(reason(&letters(128)), None);
        assert!(reason(&letters(129)).is_some());
    }

    #[test]
    fn a_common_password_and_the_address_are_refused() {
        for password in [
            "Correct Horse Battery Staple",
            "ada.lovelace@SHOP.example",
            "Ada.Lovelace1815",
            "               ",
            "abababababababab",
            "abcdabcdabcdabcd",
        ] {
            assert!(reason(password).is_some(), "{password}");
        }
        assert_eq!(reason("abcdeabcdeabcde"), None);
    }

    #[test]
    fn a_short_name_may_be_in_a_password_by_chance() {
        let email = EmailAddress::try_from("bo@shop.example").unwrap();
        let password = |text: &str| Password::new(text.into(), Some(&email));
        assert!(password("a book about boats").is_ok());
        assert!(password("bo@shop.example is mine").is_err());
    }

    #[test]
    fn every_password_on_the_list_could_be_chosen_without_it() {
        for line in include_str!("common_passwords.txt").lines() {
            let length = line.chars().count();
            assert!((15..=128).contains(&length), "{line}");
            assert_eq!(line, line.to_ascii_lowercase());
            assert!(line.is_ascii(), "{line}");
        }
    }

    #[tokio::test]
    async fn a_hash_has_its_own_salt_and_matches_only_its_password() {
        let passwords = Passwords::new(Random::new(|| [7; 32]));
        let right = "Ada's very long password";
        let password = Password::new(right.into(), None).unwrap();
        let hash = passwords.hash(password).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );

        let check = async |password: &str, hash: Option<String>| {
            passwords.verify(password.into(), hash).await.unwrap()
        };
        assert!(check(right, Some(hash.clone())).await);
        assert!(!check("Ada's very long passwort", Some(hash)).await);
        assert!(!check(right, None).await);
    }

    #[tokio::test]
    async fn a_hash_that_cannot_be_read_is_a_failure_and_not_a_wrong_password() {
        let passwords = Passwords::new(Random::new(|| [7; 32]));
        let result = passwords.verify("any".into(), Some("no hash".into())).await;
        assert!(matches!(result, Err(CustomerError::Failed(_))));
    }

    #[cfg(feature = "server")]
    #[test]
    fn a_machine_with_many_processors_does_not_hash_more_than_its_memory_allows() {
        assert_eq!(number_of_permits(1), 1);
        assert_eq!(number_of_permits(4), 4);
        assert_eq!(number_of_permits(32), 4);
    }

    #[cfg(feature = "server")]
    fn one_at_a_time() -> Passwords {
        Passwords {
            random: Random::new(|| [7; 32]),
            permits: Arc::new(Semaphore::new(1)),
        }
    }

    /// The clock is paused: it jumps to the end of the wait.
    #[cfg(feature = "server")]
    #[tokio::test(start_paused = true)]
    async fn with_too_many_at_once_a_request_gives_up_after_a_while() {
        let passwords = one_at_a_time();
        let permit = passwords.permits.acquire().await.unwrap();
        let result = passwords.verify("any".into(), None).await;
        assert!(matches!(result, Err(CustomerError::Busy)));
        drop(permit);
        assert!(passwords.permit().await.is_ok());
    }

    #[cfg(feature = "server")]
    #[tokio::test]
    async fn the_work_of_a_request_that_was_canceled_still_counts() {
        use std::sync::mpsc;
        use std::time::Duration;

        let passwords = one_at_a_time();
        let (finish, wait) = mpsc::channel::<()>();
        let work = passwords.permit().await.unwrap().run(move || wait.recv());
        let canceled = tokio::time::timeout(Duration::ZERO, work).await;
        assert!(canceled.is_err());
        assert_eq!(passwords.permits.available_permits(), 0);
        finish.send(()).unwrap();
        assert!(passwords.permits.acquire().await.is_ok());
    }

    #[test]
    fn a_stored_hash_of_another_algorithm_is_an_error_and_no_wrong_password() {
        let stored =
            "$scrypt$ln=17,r=8,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA";
        let result = check_password(&"any".into(), stored);
        assert!(matches!(result, Err(error) if error != Error::PasswordInvalid));
    }
}

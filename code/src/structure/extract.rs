//! The extractor for requests from the staff.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{header::AUTHORIZATION, request::Parts},
};
use subtle::ConstantTimeEq;

use super::error::Error;

/// The secret that staff send as `Authorization: Bearer …`.
#[derive(Clone)]
pub struct StaffToken(Arc<str>);

impl StaffToken {
    /// Makes a token of a secret text.
    pub fn new(secret: &str) -> Self {
        Self(secret.into())
    }

    /// Compares in constant time, so that the response time doesn't reveal how many
    /// bytes at the beginning of a guess are right.
    fn matches(&self, guess: &str) -> bool {
        self.0.as_bytes().ct_eq(guess.as_bytes()).into()
    }
}

/// A handler with this argument runs only for requests with the staff token.
pub struct Staff;

impl<S> FromRequestParts<S> for Staff
where
    StaffToken: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Self, Error> {
        let expected = StaffToken::from_ref(state);
        match bearer_token(parts) {
            Some(token) if expected.matches(token) => Ok(Self),
            _ => Err(Error::Unauthorized),
        }
    }
}

/// The token in the `authorization` header. The name of the authentication scheme,
/// here `Bearer`, is case-insensitive, and one or more spaces follow it (RFC 9110,
/// sections 11.1 and 11.4).
fn bearer_token(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

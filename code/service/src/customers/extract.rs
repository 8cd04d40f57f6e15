//! The extractors that tell a handler who sends a request. A handler that has one
//! of them as an argument runs only for those who may send the request.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use tracing::Span;

use super::error::CustomerError;
use super::model::{Identity, Role};
use super::services::Customers;
use crate::error::Error;
use crate::extract::bearer_token;

/// Somebody who has signed in. Without a valid access token, the response is a 401.
// ANCHOR: signed-in
pub struct SignedIn(pub Identity);

impl<S> FromRequestParts<S> for SignedIn
where
    Customers: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Self, Error> {
        let token = bearer_token(parts).ok_or(CustomerError::NoToken)?;
        let identity = Customers::from_ref(state).authenticate(token)?;
        // From now on, each line that is logged for this request says who sends it.
        Span::current().record("customer", identity.customer.get());
        Ok(Self(identity))
    }
}
// ANCHOR_END: signed-in

/// A barista who has signed in. For anybody else who has signed in, the response is
/// a 403.
// ANCHOR: barista
pub struct Barista(pub Identity);

impl<S> FromRequestParts<S> for Barista
where
    Customers: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Self, Error> {
        let SignedIn(identity) = SignedIn::from_request_parts(parts, state).await?;
        match identity.role {
            Role::Barista => Ok(Self(identity)),
            Role::Customer => Err(CustomerError::NotBarista.into()),
        }
    }
}
// ANCHOR_END: barista

//! The extractor for the `idempotency-key` header.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::idempotency::IdempotencyKey;
use crate::error::Error;

/// The name of the header.
const HEADER: &str = "idempotency-key";

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Self, Error> {
        let mut values = parts.headers.get_all(HEADER).iter();
        let key = match (values.next(), values.next()) {
            (Some(value), None) => Self::try_from(value.as_bytes()),
            (None, _) => Err("is required: send a new UUID for each new order"),
            (Some(_), Some(_)) => Err("must not be repeated"),
        };
        key.map_err(|reason| Error::invalid_header(HEADER, reason))
    }
}

//! What can go wrong with customers, and the response for it.

use axum::http::{HeaderName, HeaderValue, StatusCode, header::WWW_AUTHENTICATE};
use thiserror::Error;

use crate::problem::{OUR_FAULT, Problem};
use crate::storage::{Source, StorageError};

/// Why a request about customers failed, or a request that needs to know who sends it.
#[derive(Debug, Error)]
pub enum CustomerError {
    /// The request has no access token.
    #[error("Sign in, and send the access token: Authorization: Bearer …")]
    NoToken,
    /// The access token isn't one of ours, or it has expired.
    #[error("The access token is invalid or has expired")]
    InvalidToken,
    /// Somebody who isn't a barista asks for what only a barista may do.
    #[error("Only a barista may do this")]
    NotBarista,
    /// A token can't be made.
    #[error("a token can't be made")]
    Failed(#[source] Source),
    /// The storage was busy or failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl CustomerError {
    /// The header that the response has because of this error.
    pub fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        // A 401 must have this header (RFC 9110, section 15.5.2). It has `error` only if the
        // request had a token (RFC 6750, section 3).
        let challenge = match self {
            Self::NoToken => "Bearer realm=\"shop\"",
            Self::InvalidToken => "Bearer realm=\"shop\", error=\"invalid_token\"",
            _ => return None,
        };
        Some((WWW_AUTHENTICATE, HeaderValue::from_static(challenge)))
    }
}

impl From<&CustomerError> for Problem {
    fn from(error: &CustomerError) -> Self {
        let detail = error.to_string();
        match error {
            CustomerError::NoToken | CustomerError::InvalidToken => {
                Self::new(StatusCode::UNAUTHORIZED, detail)
            }
            CustomerError::NotBarista => Self::new(StatusCode::FORBIDDEN, detail),
            CustomerError::Failed(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, OUR_FAULT)
            }
            CustomerError::Storage(error) => Self::from(error),
        }
    }
}

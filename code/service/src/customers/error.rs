//! What can go wrong with customers, and the response for it.

use axum::http::{
    HeaderName, HeaderValue, StatusCode,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};
use thiserror::Error;

use crate::problem::{BUSY, ErrorDetail, OUR_FAULT, Problem};
use crate::storage::{Source, StorageError};

/// Why a request about customers failed, or a request that needs to know who sends
/// it.
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
    /// There is an account with this address already.
    #[error("There is an account with this email address already")]
    EmailTaken,
    /// There is no account with this address, or its password is another one.
    #[error("The email address or the password is wrong")]
    WrongPassword,
    /// Somebody has tried to sign in with this address too often. Nothing was
    /// checked.
    #[error("There were too many attempts to sign in with this email address")]
    TooManyAttempts {
        /// When to try again, in seconds.
        retry_after: u64,
    },
    /// The refresh token isn't one of ours, or it has expired or was used, or its
    /// session has ended.
    #[error("The refresh token is no longer valid. Sign in again")]
    InvalidRefreshToken,
    /// Too many passwords are being checked.
    #[error("too many passwords are being checked")]
    Busy,
    /// A password can't be hashed, or a token can't be made.
    #[error("a password can't be hashed, or a token can't be made")]
    Failed(#[source] Source),
    /// The storage was busy, or it failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl CustomerError {
    /// The header that the response has because of this error.
    pub fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        // A 401 must have this header (RFC 9110, section 15.5.2). It has `error`
        // only if the request had an access token (RFC 6750, section 3).
        let challenge = match self {
            Self::NoToken | Self::WrongPassword | Self::InvalidRefreshToken => {
                "Bearer realm=\"shop\""
            }
            Self::InvalidToken => "Bearer realm=\"shop\", error=\"invalid_token\"",
            Self::TooManyAttempts { retry_after } => {
                return Some((RETRY_AFTER, HeaderValue::from(*retry_after)));
            }
            _ => return None,
        };
        Some((WWW_AUTHENTICATE, HeaderValue::from_static(challenge)))
    }
}

impl From<&CustomerError> for Problem {
    fn from(error: &CustomerError) -> Self {
        let detail = error.to_string();
        match error {
            CustomerError::NoToken
            | CustomerError::InvalidToken
            | CustomerError::WrongPassword
            | CustomerError::InvalidRefreshToken => {
                Self::new(StatusCode::UNAUTHORIZED, detail)
            }
            CustomerError::NotBarista => Self::new(StatusCode::FORBIDDEN, detail),
            CustomerError::EmailTaken => Self {
                r#type: "/problems/email-taken",
                title: "Email address taken",
                errors: vec![ErrorDetail::at_pointer("#/email", "is taken")],
                ..Self::new(StatusCode::CONFLICT, detail)
            },
            CustomerError::TooManyAttempts { .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
            }
            CustomerError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, BUSY),
            CustomerError::Failed(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, OUR_FAULT)
            }
            CustomerError::Storage(error) => Self::from(error),
        }
    }
}

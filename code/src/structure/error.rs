//! What can go wrong with a request, and the one place that makes a response of it.

use axum::{
    http::{StatusCode, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};

use super::model::{FieldError, ShopError};

/// Why a request gets an error response.
#[derive(Debug)]
pub enum Error {
    /// The shop's rules say no.
    Shop(ShopError),
    /// The request has these mistakes.
    Invalid(Vec<FieldError>),
    /// The request has no staff token, or the wrong one.
    Unauthorized,
}

impl From<ShopError> for Error {
    fn from(error: ShopError) -> Self {
        Self::Shop(error)
    }
}

impl From<Vec<FieldError>> for Error {
    fn from(mistakes: Vec<FieldError>) -> Self {
        Self::Invalid(mistakes)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Shop(error) => {
                (status(&error), error.to_string()).into_response()
            }
            Self::Invalid(mistakes) => {
                let lines: Vec<String> = mistakes
                    .into_iter()
                    .map(|FieldError { field, reason }| format!("{field} {reason}"))
                    .collect();
                (StatusCode::UNPROCESSABLE_ENTITY, lines.join("\n")).into_response()
            }
            // RFC 9110, section 15.5.2
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                [(WWW_AUTHENTICATE, "Bearer")],
                "Send the staff token: Authorization: Bearer …",
            )
                .into_response(),
        }
    }
}

/// Which status it is when the shop's rules say no.
fn status(error: &ShopError) -> StatusCode {
    match error {
        ShopError::UnknownItem(_) | ShopError::UnknownOrder(_) => {
            StatusCode::NOT_FOUND
        }
        ShopError::NotOnMenu | ShopError::TotalTooLarge => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        ShopError::NotEnoughLeft(_) => StatusCode::CONFLICT,
    }
}

//! The error type of all handlers, and the response for each error.

use axum::{
    http::{StatusCode, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};

use super::model::{FieldError, ShopError};

// ANCHOR: error
/// Why a request gets an error response.
#[derive(Debug)]
pub enum Error {
    /// The shop can't do what the request asks for.
    Shop(ShopError),
    /// The request contains these mistakes.
    Invalid(Vec<FieldError>),
    /// The request has no staff token, or the wrong one.
    Unauthorized,
}
// ANCHOR_END: error

// ANCHOR: from
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
// ANCHOR_END: from

// ANCHOR: into-response
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::Shop(error) => {
                (status(&error), error.to_string()).into_response()
            }
            Self::Invalid(mistakes) => {
                let lines: Vec<String> =
                    mistakes.iter().map(FieldError::to_string).collect();
                (StatusCode::UNPROCESSABLE_ENTITY, lines.join("\n")).into_response()
            }
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                // A 401 must have this header (RFC 9110, section 15.5.2), and
                // `Bearer` must be followed by a parameter, here `realm`
                // (RFC 6750, section 3).
                [(WWW_AUTHENTICATE, "Bearer realm=\"shop\"")],
                "Send the staff token: Authorization: Bearer …",
            )
                .into_response(),
        }
    }
}
// ANCHOR_END: into-response

// ANCHOR: status
/// The status code for each error of the shop.
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
// ANCHOR_END: status

//! The error type of all handlers, and the response for each error.

use std::error::Error as StdError;

use axum::{
    extract::rejection::{JsonRejection, PathRejection},
    http::{
        HeaderValue, StatusCode,
        header::{RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use axum_extra::extract::QueryRejection;
use thiserror::Error as ThisError;
use tracing::{error, warn};

use crate::model::{FieldError, ShopError};
#[cfg(feature = "server")]
use crate::problem::find_source;
use crate::problem::{ErrorDetail, Problem};
use crate::repository::RepositoryError;

// ANCHOR: error-with-data
/// Why a request gets an error response.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The request broke a rule of the shop, or the repository couldn't do its work.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The request was read, but some of its values are invalid.
    #[error("the request has {} mistakes", .1.len())]
    Invalid(StatusCode, Vec<ErrorDetail>),
    /// The body can't be read.
    #[error("{1}")]
    Unreadable(StatusCode, String),
    // ANCHOR_END: error-with-data
    // ANCHOR: error-without-data
    /// The request has no staff token.
    #[error("the staff token is missing")]
    NoToken,
    /// The request has a token that isn't the staff token.
    #[error("the staff token is wrong")]
    WrongToken,
    /// No route has this path.
    #[error("no such path")]
    NoSuchPath,
    /// The path exists, but not with this method.
    #[error("wrong method")]
    WrongMethod,
    /// The body of the request took too long to arrive, so nothing was done.
    #[error("the body took too long to arrive")]
    SlowBody,
    /// The request took too long, but its method (such as GET) changes nothing.
    #[error("it took too long")]
    Timeout,
    /// The request took too long, and it may or may not have changed something.
    #[error("it took too long, and the outcome is unknown")]
    OutcomeUnknown,
    /// A mistake in this program, such as a panic.
    #[error("a bug: {0}")]
    Bug(String),
}
// ANCHOR_END: error-without-data

impl Error {
    // ANCHOR: invalid-body
    /// Makes the error for a body whose fields have these mistakes.
    pub fn invalid_body(mistakes: Vec<FieldError>) -> Self {
        let details = mistakes.into_iter().map(ErrorDetail::in_body).collect();
        Self::Invalid(StatusCode::UNPROCESSABLE_ENTITY, details)
    }
    // ANCHOR_END: invalid-body

    /// A parameter of the path or the query string that has a mistake.
    pub fn invalid_parameter(mistake: FieldError) -> Self {
        let detail = ErrorDetail::in_parameter(mistake);
        Self::Invalid(StatusCode::BAD_REQUEST, vec![detail])
    }
}

// ANCHOR: into-response
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = Problem::from(&self);
        log(problem.status, &self);
        let status = problem.status;
        let mut response = problem.into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            // A 401 must have this header (RFC 9110, section 15.5.2), and `Bearer` must
            // be followed by a parameter, here `realm` (RFC 6750, section 3).
            let challenge = match self {
                Self::WrongToken => r#"Bearer realm="shop", error="invalid_token""#,
                _ => r#"Bearer realm="shop""#,
            };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            // In this shop, a 503 means that nothing was changed, so the client may
            // try again after a second.
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
// ANCHOR_END: into-response

// ANCHOR: log
/// Logs each 5xx response with its cause. The cause may name tables or files,
/// so it isn't sent to clients.
fn log(status: StatusCode, error: &Error) {
    let error: &dyn StdError = error;
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            warn!(error, "the shop is too busy for this request")
        }
        status if status.is_server_error() => error!(error, "the request failed"),
        _ => {}
    }
}
// ANCHOR_END: log

// ANCHOR: problem-of-error
impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        match error {
            Error::Repository(RepositoryError::Shop(error)) => shop_problem(error),
            Error::Repository(RepositoryError::Busy(_)) | Error::Timeout => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, BUSY)
            }
            Error::Invalid(status, details) => invalid(*status, details.clone()),
            Error::Unreadable(status, detail) => Self::new(*status, detail),
            Error::NoToken => Self::new(StatusCode::UNAUTHORIZED, TOKEN),
            Error::WrongToken => Self::new(StatusCode::UNAUTHORIZED, TOKEN),
            Error::NoSuchPath => Self::new(StatusCode::NOT_FOUND, NO_SUCH_PATH),
            Error::WrongMethod => Self::new(StatusCode::METHOD_NOT_ALLOWED, ALLOW),
            Error::SlowBody => Self::new(StatusCode::REQUEST_TIMEOUT, SLOW_BODY),
            Error::OutcomeUnknown => Self {
                r#type: "/problems/outcome-unknown",
                title: "Outcome unknown",
                ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, OUTCOME_UNKNOWN)
            },
            Error::Repository(_) | Error::Bug(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, OUR_FAULT)
            }
        }
    }
}
// ANCHOR_END: problem-of-error

const BUSY: &str = "The shop is busy, and nothing was done. Try again in a second";
const TOKEN: &str = "Send the staff token: Authorization: Bearer …";
const NO_SUCH_PATH: &str = "There is nothing at this path";
const ALLOW: &str = "The allow header lists the methods that this path supports";
const SLOW_BODY: &str = "The body took too long to arrive, and nothing was done";
const OUTCOME_UNKNOWN: &str =
    "This took too long. The request may have been carried out, or not";
const OUR_FAULT: &str =
    "This is the server's fault. Its log has the cause, with this x-request-id";

// ANCHOR: shop-problem
/// The problem document for each broken rule of the shop.
fn shop_problem(error: &ShopError) -> Problem {
    let detail = error.to_string();
    match error {
        ShopError::UnknownItem(_) | ShopError::UnknownOrder(_) => {
            Problem::new(StatusCode::NOT_FOUND, detail)
        }
        ShopError::NotOnMenu => {
            invalid_field(ErrorDetail::at_pointer("#/item", detail))
        }
        ShopError::TotalTooLarge => {
            invalid_field(ErrorDetail::at_pointer("#/quantity", detail))
        }
        ShopError::NotEnoughLeft(_) => Problem {
            r#type: "/problems/not-enough-left",
            title: "Not enough left",
            ..Problem::new(StatusCode::CONFLICT, detail)
        },
        ShopError::OrderCanceled(_) => Problem {
            r#type: "/problems/order-canceled",
            title: "Order canceled",
            ..Problem::new(StatusCode::CONFLICT, detail)
        },
    }
}
// ANCHOR_END: shop-problem

fn invalid_field(detail: ErrorDetail) -> Problem {
    invalid(StatusCode::UNPROCESSABLE_ENTITY, vec![detail])
}

fn invalid(status: StatusCode, errors: Vec<ErrorDetail>) -> Problem {
    Problem {
        r#type: "/problems/invalid-request",
        title: "Invalid request",
        errors,
        ..Problem::new(
            status,
            "Each entry in errors says what to correct, and where",
        )
    }
}

// ANCHOR: from-json
impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        let status = rejection.status();
        match rejection {
            JsonRejection::JsonDataError(error) => {
                Self::Invalid(status, vec![ErrorDetail::from(&error)])
            }
            other if is_timeout(&other) => Self::SlowBody,
            other => Self::Unreadable(status, other.body_text()),
        }
    }
}
// ANCHOR_END: from-json

/// Whether the body of the request took longer than the server allows.
#[cfg(feature = "server")]
fn is_timeout(rejection: &JsonRejection) -> bool {
    find_source::<tower_http::timeout::TimeoutError>(rejection).is_some()
}

/// A web page has no clock, so nothing takes too long.
#[cfg(not(feature = "server"))]
fn is_timeout(_: &JsonRejection) -> bool {
    false
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::Invalid(rejection.status(), vec![ErrorDetail::from(&rejection)])
    }
}

// ANCHOR: from-path
impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        // The status is 500 only if the program has a bug: for example, a handler reads
        // a parameter that isn't in its route.
        if rejection.status().is_server_error() {
            return Self::Bug(rejection.body_text());
        }
        // `/orders/latest` can't exist, because the id of an order is a number.
        Self::NoSuchPath
    }
}
// ANCHOR_END: from-path

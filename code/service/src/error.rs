//! The error type of all handlers, and the response for each error. What the errors of a
//! feature mean for a client is said in the feature: in `menu/error.rs`, for example.

use std::error::Error as StdError;

use axum::{
    extract::rejection::{BytesRejection, JsonRejection, PathRejection},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use axum_extra::extract::QueryRejection;
use thiserror::Error as ThisError;
use tracing::{error, warn};

use crate::customers::error::CustomerError;
use crate::fields::FieldError;
use crate::menu::error::MenuError;
use crate::orders::error::OrderError;
use crate::payments::error::PaymentError;
#[cfg(feature = "server")]
use crate::problem::find_source;
use crate::problem::{BUSY, ErrorDetail, OUR_FAULT, Problem};
use crate::storage::StorageError;

/// Why a request gets an error response.
#[derive(Debug, ThisError)]
pub enum Error {
    /// A rule of the menu rejected the request.
    #[error(transparent)]
    Menu(#[from] MenuError),
    /// A rule of the customers rejected the request, or it's not clear who sends it.
    #[error(transparent)]
    Customer(#[from] CustomerError),
    /// A rule of the orders rejected the request.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// A rule of the payments rejected the request, or the payment provider failed.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// The storage was busy, or it failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The request was read, but some of its values are invalid.
    #[error("the request has {} mistakes", .1.len())]
    Invalid(StatusCode, Vec<ErrorDetail>),
    /// The body can't be read.
    #[error("{1}")]
    Unreadable(StatusCode, String),
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

impl Error {
    /// A body whose fields have these mistakes.
    pub fn invalid_body(mistakes: Vec<FieldError>) -> Self {
        let details = mistakes.into_iter().map(ErrorDetail::in_body).collect();
        Self::Invalid(StatusCode::UNPROCESSABLE_ENTITY, details)
    }

    /// A parameter of the path or the query string that has a mistake.
    pub fn invalid_parameter(mistake: FieldError) -> Self {
        let detail = ErrorDetail::in_parameter(mistake);
        Self::Invalid(StatusCode::BAD_REQUEST, vec![detail])
    }

    /// A header that is missing or has a mistake.
    pub fn invalid_header(name: &'static str, reason: &'static str) -> Self {
        let detail = ErrorDetail::in_header(name, reason);
        Self::Invalid(StatusCode::BAD_REQUEST, vec![detail])
    }

    /// The `CustomerError` inside this error, if there is one. A `CustomerError` may
    /// add a header to the response, such as `www-authenticate` to a 401.
    fn customer_error(&self) -> Option<&CustomerError> {
        // There's no arm `_`, so that the compiler reports each new variant of `Error`. It
        // doesn't report a new variant of `OrderError`, for example.
        match self {
            Self::Customer(error)
            | Self::Order(OrderError::Customer(error))
            | Self::Payment(PaymentError::Order(OrderError::Customer(error))) => {
                Some(error)
            }
            Self::Menu(_)
            | Self::Order(_)
            | Self::Payment(_)
            | Self::Storage(_)
            | Self::Invalid(..)
            | Self::Unreadable(..)
            | Self::NoSuchPath
            | Self::WrongMethod
            | Self::SlowBody
            | Self::Timeout
            | Self::OutcomeUnknown
            | Self::Bug(_) => None,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = Problem::from(&self);
        log(problem.status, &self);
        let status = problem.status;
        let mut response = problem.into_response();
        let headers = response.headers_mut();
        let off = matches!(self, Self::Payment(PaymentError::Off));
        if status == StatusCode::SERVICE_UNAVAILABLE && !off {
            // The last transaction changed nothing, and each request is written so that it
            // can be repeated after it. So the client may try again after a second.
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(error) = self.customer_error() {
            headers.extend(error.header());
        }
        response
    }
}

/// Logs each 5xx response with its cause. The cause may name tables or files,
/// so it isn't sent to clients.
fn log(status: StatusCode, error: &Error) {
    let error: &dyn StdError = error;
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            warn!(error, "the service can't do this now")
        }
        status if status.is_server_error() => error!(error, "the request failed"),
        _ => {}
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        match error {
            Error::Menu(error) => Self::from(error),
            Error::Customer(error) => Self::from(error),
            Error::Order(error) => Self::from(error),
            Error::Payment(error) => Self::from(error),
            Error::Storage(error) => Self::from(error),
            Error::Invalid(status, details) => {
                Self::invalid(*status, details.clone())
            }
            Error::Unreadable(status, detail) => Self::new(*status, detail),
            Error::NoSuchPath => Self::new(StatusCode::NOT_FOUND, NO_SUCH_PATH),
            Error::WrongMethod => Self::new(StatusCode::METHOD_NOT_ALLOWED, ALLOW),
            Error::SlowBody => Self::new(StatusCode::REQUEST_TIMEOUT, SLOW_BODY),
            Error::Timeout => Self::new(StatusCode::SERVICE_UNAVAILABLE, BUSY),
            Error::OutcomeUnknown => Self {
                r#type: "/problems/outcome-unknown",
                title: "Outcome unknown",
                ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, OUTCOME_UNKNOWN)
            },
            Error::Bug(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, OUR_FAULT)
            }
        }
    }
}

const NO_SUCH_PATH: &str = "There is nothing at this path";
const ALLOW: &str = "The allow header lists the methods that this path supports";
const SLOW_BODY: &str = "The body took too long to arrive, and nothing was done";
const OUTCOME_UNKNOWN: &str =
    "This took too long. The request may have been carried out, or not";

impl From<BytesRejection> for Error {
    fn from(rejection: BytesRejection) -> Self {
        if is_timeout(&rejection) {
            return Self::SlowBody;
        }
        Self::Unreadable(rejection.status(), rejection.body_text())
    }
}

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

/// Whether the body of the request took longer than the server allows.
#[cfg(feature = "server")]
fn is_timeout(rejection: &dyn StdError) -> bool {
    find_source::<tower_http::timeout::TimeoutError>(rejection).is_some()
}

/// A web page has no clock, so nothing takes too long.
#[cfg(not(feature = "server"))]
fn is_timeout(_: &dyn StdError) -> bool {
    false
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::Invalid(rejection.status(), vec![ErrorDetail::from(&rejection)])
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        // A 500 means that the handler asks for a parameter that its route lacks.
        if rejection.status().is_server_error() {
            return Self::Bug(rejection.body_text());
        }
        // `/orders/latest` can't exist, because the id of an order is a number.
        Self::NoSuchPath
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::WWW_AUTHENTICATE;

    use super::*;

    #[test]
    fn a_401_always_says_how_to_authenticate() {
        let error = || OrderError::Customer(CustomerError::InvalidToken);
        for error in [
            Error::from(CustomerError::InvalidToken),
            Error::from(error()),
            Error::from(PaymentError::from(error())),
        ] {
            let response = error.into_response();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert!(response.headers().contains_key(WWW_AUTHENTICATE));
        }
    }
}

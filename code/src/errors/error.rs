//! Everything that can go wrong, and the one place that makes an answer of it.

use std::fmt;

use axum::{
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use tracing::{error, warn};

use super::problem::{Mistake, Problem};
use crate::data::{repository::StorageError, services::Failure};
use crate::legacy_structure::services::ShopError;

// ANCHOR: error
/// Every way in which a request can miss what it asked for.
#[derive(Debug)]
pub enum Error {
    /// The shop says no.
    Shop(ShopError),
    /// The books are out of reach.
    Storage(StorageError),
    /// The request can be read, and these are its mistakes.
    Invalid(StatusCode, Vec<Mistake>),
    /// The request cannot be read.
    Unreadable(StatusCode, String),
    /// Nothing has this path.
    NoSuchPath,
    /// The path is there, and does not take this method.
    WrongMethod,
    /// It took too long, to read the request or to answer it.
    TooSlow,
    /// The shop's own mistake: a panic, or a route that does not fit its handler.
    Bug(String),
}
// ANCHOR_END: error

// ANCHOR: into-response
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let cause = self.to_string();
        let problem = Problem::from(self);
        match problem.status {
            // A client that sends its body slowly can cause this one.
            StatusCode::SERVICE_UNAVAILABLE => warn!("{cause}"),
            status if status.is_server_error() => error!("{cause}"),
            _ => {}
        }
        problem.into_response()
    }
}
// ANCHOR_END: into-response

// ANCHOR: from-error
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Shop(error) => refused(error),
            Error::Invalid(status, errors) => invalid(status, errors),
            Error::Unreadable(status, reason) => Self::of(status, reason),
            Error::NoSuchPath => Self::of(StatusCode::NOT_FOUND, NO_SUCH_PATH),
            Error::WrongMethod => {
                Self::of(StatusCode::METHOD_NOT_ALLOWED, WRONG_METHOD)
            }
            Error::TooSlow => Self::of(StatusCode::SERVICE_UNAVAILABLE, TOO_SLOW),
            // The log has the cause. Of all others, only an attacker has a use for it.
            Error::Storage(_) | Error::Bug(_) => {
                Self::of(StatusCode::INTERNAL_SERVER_ERROR, OUR_MISTAKE)
            }
        }
    }
}
// ANCHOR_END: from-error

const NO_SUCH_PATH: &str = "Nothing in the shop has this path";
const WRONG_METHOD: &str =
    "The header allow names the methods that this path takes";
const TOO_SLOW: &str =
    "This took too long. What you asked for may have been done, or not";
const OUR_MISTAKE: &str =
    "The mistake is the shop's. Its log has the cause, under this x-request-id";

// ANCHOR: refused
/// What the shop's no is in HTTP.
fn refused(error: ShopError) -> Problem {
    let detail = error.to_string();
    match error {
        ShopError::UnknownItem(_) | ShopError::UnknownOrder(_) => {
            Problem::of(StatusCode::NOT_FOUND, detail)
        }
        ShopError::Invalid(mistake) => {
            invalid(StatusCode::UNPROCESSABLE_ENTITY, vec![mistake.into()])
        }
        ShopError::NotEnough(_) => Problem {
            title: "Not enough left",
            r#type: "/problems/not-enough-left",
            ..Problem::of(StatusCode::CONFLICT, detail)
        },
    }
}
// ANCHOR_END: refused

fn invalid(status: StatusCode, errors: Vec<Mistake>) -> Problem {
    Problem {
        title: "Invalid request",
        r#type: "/problems/invalid-request",
        errors,
        ..Problem::of(status, "Each of the errors says what to mend, and where")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shop(error) => error.fmt(f),
            Self::Storage(error) => error.fmt(f),
            Self::Invalid(_, mistakes) => write!(f, "{} mistakes", mistakes.len()),
            Self::Unreadable(_, reason) => f.write_str(reason),
            Self::NoSuchPath => f.write_str("no such path"),
            Self::WrongMethod => f.write_str("wrong method"),
            Self::TooSlow => f.write_str("it took too long"),
            Self::Bug(cause) => write!(f, "a bug: {cause}"),
        }
    }
}

impl std::error::Error for Error {}

// ANCHOR: from-failure
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Shop(error) => Self::Shop(error),
            Failure::Storage(error) => Self::Storage(error),
        }
    }
}
// ANCHOR_END: from-failure

// ANCHOR: from-json
impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        let status = rejection.status();
        match rejection {
            JsonRejection::JsonDataError(error) => {
                Self::Invalid(status, vec![error.into()])
            }
            other => Self::Unreadable(status, other.body_text()),
        }
    }
}
// ANCHOR_END: from-json

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::Invalid(rejection.status(), vec![rejection.into()])
    }
}

// ANCHOR: from-path
impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        // A 500 here is a route without the parameter that its handler wants.
        if rejection.status().is_server_error() {
            return Self::Bug(rejection.body_text());
        }
        Self::NoSuchPath
    }
}
// ANCHOR_END: from-path

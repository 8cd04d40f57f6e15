//! The extractors that the handlers use: axum's own, but with our [`Error`] as the
//! rejection, and [`Staff`].

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequest, FromRequestParts},
    http::{
        header::{AUTHORIZATION, CONTENT_TYPE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::error::Error;

// ANCHOR: json
/// A JSON body, in a request or in a response.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Error))]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                ([(CONTENT_TYPE, "application/json")], body).into_response()
            }
            // serde couldn't write the value as JSON. axum's own `Json` would send
            // serde's message to the client. The shop's `Json` sends the fixed text
            // of `Error::Bug`. (If a handler returns a tuple such as
            // `(StatusCode::CREATED, Json(…))`, the tuple's status replaces the
            // 500, so the client gets a 201 whose body describes this error.)
            Err(error) => Error::Bug(error.to_string()).into_response(),
        }
    }
}
// ANCHOR_END: json

/// The parameters of the path, such as `{id}`.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub struct Path<T>(pub T);

/// The id of an order in a path. A plain `u64` would also read `+1` and `01`, and then
/// one order would have several paths.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct OrderId(pub u64);

impl TryFrom<String> for OrderId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let id = text.parse().ok().filter(|id: &u64| id.to_string() == text);
        id.map(Self).ok_or("not the id of an order")
    }
}

/// The query string. axum-extra's `Query` also takes keys that are repeated, which
/// axum's own rejects.
#[derive(FromRequestParts)]
#[from_request(via(axum_extra::extract::Query), rejection(Error))]
pub struct Query<T>(pub T);

/// The secret that staff send as `Authorization: Bearer …`. Each request clones it
/// out of the state. Because of the `Arc`, there is only one copy in memory.
#[derive(Clone)]
pub struct StaffToken(Arc<SecretString>);

impl StaffToken {
    /// Makes a token of a secret text.
    pub fn new(secret: SecretString) -> Self {
        Self(Arc::new(secret))
    }

    /// Compares in constant time, so that the response time doesn't reveal how many
    /// bytes at the beginning of a guess are right.
    fn matches(&self, guess: &str) -> bool {
        let token = self.0.expose_secret().as_bytes();
        token.ct_eq(guess.as_bytes()).into()
    }
}

/// A handler with this argument runs only for requests with the staff token.
pub struct Staff;

impl<S> FromRequestParts<S> for Staff
where
    Option<StaffToken>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Self, Error> {
        let token = bearer_token(parts).ok_or(Error::NoToken)?;
        match Option::<StaffToken>::from_ref(state) {
            Some(expected) if expected.matches(token) => Ok(Self),
            _ => Err(Error::WrongToken),
        }
    }
}

/// The token in the `authorization` header, if there is exactly one such header. The
/// name of the scheme is case-insensitive, and one or more spaces follow it (RFC 9110,
/// sections 11.1 and 11.4).
fn bearer_token(parts: &Parts) -> Option<&str> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_value_that_cannot_be_json_is_a_bug_and_no_text_for_the_client() {
        let keys_are_no_strings = BTreeMap::from([((1, 2), 3)]);
        let response = Json(keys_are_no_strings).into_response();
        assert_eq!(response.status(), 500);
        let content_type = &response.headers()[CONTENT_TYPE];
        assert_eq!(content_type, "application/problem+json");
    }
}

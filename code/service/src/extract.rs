//! The extractors that all features use: axum's own, but with our [`Error`] as the
//! rejection.

use axum::{
    extract::{FromRequest, FromRequestParts},
    http::{
        header::{AUTHORIZATION, CONTENT_TYPE},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use crate::error::Error;

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
            // serde couldn't write the value as JSON. axum's own `Json` would send the
            // text of this error to the client. (If a handler returns a tuple such as
            // `(StatusCode::CREATED, Json(…))`, the tuple's status replaces the 500,
            // so the client gets a 201 whose body describes this error.)
            Err(error) => Error::Bug(error.to_string()).into_response(),
        }
    }
}

/// The parameters of the path, such as `{id}`.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub struct Path<T>(pub T);

/// A number in a path, such as the id of an order. A plain `u64` would also read `+1` and
/// `01`, and then one order would have several paths.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct Number(pub u64);

impl TryFrom<String> for Number {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let number = text.parse().ok().filter(|n: &u64| n.to_string() == text);
        number.map(Self).ok_or("not a number")
    }
}

/// The query string. axum-extra's `Query` also takes keys that are repeated, which
/// axum's own rejects.
#[derive(FromRequestParts)]
#[from_request(via(axum_extra::extract::Query), rejection(Error))]
pub struct Query<T>(pub T);

/// The token in the `authorization` header, if there is exactly one such header. The
/// name of the scheme is case-insensitive, and one or more spaces follow it (RFC 9110,
/// sections 11.1 and 11.4).
pub fn bearer_token(parts: &Parts) -> Option<&str> {
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

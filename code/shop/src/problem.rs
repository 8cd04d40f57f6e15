//! The JSON body of an error response: a problem document (RFC 9457).

use std::error::Error;
use std::fmt::Write;
use std::iter::successors;

use axum::{
    Json,
    extract::rejection::JsonDataError,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use axum_extra::extract::QueryRejection;
use serde::{Serialize, Serializer, de};
use serde_path_to_error::Segment;

use crate::model::FieldError;

// ANCHOR: problem
/// The JSON document of an error response. If `type` is `about:blank`, the status
/// says which kind of problem it is, and `title` is the name of the status (RFC 9457,
/// section 4.2.1).
#[derive(Debug, Serialize)]
pub struct Problem {
    /// Which kind of problem this is, for programs.
    pub r#type: &'static str,
    /// Which kind of problem this is, for people.
    pub title: &'static str,
    /// The status of the response, repeated for programs that see only the body.
    #[serde(serialize_with = "as_number")]
    pub status: StatusCode,
    /// What went wrong with this request, for people.
    pub detail: String,
    /// The list of mistakes in an invalid request. Empty for all other errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorDetail>,
}
// ANCHOR_END: problem

// ANCHOR: error-detail
/// One mistake in a request, and where it is.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorDetail {
    /// What is wrong, for people.
    pub detail: String,
    /// Where the mistake is. `None` if the mistake concerns several fields (for
    /// example, a start that is after the end), or if the place is unknown.
    #[serde(flatten)]
    pub place: Option<Place>,
}

/// A place in a request.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// A JSON Pointer into the body, such as `#/table`. (RFC 6901, section 6,
    /// defines this form.)
    Pointer(String),
    /// The name of a header. The shop doesn't validate any header, but your
    /// service may validate one, such as `if-match`.
    Header(&'static str),
    /// The name of a parameter of the path or the query string.
    Parameter(String),
}
// ANCHOR_END: error-detail

impl Problem {
    /// A problem whose status says everything.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        // The `http` crate has the older names of these two (RFC 9110, sections
        // 15.5.14 and 15.5.21).
        let title = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "Content Too Large",
            StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable Content",
            _ => status.canonical_reason().unwrap_or("Unknown"),
        };
        Self {
            r#type: "about:blank",
            title,
            status,
            detail: detail.into(),
            errors: Vec::new(),
        }
    }
}

// ANCHOR: problem-response
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content_type = [(CONTENT_TYPE, "application/problem+json")];
        (self.status, content_type, Json(self)).into_response()
    }
}
// ANCHOR_END: problem-response

impl ErrorDetail {
    /// A mistake at a JSON Pointer of the body.
    pub fn at_pointer(
        pointer: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            detail: detail.into(),
            place: Some(Place::Pointer(pointer.into())),
        }
    }

    /// A mistake in a field of the body.
    pub fn in_body(FieldError { field, reason }: FieldError) -> Self {
        Self::at_pointer(format!("#/{field}"), reason)
    }

    /// A mistake in a parameter of the path or the query string.
    pub fn in_parameter(FieldError { field, reason }: FieldError) -> Self {
        Self {
            detail: reason.into(),
            place: Some(Place::Parameter(field.into())),
        }
    }
}

impl From<&JsonDataError> for ErrorDetail {
    fn from(rejection: &JsonDataError) -> Self {
        match find_source::<serde_path_to_error::Error<serde_json::Error>>(
            rejection,
        ) {
            Some(error) => Self::at_pointer(
                json_pointer(error.path()),
                error.inner().to_string(),
            ),
            None => Self::at_pointer("#", rejection.body_text()),
        }
    }
}

impl From<&QueryRejection> for ErrorDetail {
    fn from(rejection: &QueryRejection) -> Self {
        let error =
            find_source::<serde_path_to_error::Error<de::value::Error>>(rejection);
        let name = error.and_then(|error| error.path().iter().next());
        Self {
            detail: match error {
                Some(error) => error.inner().to_string(),
                None => rejection.body_text(),
            },
            // The name of a parameter that is missing is not in the path.
            place: match name {
                Some(Segment::Map { key }) => Some(Place::Parameter(key.clone())),
                _ => None,
            },
        }
    }
}

/// Finds the error of type `E` among the sources of a rejection. axum keeps the error of
/// serde there, with the path to the value that could not be read.
pub(crate) fn find_source<E: Error + 'static>(rejection: &dyn Error) -> Option<&E> {
    successors(rejection.source(), |&error| error.source())
        .find_map(|error| error.downcast_ref())
}

/// Writes a path as a JSON Pointer in a URI fragment (RFC 6901, sections 3 and 6).
fn json_pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::from("#");
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.clone(),
            // An enum's variant is no place of its own in the JSON.
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        for byte in name.replace('~', "~0").replace('/', "~1").bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                pointer.push(byte.into());
            } else {
                // Writing to a `String` never fails.
                let _ = write!(pointer, "%{byte:02X}");
            }
        }
    }
    pointer
}

fn as_number<S: Serializer>(
    status: &StatusCode,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    fn pointer_to_mistake<'de, T: Deserialize<'de>>(json: &'de str) -> String {
        let mut json = serde_json::Deserializer::from_str(json);
        let result: Result<T, _> = serde_path_to_error::deserialize(&mut json);
        json_pointer(result.err().unwrap().path())
    }

    #[test]
    fn a_pointer_leads_into_arrays_and_objects() {
        type Lists = BTreeMap<String, Vec<u32>>;
        assert_eq!(pointer_to_mistake::<Lists>(r#"{"a": [1, "2"]}"#), "#/a/1");
        assert_eq!(pointer_to_mistake::<Vec<u32>>(r#"[1, 2, null]"#), "#/2");
        assert_eq!(pointer_to_mistake::<u32>("null"), "#");
    }

    #[test]
    fn a_pointer_escapes_what_a_fragment_or_a_pointer_cannot_hold() {
        type Numbers = BTreeMap<String, u32>;
        let pointer = pointer_to_mistake::<Numbers>(r#"{"a/b~c é": "x"}"#);
        assert_eq!(pointer, "#/a~1b~0c%20%C3%A9");
    }
}

//! What a failure looks like to a client: a problem document (RFC 9457).

use std::error::Error;
use std::iter::successors;

use axum::{
    Json,
    extract::rejection::{JsonDataError, QueryRejection},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::{Serialize, Serializer, de};

use crate::legacy_structure::services::Invalid;

// ANCHOR: problem
/// A problem document. Where `type` is `about:blank`, the status says all that a program
/// needs, and the title is that of the status (RFC 9457, section 4.2.1).
#[derive(Debug, Serialize)]
pub struct Problem {
    /// What kind of problem it is, for people. The same each time.
    pub title: &'static str,
    /// What is wrong this time, for people.
    pub detail: String,
    /// The status of the answer, for whoever has only the body.
    #[serde(serialize_with = "number")]
    pub status: StatusCode,
    /// What kind of problem it is, for programs.
    pub r#type: &'static str,
    /// Every mistake in the request, where there are some to be named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Mistake>,
}
// ANCHOR_END: problem

// ANCHOR: mistake
/// One thing that is wrong with a request, and where it stands.
#[derive(Debug, Serialize)]
pub struct Mistake {
    /// What is wrong, for people.
    pub detail: String,
    /// Where, if it stands anywhere: what is missing from a query does not.
    #[serde(flatten)]
    pub place: Option<Place>,
}

/// A place in a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the JSON body: a JSON Pointer as a fragment (RFC 6901, section 6).
    Pointer(String),
    /// In the header of this name.
    Header(&'static str),
    /// In the query's parameter of this name.
    Parameter(String),
}
// ANCHOR_END: mistake

impl Problem {
    /// A problem that its status describes.
    pub fn of(status: StatusCode, detail: impl Into<String>) -> Self {
        // RFC 9110, sections 15.5.14 and 15.5.21. The crate `http` has the older phrases.
        let title = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "Content Too Large",
            StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable Content",
            _ => status.canonical_reason().unwrap_or("Unknown"),
        };
        Self {
            title,
            detail: detail.into(),
            status,
            r#type: "about:blank",
            errors: Vec::new(),
        }
    }
}

// ANCHOR: into-response
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content_type = [(CONTENT_TYPE, "application/problem+json")];
        (self.status, content_type, Json(self)).into_response()
    }
}
// ANCHOR_END: into-response

impl From<Invalid> for Mistake {
    fn from(Invalid { field, reason }: Invalid) -> Self {
        Self {
            detail: reason.into(),
            place: Some(Place::Pointer(format!("#/{field}"))),
        }
    }
}

impl From<JsonDataError> for Mistake {
    fn from(rejection: JsonDataError) -> Self {
        let (path, detail) = stumbled::<serde_json::Error>(&rejection);
        let pointer = path.map(pointer).unwrap_or_default();
        let place = Some(Place::Pointer(format!("#{pointer}")));
        Self { detail, place }
    }
}

impl From<QueryRejection> for Mistake {
    fn from(rejection: QueryRejection) -> Self {
        let (path, detail) = stumbled::<de::value::Error>(&rejection);
        let name = path.and_then(|path| path.iter().next());
        let place = name.map(|name| Place::Parameter(name.to_string()));
        Self { detail, place }
    }
}

// ANCHOR: stumbled
/// Where serde stumbled, and over what. axum keeps it as the source of the rejection's
/// source.
fn stumbled<E: Error + 'static>(
    rejection: &dyn Error,
) -> (Option<&serde_path_to_error::Path>, String) {
    let mut sources = successors(rejection.source(), |&error| error.source());
    let found = sources
        .find_map(|error| error.downcast_ref::<serde_path_to_error::Error<E>>());
    let path = found.map(|error| error.path());
    let says = found.map(|error| error.inner().to_string());
    (path, says.unwrap_or(rejection.to_string()))
}
// ANCHOR_END: stumbled

/// A JSON Pointer as it stands in a fragment (RFC 6901, sections 3 and 6).
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        let name = segment.to_string().replace('~', "~0").replace('/', "~1");
        for byte in name.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {
                    pointer.push(byte.into())
                }
                b'-' | b'.' | b'_' | b'~' => pointer.push(byte.into()),
                _ => pointer += &format!("%{byte:02X}"),
            }
        }
    }
    pointer
}

fn number<S: Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

//! Entity tags: the name of a version of what a path shows (RFC 9110, section 8.8.3).

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The `etag` of a version: its number in quotes, such as `"3"`. After a
/// backup of the database has been restored, another version may get the same number. The
/// README says how to prevent this.
pub fn of(version: u64) -> HeaderValue {
    // Digits and quotes are always valid in a header.
    HeaderValue::try_from(format!("\"{version}\""))
        .unwrap_or(HeaderValue::from_static("\"\""))
}

/// What `if-match` or `if-none-match` says (RFC 9110, sections 13.1.1 and 13.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityTags {
    /// `*`
    Any,
    /// A list of tags, separated by commas: without the whitespace around them.
    List(Vec<String>),
}

impl EntityTags {
    /// Reads a header, which may come several times. Without it, there are none.
    pub fn read(headers: &HeaderMap, name: HeaderName) -> Option<Self> {
        let mut values = headers.get_all(name).iter().peekable();
        values.peek()?;
        // None of our tags contains a comma, so a tag that is split at one matches nothing.
        let tags: Vec<String> = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|tag| tag.trim().to_owned())
            .collect();
        Some(match tags.as_slice() {
            [tag] if tag == "*" => Self::Any,
            _ => Self::List(tags),
        })
    }

    /// Whether one of the tags names this version. `W/"3"` does, as `if-none-match` asks
    /// whether a stored response may be used again (RFC 9110, section 13.1.2).
    pub fn match_weakly(&self, version: u64) -> bool {
        match self {
            Self::Any => true,
            Self::List(tags) => {
                let strong = |tag: &String| {
                    version_of(tag.strip_prefix("W/").unwrap_or(tag))
                };
                tags.iter().any(|tag| strong(tag) == Some(version))
            }
        }
    }
}

/// The versions that a list of tags names. A weak tag, such as `W/"3"`, names none, since
/// `if-match` never matches one (RFC 9110, section 13.1.1).
pub fn versions(tags: &[String]) -> Vec<u64> {
    tags.iter().filter_map(|tag| version_of(tag)).collect()
}

/// The version that a strong tag of ours names.
fn version_of(tag: &str) -> Option<u64> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let version = digits.parse().ok()?;
    (of(version) == tag).then_some(version)
}

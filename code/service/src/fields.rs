//! Mistakes in the fields of a request.

use std::borrow::Cow;

/// A mistake in one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The name of the field, as the client writes it. In a list, it is a path, such as
    /// `lines/0/quantity`.
    pub field: Cow<'static, str>,
    /// What the field must be, such as "must not be empty".
    pub reason: &'static str,
}

impl FieldError {
    /// A mistake in the field with this name.
    pub fn new(field: impl Into<Cow<'static, str>>, reason: &'static str) -> Self {
        let field = field.into();
        Self { field, reason }
    }

    /// The same mistake in an entry of a list, which this path leads to, such as `lines/0`.
    pub fn inside(self, path: &str) -> Self {
        Self::new(format!("{path}/{}", self.field), self.reason)
    }
}

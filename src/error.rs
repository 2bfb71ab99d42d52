//! What can go wrong in a way the caller must tell apart. A failed build is an outcome, not an `Error`.

use std::fmt;

/// A message in the reader's language: a key of `locales/` and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub key: &'static str,
    pub args: Vec<(&'static str, String)>,
}

impl Text {
    pub fn new(key: &'static str) -> Self {
        Self { key, args: Vec::new() }
    }

    pub fn arg(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.args.push((name, value.into()));
        self
    }
}

/// What is wrong with one field of a form or a body.
#[derive(Debug, Clone)]
pub struct FieldError {
    pub field: String,
    pub text: Text,
}

impl FieldError {
    pub fn new(field: &str, text: Text) -> Self {
        Self { field: field.to_owned(), text }
    }
}

#[derive(Debug)]
pub enum Error {
    NotFound,
    Forbidden,
    /// The world changed under the caller, or a rule forbids this now.
    Conflict(Text),
    /// The input is wrong; nothing was stored.
    Invalid(Vec<FieldError>),
    /// Try again later.
    Busy(Text),
    /// Ours to fix; carries details that no visitor may see.
    Internal(anyhow::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn invalid(field: &str, text: Text) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), text }])
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => write!(f, "not found"),
            Self::Forbidden => write!(f, "forbidden"),
            Self::Conflict(text) => write!(f, "conflict: {}", text.key),
            Self::Busy(text) => write!(f, "busy: {}", text.key),
            Self::Invalid(fields) => {
                write!(f, "invalid:")?;
                fields.iter().try_for_each(|e| write!(f, " {} ({})", e.field, e.text.key))
            }
            Self::Internal(error) => write!(f, "internal: {error:#}"),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Internal(error.into())
    }
}

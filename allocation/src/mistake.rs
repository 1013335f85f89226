//! What is wrong with an input, and where.

use std::fmt;

/// One mistake: a JSON pointer to its place and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Mistake {
    /// RFC 6901, empty for the whole document.
    pub pointer: String,
    pub message: String,
}

impl Mistake {
    pub(crate) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "{place}: {}", self.message)
    }
}

/// An input that is not a problem: every mistake in it, at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Invalid {
    pub mistakes: Vec<Mistake>,
}

impl From<Mistake> for Invalid {
    fn from(mistake: Mistake) -> Self {
        Self { mistakes: vec![mistake] }
    }
}

//! Lists, page by page.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a list. The cursor is opaque: it names a place in the list, not a number of rows, so paging does not slow down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// For `?cursor=`; null on the last page.
    pub next_cursor: Option<String>,
    /// Whether `next_cursor` leads to more.
    pub has_more: bool,
}

impl<T> Page<T> {
    pub fn new(items: Vec<T>, next_cursor: Option<String>) -> Self {
        Self { has_more: next_cursor.is_some(), items, next_cursor }
    }

    /// All that there is, of what is bounded by itself.
    pub fn whole(items: Vec<T>) -> Self {
        Self::new(items, None)
    }
}

/// A page of a stream that goes on: there is always a next position, also when there is nothing yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamPage<T> {
    pub items: Vec<T>,
    /// For `?cursor=`: always there, since the stream goes on.
    pub next_cursor: String,
    /// Whether there is more by now. False: ask again later.
    pub has_more: bool,
}

//! Lists, page by page.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a list. The cursor is opaque: it names a place in the list, not a number of rows, so paging does not slow down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// For `?cursor=`; null on the last page.
    pub next_cursor: Option<String>,
}

/// A page of a stream that goes on: there is always a next position, also when there is nothing yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamPage<T> {
    pub items: Vec<T>,
    /// For `?after=`.
    pub next: String,
}

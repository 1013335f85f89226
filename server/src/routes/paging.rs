//! Paging parameters, the same for every list.

use oms_api::reader::{Fields, integer, text};

/// Items on a page unless said, and at most.
const PAGE: (u32, i64) = (50, 500);
/// Longest cursor that can be one of ours.
const CURSOR_MAX_CHARS: usize = 500;

/// `?limit=`.
pub(super) fn limit(fields: &Fields<'_>) -> Option<u32> {
    Some(fields.optional("limit", integer(1..=PAGE.1))?.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(PAGE.0))
}

/// `?cursor=`, or a place in a stream by another name.
pub(super) fn cursor(fields: &Fields<'_>, name: &'static str) -> Option<Option<String>> {
    fields.optional(name, text(CURSOR_MAX_CHARS))
}

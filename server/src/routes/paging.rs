//! Paging parameters, the same for every list.

use std::{fmt::Display, str::FromStr};

use oms_api::reader::{Fields, choice, integer, parsed, text};

use crate::{extract::Params, failure::Failure};

/// Items on a page unless said, and at most.
const PAGE: (u32, i64) = (50, 500);
/// The same of items that are shown as a whole.
const EXPANDED_MAX: i64 = 50;
/// Longest cursor that can be one of ours.
const CURSOR_MAX_CHARS: usize = 500;

/// `?limit=`.
pub(crate) fn limit(fields: &Fields<'_>) -> Option<u32> {
    limit_of(fields, false)
}

/// `?cursor=`.
pub(crate) fn cursor(fields: &Fields<'_>) -> Option<Option<String>> {
    fields.optional("cursor", text(CURSOR_MAX_CHARS))
}

/// Whether `?expand=` asks for each item as a whole, under this name. Such a page has fewer.
pub(super) fn expand(fields: &Fields<'_>, name: &'static str) -> Option<bool> {
    Some(fields.optional("expand", choice(&[(name, ())]))?.is_some())
}

/// `?limit=` of a list whose items may be asked for as a whole.
pub(super) fn limit_of(fields: &Fields<'_>, expanded: bool) -> Option<u32> {
    let most = if expanded { EXPANDED_MAX } else { PAGE.1 };
    Some(fields.optional("limit", integer(1..=most))?.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(PAGE.0))
}

/// `?limit=` and `?cursor=` of a list that takes nothing else.
pub(super) fn page(params: &Params) -> Result<(u32, Option<String>), Failure> {
    params.read(|node| node.object(|fields| limit(fields).zip(cursor(fields))))
}

/// `?limit=` and `?cursor=` of a list whose items are numbered: the number after which to go on, 0 for the beginning.
pub(super) fn after_number(params: &Params) -> Result<(u32, u64), Failure> {
    params.read(|node| {
        node.object(|fields| {
            let (limit, after) = (limit(fields), fields.optional("cursor", integer(0..=i64::MAX)));
            Some((limit?, after?.and_then(|after| u64::try_from(after).ok()).unwrap_or(0)))
        })
    })
}

/// `?limit=` and `?cursor=` of a list that goes by ids: the id after which to go on.
pub(super) fn after<T: FromStr<Err: Display>>(params: &Params) -> Result<(u32, Option<T>), Failure> {
    params.read(|node| {
        node.object(|fields| {
            let (limit, after) = (limit(fields), fields.optional("cursor", parsed));
            Some((limit?, after?))
        })
    })
}

/// The last item of a page that has no room left: there may be more after it.
pub(super) fn last_of_full<T>(items: &[T], limit: u32) -> Option<&T> {
    items.last().filter(|_| items.len() >= usize::try_from(limit).unwrap_or(usize::MAX))
}

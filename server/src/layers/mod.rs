//! What happens to every request around its handler, outermost first: log, security, pages, panic, origin, identity, pace, deadline, body,
//! load, entity tags, free texts, idempotency.

pub(crate) mod body;
pub(crate) mod etag;
pub(crate) mod free_texts;
pub(crate) mod idempotency;
pub(crate) mod identity;
pub(crate) mod load;
pub(crate) mod log;
pub(crate) mod origin;
pub(crate) mod pace;
pub(crate) mod scope;
pub(crate) mod security;

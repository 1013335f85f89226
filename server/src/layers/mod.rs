//! What happens to every request around its handler, outermost first: log, panic, origin, identity, deadline, body, load, free texts,
//! idempotency.

pub(crate) mod body;
pub(crate) mod free_texts;
pub(crate) mod idempotency;
pub(crate) mod identity;
pub(crate) mod load;
pub(crate) mod log;
pub(crate) mod origin;
pub(crate) mod scope;

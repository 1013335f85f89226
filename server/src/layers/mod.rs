//! What happens to every request around its handler, outermost first: log, panic, load, deadline, body, idempotency.

pub(crate) mod body;
pub(crate) mod idempotency;
pub(crate) mod load;
pub(crate) mod log;
pub(crate) mod origin;

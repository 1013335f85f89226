//! Deterministic orchestration, and the contracts of the activities it calls. No rule of the business lives here: those are domain's.

pub mod bulk;
mod calls;
pub mod contracts;
mod driver;
pub mod maintenance;
pub mod messages;
pub mod names;
pub mod order;
pub mod returns;

#[cfg(test)]
mod kept;

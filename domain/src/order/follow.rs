//! An order as its events lead to it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Event, Order, OrderCore};
use crate::{policy::Policy, taken::TakenCommand};

/// What an order begins as: its events, one after the other, lead from here to what it is. Kept beside the first of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beginning {
    pub core: OrderCore,
    pub policy: Policy,
}

/// An order cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfollowed {
    #[error("event {0} of the order is missing: it needs repair")]
    MissingEvent(u64),
    #[error("the order has neither a document nor a beginning: it needs repair")]
    NoBeginning,
}

impl Order {
    /// The order as it is recorded: what is known of it, or else what it began as, after these events, each with its number in the timeline.
    /// What it has absorbed already is passed over. The commands that led to them are known to it by their ids.
    ///
    /// # Errors
    /// When one is missing: whatever came after it may rest on it.
    pub fn follow(
        known: Option<Self>,
        beginning: Option<Beginning>,
        events: impl IntoIterator<Item = (u64, Event, Timestamp)>,
        commands: Vec<TakenCommand>,
    ) -> Result<Self, Unfollowed> {
        let begun = || beginning.map(|Beginning { core, policy }| Self::new(core, policy));
        let mut order = known.or_else(begun).ok_or(Unfollowed::NoBeginning)?;
        for (seq, event, at) in events {
            if seq > order.version + 1 {
                return Err(Unfollowed::MissingEvent(order.version + 1));
            }
            if seq == order.version + 1 {
                order.evolve(&event, at);
            }
        }
        for taken in commands {
            if order.commands.find(&taken.command_id).is_none() {
                order.commands.keep(taken);
            }
        }
        Ok(order)
    }
}

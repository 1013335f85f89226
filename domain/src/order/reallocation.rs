//! Orders that no facility knows of yet, decided again together: what one is asked to exchange, and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Lines;
use crate::ids::{FacilityId, FulfillmentOrderId};

/// Units that leave their fulfillment orders and arrive at facilities: the same units, all of them or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reallocation {
    /// The run that decided it.
    pub pool_id: String,
    pub leaving: BTreeMap<FulfillmentOrderId, Lines>,
    pub arriving: BTreeMap<FacilityId, Lines>,
}

/// What pools have done to an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pooled {
    /// Asked for, and neither made nor dropped: the pending round of sourcing is about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Reallocation>,
    /// How often it was moved.
    pub moves: u32,
    /// The run that moved it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_by: Option<String>,
}

impl Reallocation {
    /// All its units.
    pub fn lines(&self) -> Lines {
        sum(self.leaving.values())
    }

    /// Whether what arrives is what leaves.
    pub(super) fn is_even(&self) -> bool {
        !self.leaving.is_empty() && self.lines() == sum(self.arriving.values())
    }
}

impl Pooled {
    pub(super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Its units were called back. Several fulfillment orders may be, for one move.
    pub(super) fn note_move(&mut self) {
        if let Some(asked) = self.asked.as_ref().filter(|asked| self.moved_by.as_ref() != Some(&asked.pool_id)) {
            (self.moves, self.moved_by) = (self.moves.saturating_add(1), Some(asked.pool_id.clone()));
        }
    }
}

fn sum<'a>(parts: impl Iterator<Item = &'a Lines>) -> Lines {
    let mut all = Lines::new();
    parts.for_each(|part| super::lines::add(&mut all, part));
    all
}

//! Orders that no facility knows of yet, decided again together: what one is asked to exchange, and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FulfillmentOrder, Lines, Order, SourceRequest};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{FacilityId, FulfillmentOrderId},
    placed::DeliveryMethod,
};

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

impl Order {
    /// What is allocated, and no facility knows of yet.
    pub fn unreleased(&self) -> impl Iterator<Item = &FulfillmentOrder> {
        self.fulfillment_orders.iter().filter(|found| found.status == FulfillmentStatus::Open)
    }

    /// Whether its unreleased units may be decided again together with other orders': all of them are sent, nothing is being sourced,
    /// and it was not moved too often.
    pub fn may_be_pooled(&self) -> bool {
        let moves_left = self.pooled.moves < self.policy.pool_moves_max;
        let at_rest = !self.status.is_final() && self.sourcing.answered > 0 && self.sourcing.asked == self.sourcing.answered;
        let is_sent = |group: u16| self.core.groups.get(usize::from(group)).is_some_and(|group| group.method != DeliveryMethod::Pickup);
        let mut unreleased = self.unreleased().peekable();
        moves_left && at_rest && unreleased.peek().is_some() && unreleased.all(|found| is_sent(found.group))
    }

    /// Its unreleased units, as a round of sourcing would look for a place for them.
    pub fn pool_request(&self) -> SourceRequest {
        SourceRequest {
            order_id: self.core.order_id.clone(),
            round: self.sourcing.asked,
            first_number: self.sourcing.first_number,
            lines: sum(self.unreleased().map(|found| &found.lines)),
            rejections: vec![],
            changes: self.change_ids(),
            wanted: BTreeMap::new(),
            reallocation: None,
            joinable: vec![],
            packages_already: 0,
            // What is allocated stays allocated, whatever it costs.
            may_wait_until: self.core.received_at,
            head_start_ms: 0,
        }
    }
}

fn sum<'a>(parts: impl Iterator<Item = &'a Lines>) -> Lines {
    let mut all = Lines::new();
    parts.for_each(|part| super::lines::add(&mut all, part));
    all
}

//! Changes of an order that were asked for together: confirmed at once as a whole, or refused.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CoreGroup, CoreLine, Order};
use crate::{
    address::AddressFlaw,
    ids::{ChangeId, LineId},
};

/// One change, without what names people: that is kept beside the intake, under the change set's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum CoreChange {
    /// More units of a line, for so much together.
    Increase {
        line_id: LineId,
        quantity: u32,
        due_minor: i64,
    },
    /// Fewer units of a line, with their exact shares.
    Decrease {
        line_id: LineId,
        quantity: u32,
    },
    /// Every unit of a line that is not cancelled.
    Remove {
        line_id: LineId,
    },
    Add {
        line: CoreLine,
    },
    /// As many units of a line as the new one has are not ordered any more.
    Substitute {
        line_id: LineId,
        by: CoreLine,
    },
    /// Another address. Which one is kept elsewhere.
    Redirect {
        group: u16,
        /// What looks wrong about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address_flaw: Option<AddressFlaw>,
    },
    /// Another shipping method; its price stays, unless `to` names one.
    Method {
        group: u16,
        to: CoreGroup,
    },
}

/// A change set that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmedChange {
    pub change_id: ChangeId,
    pub reason: String,
    pub at: Timestamp,
    pub changes: Vec<CoreChange>,
    /// What the customer owes for it beyond what was owed before; less than nothing if less.
    pub difference_minor: i64,
    /// Delivery groups whose fulfillment orders were re-issued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reissued_groups: Vec<u16>,
}

impl CoreChange {
    /// The line that it is about, of those that the order has.
    pub fn line_id(&self) -> Option<&LineId> {
        match self {
            Self::Increase { line_id, .. } | Self::Decrease { line_id, .. } => Some(line_id),
            Self::Remove { line_id } | Self::Substitute { line_id, .. } => Some(line_id),
            Self::Add { .. } | Self::Redirect { .. } | Self::Method { .. } => None,
        }
    }

    /// The delivery group that goes elsewhere, or otherwise.
    pub fn group(&self) -> Option<u16> {
        match self {
            Self::Redirect { group, .. } | Self::Method { group, .. } => Some(*group),
            Self::Increase { .. } | Self::Decrease { .. } | Self::Remove { .. } | Self::Add { .. } | Self::Substitute { .. } => None,
        }
    }

    /// It asks for units that were not ordered before.
    pub(super) fn brings_units(&self) -> bool {
        match self {
            Self::Increase { .. } | Self::Add { .. } | Self::Substitute { .. } => true,
            Self::Decrease { .. } | Self::Remove { .. } | Self::Redirect { .. } | Self::Method { .. } => false,
        }
    }

    /// The line that it brings.
    pub fn new_line(&self) -> Option<&CoreLine> {
        match self {
            Self::Add { line } | Self::Substitute { by: line, .. } => Some(line),
            Self::Increase { .. } | Self::Decrease { .. } | Self::Remove { .. } | Self::Redirect { .. } | Self::Method { .. } => None,
        }
    }
}

impl Order {
    /// The change set that was confirmed under this id.
    pub fn change(&self, id: &ChangeId) -> Option<&ConfirmedChange> {
        self.changes.iter().find(|known| known.change_id == *id)
    }

    /// Confirmed change sets, in the order in which they apply.
    pub fn change_ids(&self) -> Vec<ChangeId> {
        self.changes.iter().map(|known| known.change_id.clone()).collect()
    }
}

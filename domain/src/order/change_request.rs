//! Change sets that touch what facilities have accepted: the facilities are asked to let go.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CoreChange, FulfillmentOrder, Order, Wait, deadlines::later, is_false};
use crate::{
    ids::{ChangeId, FulfillmentOrderId},
    machine,
};

machine! {
    /// Where a change set stands.
    states ChangeStatus {
        /// It touches what facilities have accepted: they answer, or the deadline does.
        Requested = "requested",
        /// Made, as a whole.
        Confirmed = "confirmed",
        /// Nothing has changed, and `why` says why not.
        Declined = "declined",
        /// Whoever asked does not want it any more.
        Cancelled = "cancelled",
    }
    /// What moves a change set on.
    actions ChangeAction {
        /// The last facility agrees, or nobody needs to any more.
        Confirm = "confirm",
        Decline = "decline",
        Cancel = "cancel",
    }
    transitions {
        Requested, Confirm => Confirmed;
        Requested, Decline => Declined;
        Requested, Cancel => Cancelled;
    }
}

/// A change set that facilities were asked about, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRequest {
    pub change_id: ChangeId,
    pub reason: String,
    pub changes: Vec<CoreChange>,
    pub status: ChangeStatus,
    /// When it was asked for.
    pub since: Timestamp,
    /// Of whom.
    pub asked: Vec<Asked>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A fulfillment order whose facility must let go of it, or of some of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub fulfillment_order_id: FulfillmentOrderId,
    #[serde(default, skip_serializing_if = "is_false")]
    pub agreed: bool,
}

impl ChangeRequest {
    fn of(&self, found: &FulfillmentOrder) -> Option<&Asked> {
        self.asked.iter().find(|asked| asked.fulfillment_order_id == found.fulfillment_order_id)
    }
}

impl Order {
    /// The change set that waits for facilities: one at a time.
    pub fn open_change(&self) -> Option<&ChangeRequest> {
        self.change_requests.iter().find(|known| known.status == ChangeStatus::Requested)
    }

    /// Until when facilities may answer it.
    pub fn change_due(&self) -> Option<Timestamp> {
        let open = self.open_change()?;
        Some(self.due(Wait::ChangeRequest, open.change_id.as_str(), later(open.since, self.policy.change_request_ms)))
    }

    /// What facilities were asked under this id, if they were.
    pub fn change_request(&self, id: &ChangeId) -> Option<&ChangeRequest> {
        self.change_requests.iter().find(|known| known.change_id == *id)
    }

    /// The change set was asked for under this id, and not refused.
    pub(super) fn knows_change(&self, id: &ChangeId) -> bool {
        self.change(id).is_some() || self.change_request(id).is_some()
    }

    /// Its facility is asked to let go, whatever it has said so far.
    pub fn is_asked(&self, found: &FulfillmentOrder) -> bool {
        self.open_change().is_some_and(|open| open.of(found).is_some())
    }

    /// Its facility lets go of it for the change set that is open.
    pub(super) fn has_agreed(&self, found: &FulfillmentOrder) -> bool {
        self.open_change().and_then(|open| open.of(found)).is_some_and(|asked| asked.agreed)
    }
}

//! What one facility ships of an order, and what is asked of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FacilityRejection, Lines, Parcel, Share, is_false, lines};
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{CancellationId, FacilityId, FulfillmentOrderId, LineId, ParcelId},
    parcel::ParcelStatus,
};

/// What one facility ships of the order by one method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FulfillmentOrder {
    pub fulfillment_order_id: FulfillmentOrderId,
    /// None while Backordered.
    pub facility_id: Option<FacilityId>,
    /// Index into the core's groups: how and where it is delivered.
    #[serde(default)]
    pub group: u16,
    pub status: FulfillmentStatus,
    pub since: Timestamp,
    /// The order's version when it last changed.
    pub version: u64,
    /// Units in it now.
    pub lines: Lines,
    /// Backordered as a whole: nothing of it ships before all of it can.
    #[serde(default, skip_serializing_if = "is_false")]
    pub whole: bool,
    /// Backordered although somebody has stock: not worth a consignment of its own yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_purpose: bool,
    /// Backordered anew: its units have been waiting since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfill_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ship_by: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<Parcel>,
    /// Someone asked to ship it; it ships when every parcel has its label.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ship_requested: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation_request: Option<CancellationRequest>,
    /// The parcel whose units it sends again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<ParcelId>,
    /// Shipped, and not with the carrier yet: what each of its lines was charged for, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charged_minor: Vec<i64>,
    /// Of those: units that cost nothing, since others were charged that they are sent in place of.
    #[serde(default, skip_serializing_if = "Lines::is_empty")]
    pub free_lines: Lines,
    /// Incomplete: where a person wants its units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted_facility_id: Option<FacilityId>,
    /// For a pickup: what the customer shows, hashed under a key that the order does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_code_hash: Option<String>,
    /// Why facilities gave units of it back, the last one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<FacilityRejection>,
}

impl FulfillmentOrder {
    /// All its units.
    pub fn units(&self) -> u64 {
        self.lines.values().map(|q| u64::from(*q)).sum()
    }

    /// Its lines with their units, and which of them were charged for when they left.
    pub(crate) fn charges(&self) -> impl Iterator<Item = (&LineId, u32, Share)> {
        let free = |id: &LineId| self.free_lines.get(id).copied().unwrap_or(0);
        let charged = self.lines.iter().zip(&self.charged_minor);
        charged.map(move |((id, units), minor)| (id, *units, Share { units: units.saturating_sub(free(id)), minor: *minor }))
    }

    /// Its units but those that someone has asked to cancel.
    pub(crate) fn unasked(&self) -> Lines {
        self.cancellation_request.as_ref().map_or_else(|| self.lines.clone(), |request| lines::without(&self.lines, &request.lines))
    }

    /// Shipped, and every parcel reached its customer.
    pub fn is_delivered(&self) -> bool {
        self.status == FulfillmentStatus::Shipped
            && self.parcels.iter().all(|p| matches!(p.status, ParcelStatus::Delivered | ParcelStatus::Voided))
    }

    /// The status people see: Shipped becomes Delivered with its last parcel.
    pub fn shown_status(&self) -> &'static str {
        if self.is_delivered() { "delivered" } else { self.status.name() }
    }
}

/// A cancellation that only the facility can answer, since it has begun its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationRequest {
    /// All that is asked for.
    pub lines: Lines,
    /// By whom: the oldest first.
    pub parts: Vec<CancellationPart>,
    pub since: Timestamp,
}

/// What one cancellation asks of a facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationPart {
    pub cancellation_id: CancellationId,
    pub lines: Lines,
}

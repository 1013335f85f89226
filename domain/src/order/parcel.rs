//! A parcel of an order.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{LabelFinding, Lines, is_false, line_state};
use crate::{
    ids::ParcelId,
    parcel::{ParcelStatus, same_tracking_number},
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    pub parcel_id: ParcelId,
    pub status: ParcelStatus,
    pub since: Timestamp,
    pub lines: Lines,
    pub weight_g: Option<u32>,
    pub carrier: Option<String>,
    pub tracking_number: Option<String>,
    /// Where people follow it, as its carrier says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
    /// The carrier's time of the last event that counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at: Option<Timestamp>,
    /// The carrier's last events that moved it, by id: each counts once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reported: Vec<String>,
    /// Requests for a label so far.
    #[serde(default, skip_serializing_if = "line_state::is_none_of_them")]
    pub label_attempts: u32,
    /// Its label was asked of the carrier, and neither refused nor voided there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub label_at_carrier: bool,
    /// What a person has said of its label, which the carrier was not heard to void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_finding: Option<LabelFinding>,
    /// What was done about its units, once it was lost or sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// No carrier said so; time did.
    #[serde(default, skip_serializing_if = "is_false")]
    pub assumed_delivered: bool,
}

/// What is done about units that did not reach their customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// They are sent again, at no charge.
    Replace,
    /// Their exact share is given back.
    Refund,
}

/// More events than a parcel meets on its way.
const REPORTED_KEPT: usize = 30;

impl Parcel {
    /// Whether the carrier means this one, however the number is written.
    pub(crate) fn has_number(&self, tracking_number: &str) -> bool {
        self.tracking_number.as_deref().is_some_and(|number| same_tracking_number(number, tracking_number))
    }

    /// Somebody said where it was then; the carrier, under the event's id.
    pub(super) fn note_report(&mut self, occurred_at: Timestamp, event_id: Option<&str>) {
        self.reported_at = self.reported_at.max(Some(occurred_at));
        event_id.into_iter().for_each(|id| self.note_event(id));
    }

    /// The carrier's event counts once.
    pub(super) fn note_event(&mut self, event_id: &str) {
        self.reported.push(event_id.to_owned());
        self.reported.drain(..self.reported.len().saturating_sub(REPORTED_KEPT));
    }

    /// On its way, and the carrier never said where.
    pub(crate) fn is_silent(&self) -> bool {
        self.status.is_in_transit() && self.reported_at.is_none()
    }

    /// Lost or sent back, and nothing has been done about it yet.
    pub fn is_unresolved(&self) -> bool {
        matches!(self.status, ParcelStatus::Lost | ParcelStatus::ReturnedToSender) && self.resolution.is_none()
    }
}

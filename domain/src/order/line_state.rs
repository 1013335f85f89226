//! How far the units of a line are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Share;

/// The units of a line that are in no fulfillment order; the others are counted there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineState {
    /// Index into the core's lines.
    pub position: u16,
    pub ordered: u32,
    /// Units sent again.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub replaced: u32,
    /// Not yet sourced.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub open: u32,
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub cancelled: u32,
    /// Units whose share of `due_minor` is spoken for: shipped or cancelled.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub numbered: u32,
    /// Numbered and cancelled: never charged.
    #[serde(default, skip_serializing_if = "Share::is_none")]
    pub gone: Share,
    /// Numbered, shipped and back before the carrier had them: charged again when they ship.
    #[serde(default, skip_serializing_if = "Share::is_none")]
    pub free_again: Share,
    /// Charged and lost: so many units ship again without a charge.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub prepaid: u32,
    /// Charged, and given back unit by unit.
    #[serde(default, skip_serializing_if = "Share::is_none")]
    pub refunded: Share,
    /// What had been given back when something last was for no unit: units that come back later share the rest.
    #[serde(default, skip_serializing_if = "Share::is_none")]
    pub refund_base: Share,
    /// How often a facility gave units of it back.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub given_back: u32,
    /// What the customer owes for the ordered units, with the line's part of shipping and order discounts.
    pub due_minor: i64,
    /// Units numbered when `ordered` last changed, with their worth: it stays, and the rest of `due_minor` is shared by the others.
    #[serde(default, skip_serializing_if = "Share::is_none")]
    pub settled: Share,
    /// Open units of it have been waiting since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
}

pub(super) fn is_none_of_them(units: &u32) -> bool {
    *units == 0
}

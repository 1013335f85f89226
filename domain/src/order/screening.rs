//! The fraud check: asked once of an order that is paid for, before it is approved.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the fraud check says of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Accepted,
    /// The order is rejected.
    Declined,
    /// A person decides: the order is held until they lift the hold, or cancel.
    Referred,
}

/// One order's fraud check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screening {
    pub since: Timestamp,
    /// Open until there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

//! Feed runs as the API shows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::ActorView;

/// What a stock snapshot says of positions that it does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedMode {
    /// They have nothing on hand, at the facilities that the feed names.
    Full,
    /// Nothing: they stay as they are.
    #[default]
    Partial,
}

/// Whether a stock snapshot still counts units that were picked for an order and have not left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PickedUnits {
    /// They are in the counts, though not on the shelf.
    #[default]
    Counted,
    /// They are not: units that were packed or ready for pickup at the time of the count are added to it, for they are on hand until
    /// they ship or are picked up. Units that are still being picked are taken to be on the shelf.
    NotCounted,
}

/// One run of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedView {
    pub feed_id: String,
    /// `facilities`, `products`, `stock`, `receipts` or `orders`.
    #[schema(examples("stock"))]
    pub kind: String,
    /// Where it came from, as its sender says.
    pub source: String,
    /// For stock: the time at which it was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<jiff::Timestamp>,
    pub mode: FeedMode,
    /// For stock: whether units that were picked and have not left are in the counts.
    #[serde(default)]
    pub picked_units: PickedUnits,
    /// `running`, `parked` (it waits for a person), `applying`, `finished`, `rejected` or `failed`.
    #[schema(examples("finished"))]
    pub status: String,
    /// What a person can do with it now.
    #[serde(default)]
    pub legal_actions: Vec<String>,
    /// How many rows its sender said there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_rows: Option<u64>,
    pub rows_read: u64,
    /// For stock: rows that were read and are not applied, not yet or never.
    #[serde(default)]
    pub waiting: u64,
    pub accepted: u64,
    /// Rows that said what was known already.
    pub unchanged: u64,
    pub rejected: u64,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: jiff::Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<jiff::Timestamp>,
    /// Why the feed could not be read to its end. Rows before that were applied; of stock, nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Why a stock snapshot was parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<ParkedView>,
    /// Who sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<ActorView>,
    /// Who let it through, or did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<ActorView>,
}

/// A stock snapshot that would change too much at some facility: nothing of it is applied before a person approves it. Counted are
/// positions, of such facilities, that hold something or were counted before; a first count is no change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParkedView {
    #[schema(value_type = String, format = DateTime)]
    pub parked_at: jiff::Timestamp,
    /// It is rejected then, unless somebody has decided.
    #[schema(value_type = String, format = DateTime)]
    pub decide_by: jiff::Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<jiff::Timestamp>,
    pub positions: u64,
    /// On hand at those positions when it was parked, and what it would have made of that.
    pub units_before: u64,
    pub units_after: u64,
    /// The differences of all positions added up, whatever their sign.
    pub units_changed: u64,
    /// Of the units before; rounded up.
    pub changed_percent: u64,
    pub limit_percent: u32,
    /// The facilities that it would change too much, the largest share first; 20 at most.
    #[serde(default)]
    pub facilities: Vec<FacilityChangeView>,
    /// The largest differences.
    pub largest: Vec<PositionChangeView>,
}

/// What a snapshot would do to a facility's units on hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacilityChangeView {
    pub facility_id: String,
    pub positions: u64,
    pub units_before: u64,
    pub units_after: u64,
    pub units_changed: u64,
    /// Of the units before; rounded up.
    pub changed_percent: u64,
}

/// What a snapshot would do to a position's units on hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PositionChangeView {
    pub facility_id: String,
    pub sku: String,
    pub before: i64,
    pub after: i64,
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectView {
    /// Counted from 1; in a CSV file after the header, in JSON lines the number of the line.
    pub row_number: u64,
    /// A code of the error table, a colon, and words.
    #[schema(examples("unknown_sku: there is no product 99999"))]
    pub reason: String,
}

//! Feed runs as the API shows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// `running`, `finished` or `failed`.
    #[schema(examples("finished"))]
    pub status: String,
    pub rows_read: u64,
    pub accepted: u64,
    /// Rows that said what was known already.
    pub unchanged: u64,
    pub rejected: u64,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: jiff::Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<jiff::Timestamp>,
    /// Why the feed could not be read to its end. Rows before that were applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
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

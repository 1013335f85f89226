//! Feeds: files of facilities, products, stock, receipts and orders, as CSV or JSON lines, gzip or not. Read row by row, in bounded
//! memory; a row that cannot be read is a row with a reason, and the next one is read all the same.

mod csv;
mod json_lines;
mod rows;
mod view;

pub use rows::{FeedRecord, OpenError, Row, Rows};
pub use view::{FacilityChangeView, FeedMode, FeedView, ParkedView, PickedUnits, PositionChangeView, RejectView};

/// Longest row of a CSV file, in bytes. An unclosed quote would otherwise swallow the rest of the file.
pub const CSV_ROW_MAX_BYTES: usize = 64 * 1024;
/// Longest line of a JSON lines file, in bytes: the largest order fits, as it fits into a request.
pub const JSON_LINE_MAX_BYTES: usize = 5 * 1024 * 1024;

#[cfg(test)]
mod tests;

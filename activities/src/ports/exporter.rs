//! Where rows for analysts' own stores are written to.

use futures::future::BoxFuture;
use jiff::civil::Date;

use super::PortError;

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportedTables {
    /// That were looked at.
    pub tables: u32,
    pub days_written: u32,
    pub rows_written: u64,
}

/// Writes days (UTC) out, as far as they are new or have changed since they were written.
pub trait Exporter: Send + Sync + 'static {
    /// From the first to the last day. Cut off in the middle it goes on there the next time.
    fn export(&self, first: Date, last: Date) -> BoxFuture<'_, Result<ExportedTables, PortError>>;
}

//! What the schedule writes out: every table.

use futures::{FutureExt, future::BoxFuture};
use jiff::civil::Date;
use oms_activities::ports::{ExportedTables, Exporter, PortError};
use oms_store::{EXPORT_TABLES, Store};

use super::{Place, export};

/// Tables of a database, and the place that they are written to.
pub struct Exports {
    store: Store,
    place: Place,
}

impl Exports {
    pub fn new(store: Store, place: Place) -> Self {
        Self { store, place }
    }
}

impl Exporter for Exports {
    fn export(&self, first: Date, last: Date) -> BoxFuture<'_, Result<ExportedTables, PortError>> {
        let all = async move {
            let mut done = ExportedTables::default();
            for table in EXPORT_TABLES {
                let written = export(&self.store, table, (first, last), &self.place).await;
                let written = written.map_err(|error| PortError::Unreachable(format!("table {}: {error:#}", table.name)))?;
                done.tables += 1;
                done.days_written += u32::try_from(written.days_written).unwrap_or(u32::MAX);
                done.rows_written += written.rows_written;
            }
            Ok(done)
        };
        all.boxed()
    }
}

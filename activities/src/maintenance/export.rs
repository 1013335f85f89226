//! Tables written out for analysts, where the configuration says where to.

use std::{pin::pin, time::Duration};

use oms_domain::error::ErrorCode;
use oms_workflows::maintenance::contracts::{ExportDays, ExportReport};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::{MissedTickBehavior, interval};

use super::MaintenanceActivities;
use crate::failure::{failure, port_failure};

const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

impl MaintenanceActivities {
    /// What is new or has changed. Nothing, where nobody has said where to.
    pub(super) async fn write_out(&self, ctx: &ActivityContext, days: &ExportDays) -> Result<ExportReport, ActivityError> {
        let Some(exporter) = &self.exporter else { return Ok(ExportReport::default()) };
        let mut writing = pin!(exporter.export(days.first, days.last));
        let (mut beats, mut beat) = (0_u32, interval(HEARTBEAT_EVERY));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                written = &mut writing => {
                    let done = written.map_err(|error| port_failure(&error, ctx.info().attempt))?;
                    return Ok(ExportReport { tables: done.tables, days_written: done.days_written, rows_written: done.rows_written });
                }
                // This worker is being dismissed: another one goes on where it was.
                () = ctx.cancelled() => return Err(failure(ErrorCode::Unavailable, "the worker stops")),
                _ = beat.tick() => {
                    beats += 1;
                    let beaten = ctx.record_heartbeat(beats).await;
                    beaten.map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
                }
            }
        }
    }
}

//! `oms export`: rows for an analysts' own store, as Parquet files by table and day that Redshift Spectrum, Athena, Snowflake and DuckDB read as they are.
//!
//! A day is a folder with one file and a manifest, which is written last: what has no manifest, or one of another digest, is written again. So an export
//! that was cut off goes on where it was, and what came late to a day makes that day anew and no other.

mod bucket;
mod day;
mod file;
mod place;
mod scheduled;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use clap::Args;
use jiff::civil::Date;
use oms_domain::error::ErrorCode;
use oms_store::{EXPORT_TABLES, ExportTable, ExportedDay, Store};
use serde::Serialize;
use serde_json::{Value, json};

use self::{day::Day, file::TableFile};
pub use self::{place::Place, scheduled::Exports};
use crate::{
    config::{ConfigFile, DatabaseLayer},
    exit::Coded,
    output::{self, Format, counted},
    runtime::open_store,
};

/// In place of a table: each of them.
const ALL: &str = "all";
/// Rows in memory at a time; each page is a row group.
const PAGE_ROWS: u32 = 10_000;

/// `oms export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// orders, order_lines, fulfillments, parcels, payments, refunds, returns, stock_movements, allocation_decisions, events; or all.
    table: String,
    /// The first day (UTC), by when rows occurred.
    #[arg(long, value_name = "DAY")]
    from: Date,
    /// The last day.
    #[arg(long = "to", value_name = "DAY")]
    until: Date,
    /// Folder in which each table has a folder of its own, or s3://bucket/prefix, with credentials and region from the AWS environment.
    to: String,
    /// Where S3 is, if it is not AWS's.
    #[arg(long, env = "AWS_ENDPOINT_URL_S3", value_name = "URL")]
    s3_endpoint: Option<String>,
    #[command(flatten)]
    database: DatabaseLayer,
}

/// What was done about a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    pub table: &'static str,
    /// New, or changed since they were written.
    pub days_written: usize,
    /// As they were written before.
    pub days_kept: usize,
    pub rows_written: u64,
}

impl ExportArgs {
    /// Does it. May be run again, also after it was cut off.
    ///
    /// # Errors
    /// When the table or the days are none, the database does not answer, or the place cannot be written to.
    pub async fn run(self, file: ConfigFile, format: Format) -> Result<()> {
        if self.until < self.from {
            return Err(Coded::new(ErrorCode::ValidationFailed, "--to is before --from").into());
        }
        let tables = tables(&self.table)?;
        let place = Place::open(&self.to, self.s3_endpoint.as_deref()).await?;
        let store = open_store(&self.database.over(file.database).settings()?).await?;
        let mut done = Vec::new();
        for table in tables {
            done.push(export(&store, table, (self.from, self.until), &place).await.with_context(|| format!("table {}", table.name))?);
        }
        store.close().await;
        output::show::<Value>(format, &json!(done), |_| done.iter().map(worded).collect::<Vec<_>>().join("\n"))
    }
}

fn tables(name: &str) -> Result<Vec<&'static ExportTable>> {
    let named: Vec<_> = EXPORT_TABLES.iter().filter(|table| name == ALL || table.name == name).collect();
    if named.is_empty() {
        let known: Vec<&str> = EXPORT_TABLES.iter().map(|table| table.name).collect();
        return Err(Coded::new(ErrorCode::ValidationFailed, format!("there is no table {name}: it is {ALL}, {}", known.join(", "))).into());
    }
    Ok(named)
}

fn worded(done: &Exported) -> String {
    let Exported { table, days_written, days_kept, rows_written } = done;
    format!("{table}: {} in {} written, {days_kept} as they were", counted(*rows_written, "row"), counted(*days_written as u64, "day"))
}

/// Writes the days of a table that are new or have changed.
///
/// # Errors
/// When the database does not answer, or the place cannot be written to.
pub async fn export(store: &Store, table: &'static ExportTable, (first, last): (Date, Date), place: &Place) -> Result<Exported> {
    // First the place in the events, then the rows: what comes in between is in the rows, and is written again if it is told once more.
    let position = store.insights_position().await?;
    let days: BTreeMap<Date, ExportedDay> = store.export_days(table, first, last).await?;
    let mut done = Exported { table: table.name, days_written: 0, days_kept: 0, rows_written: 0 };
    for date in first.series(jiff::Span::new().days(1)).take_while(|date| *date <= last) {
        let day = Day::of(table, date);
        let now = days.get(&date).cloned().unwrap_or_default();
        match day.manifest(place).await? {
            None if now.rows == 0 => {}
            Some(kept) if kept.is_of(&now) => done.days_kept += 1,
            _ => {
                let file = rows(store, table, &day, day.begin(place, table)?).await?;
                done.rows_written += day.end(place, table, file, &now, &position).await?;
                done.days_written += 1;
            }
        }
    }
    Ok(done)
}

/// Rows that come while the day is written are in its file or not; the next export finds another digest then. Pages are compressed where that keeps
/// nobody waiting.
async fn rows(store: &Store, table: &'static ExportTable, day: &Day, mut file: TableFile) -> Result<TableFile> {
    let mut after: Option<String> = None;
    loop {
        let page = store.export_rows(table, day.date, after.as_deref(), PAGE_ROWS).await?;
        let is_last = page.len() < PAGE_ROWS as usize;
        after = page.last().and_then(|row| row.get("key")?.as_str().map(str::to_owned));
        file = tokio::task::spawn_blocking(move || file.add(&page).map(|()| file)).await??;
        if is_last {
            return Ok(file);
        }
        if after.is_none() {
            bail!("a row has no key");
        }
    }
}

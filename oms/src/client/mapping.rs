//! `oms mapping`: tables of columns for foreign files, tried before they are used.

use std::{
    fs::File,
    io::Cursor,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Subcommand;
use oms_api::{
    facility::FacilityBody,
    feed::{FeedRecord, Rows},
    mapping::{MappedKind, MappedRow, Mapping},
    product::ProductBody,
    stock::{ReceiptRow, StockRow},
};
use oms_domain::error::ErrorCode;
use serde_json::{Value, json};

use super::words::not_readable;
use crate::{
    exit::Coded,
    output::{self, Format, table},
};

/// Rows of the sample that are shown, and mistakes.
const SHOWN_MAX: usize = 20;

/// What can be done with mappings.
#[derive(Debug, Subcommand)]
pub enum MappingCommand {
    /// Show what comes out of a sample file, and which field of which row is wrong. Nothing is sent anywhere.
    ///
    /// Exits with 2 when a row would be refused.
    #[command(after_help = "Example:\n  oms mapping test docs/mappings/erp-stock.toml --sample docs/mappings/erp-stock.csv")]
    Test {
        /// The table of columns, as TOML (docs/mappings/).
        file: PathBuf,
        /// A file, or some lines of one, as the other system writes it.
        #[arg(long, value_name = "FILE")]
        sample: PathBuf,
    },
}

/// Reads a table of columns.
///
/// # Errors
/// When it cannot be read, or is none.
pub fn read(path: &Path) -> Result<Mapping> {
    let text = std::fs::read_to_string(path).map_err(|error| not_readable(path, &error))?;
    Mapping::parse(&text).map_err(|why| {
        Coded::new(ErrorCode::ValidationFailed, format!("{}: {why}", path.display())).hint("docs/mappings/ has tables that work").into()
    })
}

impl MappingCommand {
    /// Does it.
    pub fn run(self, format: Format) -> Result<()> {
        match self {
            Self::Test { file, sample } => test(format, &read(&file)?, &sample),
        }
    }
}

fn test(format: Format, mapping: &Mapping, sample: &Path) -> Result<()> {
    let open = || File::open(sample).map_err(|error| not_readable(sample, &error));
    let rows: Vec<MappedRow> = mapping.rows(open()?)?.collect::<Result<_, _>>()?;
    let mistakes = mistakes(mapping, open()?, &rows)?;
    let columns: Vec<&str> = mapping.columns().collect();
    let shown = json!({
        "kind": mapping.kind().name(),
        "rows": rows.len(),
        "columns": columns,
        "first_rows": rows.iter().take(SHOWN_MAX).map(|row| &row.cells).collect::<Vec<_>>(),
        "wrong": mistakes.iter().map(|(row, why)| json!({"row_number": row, "why": why})).collect::<Vec<_>>(),
    });
    output::show::<Value>(format, &shown, |_| text(&columns, &rows, &mistakes))?;
    if mistakes.is_empty() {
        return Ok(());
    }
    let message = format!("{} of {} rows would be refused", distinct_rows(&mistakes), rows.len());
    Err(Coded::new(ErrorCode::ValidationFailed, message).hint("correct the table, or the file").into())
}

/// What the table cannot read, and what the feed would refuse of the rest.
fn mistakes(mapping: &Mapping, sample: File, rows: &[MappedRow]) -> Result<Vec<(u64, String)>> {
    let mut found: Vec<(u64, String)> = rows.iter().flat_map(|row| row.wrong.iter().map(|wrong| (row.number, wrong.to_string()))).collect();
    let known: std::collections::BTreeSet<u64> = found.iter().map(|(row, _)| *row).collect();
    let mut mapped = Vec::new();
    mapping.transform(sample, &mut mapped)?;
    let refused = match mapping.kind() {
        MappedKind::Facilities => refused::<FacilityBody>(mapped),
        MappedKind::Products => refused::<ProductBody>(mapped),
        MappedKind::Stock => refused::<StockRow>(mapped),
        MappedKind::Receipts => refused::<ReceiptRow>(mapped),
    }?;
    found.extend(refused.into_iter().filter(|(row, _)| !known.contains(row)));
    found.sort_by_key(|(row, _)| *row);
    Ok(found)
}

fn refused<T: FeedRecord>(mapped: Vec<u8>) -> Result<Vec<(u64, String)>> {
    let mut refused = Vec::new();
    for row in Rows::<T>::open(Cursor::new(mapped)).context("what comes out")? {
        let row = row?;
        refused.extend(row.content.err().map(|why| (row.number, why)));
    }
    Ok(refused)
}

fn distinct_rows(mistakes: &[(u64, String)]) -> usize {
    mistakes.iter().map(|(row, _)| row).collect::<std::collections::BTreeSet<_>>().len()
}

fn text(columns: &[&str], rows: &[MappedRow], mistakes: &[(u64, String)]) -> String {
    let lines = rows.iter().take(SHOWN_MAX).map(|row| row.cells.join("\t"));
    let mut text = [columns.join("\t")].into_iter().chain(lines).collect::<Vec<_>>().join("\n");
    if rows.len() > SHOWN_MAX {
        text.push_str(&format!("\n... and {} rows more", rows.len() - SHOWN_MAX));
    }
    if !mistakes.is_empty() {
        let wrong = mistakes.iter().take(SHOWN_MAX).map(|(row, why)| [row.to_string(), why.clone()]);
        text.push_str(&format!("\n\n{}", table(["ROW", "WHY"], wrong)));
    }
    text
}

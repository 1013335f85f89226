//! A table's day: `table=orders/dt=2026-11-28/part-0.parquet`, with a manifest beside it that is put there last.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use anyhow::Result;
use jiff::civil::Date;
use oms_store::{ExportTable, ExportedDay};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{file::TableFile, place::Place};

/// Goes up when columns come, go or change.
const SCHEMA_VERSION: u32 = 1;
const PART: &str = "part-0.parquet";
const MANIFEST: &str = "_manifest.json";

/// Where a table's day is.
pub struct Day {
    pub date: Date,
    folder: String,
}

/// What stands in a day's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub table: String,
    pub dt: Date,
    pub schema_version: u32,
    pub file: String,
    pub rows: u64,
    pub bytes: u64,
    pub sha256: String,
    /// Of each column of whole numbers.
    pub sums: BTreeMap<String, String>,
    /// Of the rows as the database has them: the same as long as they are.
    pub digest: String,
    /// The events up to there were counted: what comes after it makes another day of it.
    pub position: String,
}

/// A file that was written aside.
pub struct Written {
    pub path: PathBuf,
    pub bytes: u64,
    pub sha256: String,
}

impl Manifest {
    /// Nothing has come to the day since.
    pub fn is_of(&self, now: &ExportedDay) -> bool {
        self.schema_version == SCHEMA_VERSION && self.digest == now.digest && self.rows == now.rows
    }
}

impl Day {
    pub fn of(table: &ExportTable, date: Date) -> Self {
        Self { date, folder: format!("table={}/dt={date}", table.name) }
    }

    fn name(&self, file: &str) -> String {
        format!("{}/{file}", self.folder)
    }

    /// None: the day was not written to its end.
    pub async fn manifest(&self, place: &Place) -> Result<Option<Manifest>> {
        let text = place.read(&self.name(MANIFEST)).await?;
        Ok(text.and_then(|text| serde_json::from_slice(&text).ok()))
    }

    pub fn begin(&self, place: &Place, table: &'static ExportTable) -> Result<TableFile> {
        TableFile::begin(place.aside(&self.name(PART))?, table)
    }

    /// Puts the file in its place, and then says so; answers its rows.
    pub async fn end(&self, place: &Place, table: &ExportTable, file: TableFile, now: &ExportedDay, position: &str) -> Result<u64> {
        let (rows, sums, path) = (file.rows, file.sums.clone(), file.path.clone());
        let written = tokio::task::spawn_blocking(move || {
            file.end()?;
            Written::of(path)
        });
        let written = written.await??;
        let manifest = Manifest {
            table: table.name.to_owned(),
            dt: self.date,
            schema_version: SCHEMA_VERSION,
            file: PART.to_owned(),
            rows,
            bytes: written.bytes,
            sha256: written.sha256.clone(),
            sums: sums.into_iter().map(|(name, sum)| (name.to_owned(), sum.to_string())).collect(),
            digest: now.digest.clone(),
            position: position.to_owned(),
        };
        place.put(&self.name(PART), written).await?;
        let aside = place.aside(&self.name(MANIFEST))?;
        fs::write(&aside, serde_json::to_vec_pretty(&manifest)?)?;
        place.put(&self.name(MANIFEST), Written::of(aside)?).await?;
        Ok(rows)
    }
}

impl Written {
    /// How many bytes a file has, and their SHA-256.
    fn of(path: PathBuf) -> Result<Self> {
        let (bytes, sha256) = digested(&path)?;
        Ok(Self { path, bytes, sha256 })
    }
}

fn digested(path: &Path) -> Result<(u64, String)> {
    let (mut file, mut digest, mut bytes, mut some) = (fs::File::open(path)?, Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut some)?;
        if read == 0 {
            return Ok((bytes, hex(&digest.finalize())));
        }
        digest.update(&some[..read]);
        bytes += read as u64;
    }
}

/// The SHA-256 of nothing, as what asks for an object is signed.
pub fn of_nothing() -> String {
    hex(&Sha256::digest([]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

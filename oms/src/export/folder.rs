//! The folder of a table's day: `table=orders/dt=2026-11-28/part-0.parquet`, with a manifest beside it. Both are written aside and renamed.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use jiff::civil::Date;
use oms_store::{ExportTable, ExportedDay};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::file::TableFile;

/// Goes up when columns come, go or change.
const SCHEMA_VERSION: u32 = 1;
const PART: &str = "part-0.parquet";
const MANIFEST: &str = "_manifest.json";

/// Where a table's day is.
pub struct Day {
    pub date: Date,
    folder: PathBuf,
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
}

impl Manifest {
    /// Nothing has come to the day since.
    pub fn is_of(&self, now: &ExportedDay) -> bool {
        self.schema_version == SCHEMA_VERSION && self.digest == now.digest && self.rows == now.rows
    }
}

impl Day {
    pub fn of(root: &Path, table: &ExportTable, date: Date) -> Self {
        Self { date, folder: root.join(format!("table={}", table.name)).join(format!("dt={date}")) }
    }

    /// None: the day was not written to its end.
    pub fn manifest(&self) -> Result<Option<Manifest>> {
        let path = self.folder.join(MANIFEST);
        match fs::read(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    pub fn begin(&self, table: &'static ExportTable) -> Result<TableFile> {
        fs::create_dir_all(&self.folder).with_context(|| format!("{} cannot be made", self.folder.display()))?;
        TableFile::begin(self.aside(PART), table)
    }

    /// Puts the file in its place, and then says so; answers its rows.
    pub fn end(&self, table: &ExportTable, file: TableFile, now: &ExportedDay) -> Result<u64> {
        let (rows, sums, aside) = (file.rows, file.sums.clone(), file.path.clone());
        file.end()?;
        let (bytes, sha256) = digested(&aside)?;
        fs::rename(&aside, self.folder.join(PART))?;
        let manifest = Manifest {
            table: table.name.to_owned(),
            dt: self.date,
            schema_version: SCHEMA_VERSION,
            file: PART.to_owned(),
            rows,
            bytes,
            sha256,
            sums: sums.into_iter().map(|(name, sum)| (name.to_owned(), sum.to_string())).collect(),
            digest: now.digest.clone(),
        };
        let aside = self.aside(MANIFEST);
        fs::write(&aside, serde_json::to_vec_pretty(&manifest)?)?;
        fs::rename(aside, self.folder.join(MANIFEST))?;
        Ok(rows)
    }

    /// Names that begin with a dot are passed over by those who read the layout.
    fn aside(&self, name: &str) -> PathBuf {
        self.folder.join(format!(".{name}.part"))
    }
}

/// How many bytes a file has, and their SHA-256.
fn digested(path: &Path) -> Result<(u64, String)> {
    let (mut file, mut digest, mut bytes, mut some) = (fs::File::open(path)?, Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut some)?;
        if read == 0 {
            let text = digest.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            return Ok((bytes, text));
        }
        digest.update(&some[..read]);
        bytes += read as u64;
    }
}

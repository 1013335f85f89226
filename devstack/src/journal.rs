//! The memory of a simulator: an append-only file of JSON lines, read back on start.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result, io};
use crate::home::Home;

/// An open journal; without a file when the home is ephemeral.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Option<(PathBuf, File)>,
    _home: Arc<Home>,
}

impl Journal {
    /// Opens a simulator's journal and returns what it holds.
    ///
    /// # Errors
    /// When it cannot be read, or a line that was written whole is not an entry.
    pub(crate) fn open<E: DeserializeOwned>(home: &Arc<Home>, simulator: &str) -> Result<(Self, Vec<E>)> {
        let mut journal = Self { file: None, _home: home.clone() };
        if !home.is_kept() {
            return Ok((journal, Vec::new()));
        }
        let path = home.folder("simulators")?.join(format!("{simulator}.jsonl"));
        let what = || format!("open {}", path.display());
        let file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(&path).map_err(io(what))?;
        let text = std::fs::read_to_string(&path).map_err(io(what))?;
        // A process killed while it wrote leaves half a line, whose entry nobody was told of.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(io(what))?;
        let entries = text[..whole].lines().map(serde_json::from_str);
        let entries = entries.collect::<Result<_, _>>().map_err(|error| Error::failed(what(), error))?;
        journal.file = Some((path, file));
        Ok((journal, entries))
    }

    /// Adds an entry, before anybody is told of what it says.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn append(&mut self, entry: &impl Serialize) -> Result<()> {
        let Some((path, file)) = &mut self.file else {
            return Ok(());
        };
        let what = || format!("write to {}", path.display());
        let mut line = serde_json::to_vec(entry).map_err(|error| Error::failed(what(), error))?;
        line.push(b'\n');
        file.write_all(&line).map_err(io(what))
    }
}

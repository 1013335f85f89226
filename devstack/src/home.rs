//! The folder a stack keeps its state in.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::account::{private_folder, reachable};
use crate::error::{Result, io};
use crate::process::open_locked;

/// Ephemeral homes are named so that leftovers of killed processes are recognized.
const EPHEMERAL_PREFIX: &str = "oms-ephemeral-";
const LOCK: &str = "in-use.lock";
/// A younger lock file may just be about to be locked, or its owner's servers about to stop.
const SETTLED: Duration = Duration::from_secs(60);

/// Whether state outlives the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataDir {
    /// A folder of its own under the temp folder, removed when the stack is dropped.
    Ephemeral,
    /// This folder, made when it does not exist. One stack at a time.
    Kept(PathBuf),
}

/// An opened data folder, shared by the parts that live in it, and locked against any other process.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    kept: bool,
    _lock: File,
}

impl Home {
    /// Opens the folder, waiting some seconds for a previous stack that is still stopping.
    ///
    /// # Errors
    /// [`Error::InUse`](crate::Error::InUse) when another stack runs on it; [`Error::Io`](crate::Error::Io) when it
    /// cannot be made.
    pub async fn open(data: &DataDir) -> Result<Arc<Self>> {
        let (path, kept) = match data {
            DataDir::Kept(path) => (path.clone(), true),
            DataDir::Ephemeral => {
                let name = format!("{EPHEMERAL_PREFIX}{}", uuid::Uuid::new_v4().simple());
                let path = reachable(std::env::temp_dir().join(name), Path::new("/var/lib"))?;
                let temp = path.parent().map(Path::to_owned);
                // Beside the start: what a killed process has left may be gigabytes.
                tokio::task::spawn_blocking(move || temp.as_deref().into_iter().for_each(remove_abandoned));
                (path, false)
            }
        };
        let what = || format!("create the data folder {}", path.display());
        // Others may pass through, for PostgreSQL's account, but not look: each part's folder is its owner's alone.
        let made = DirBuilder::new().recursive(true).mode(0o711).create(&path);
        made.map_err(io(what))?;
        let path = path.canonicalize().map_err(io(what))?;
        let lock = open_locked(&path.join(LOCK)).await?;
        Ok(Arc::new(Self { path, kept, _lock: lock }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the state is wanted again: ephemeral parts trade durability for speed.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// A part's own folder in it.
    pub(crate) fn folder(&self, part: &str) -> Result<PathBuf> {
        let path = self.path.join(part);
        private_folder(&path, None)?;
        Ok(path)
    }
}

/// Parts hold their home, so this runs when the last of them has stopped.
impl Drop for Home {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "could not remove the ephemeral data");
        }
    }
}

/// Removes the ephemeral homes of processes that were killed: their lock is free, while that of a living one is held.
fn remove_abandoned(temp: &Path) {
    let Ok(entries) = std::fs::read_dir(temp) else {
        return;
    };
    for entry in entries.flatten() {
        let named_so = entry.file_name().to_string_lossy().starts_with(EPHEMERAL_PREFIX);
        if named_so && is_abandoned(&entry.path()) {
            // Another process may be removing it too, and another user's cannot be removed: neither is our trouble.
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}

fn is_abandoned(home: &Path) -> bool {
    let Ok(lock) = File::open(home.join(LOCK)) else {
        return false;
    };
    let age = lock.metadata().and_then(|metadata| metadata.modified()).map(|made| made.elapsed().unwrap_or_default());
    age.is_ok_and(|age| age > SETTLED) && lock.try_lock().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ephemeral(temp: &Path, name: &str, age: Duration) -> File {
        let home = temp.join(format!("{EPHEMERAL_PREFIX}{name}"));
        std::fs::create_dir(&home).expect("a folder");
        let lock = File::create(home.join(LOCK)).expect("a file");
        lock.set_modified(std::time::SystemTime::now() - age).expect("a time");
        lock
    }

    #[test]
    fn homes_of_killed_processes_are_removed_and_no_others() {
        let temp = tempfile::tempdir().expect("a folder");
        drop(ephemeral(temp.path(), "killed", SETTLED * 2));
        drop(ephemeral(temp.path(), "young", Duration::ZERO));
        let living = ephemeral(temp.path(), "living", SETTLED * 2);
        living.lock().expect("a lock");
        std::fs::create_dir(temp.path().join("somebody-elses")).expect("a folder");
        remove_abandoned(temp.path());
        let left = std::fs::read_dir(temp.path()).expect("a folder").flatten();
        let mut left: Vec<_> = left.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        left.sort();
        assert_eq!(left, ["oms-ephemeral-living", "oms-ephemeral-young", "somebody-elses"]);
    }
}

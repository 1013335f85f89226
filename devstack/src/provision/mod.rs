//! Tools that the stack needs and the machine may lack, installed once into a cache folder.

mod dynamodb_local;
mod postgres;
mod temporal;

pub(crate) use temporal::{ServerPrograms, TemporalPrograms};

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::error::{Error, Result, io};
use crate::process::last_lines;
use crate::progress::Progress;

/// How often it is looked whether a program that was just written can be run.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// A cache folder, and where its filling is shown.
#[derive(Debug, Clone)]
pub struct Tools {
    cache: PathBuf,
    progress: Progress,
}

impl Tools {
    /// Tools cached in the folder (`$OMS_CACHE_DIR`, or `oms` in the user's XDG cache folder), which is made on first
    /// use and may be shared by any number of processes.
    pub fn new(cache: impl Into<PathBuf>, progress: Progress) -> Self {
        Self { cache: cache.into(), progress }
    }

    /// Where progress is shown.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Waits for its turn to install a tool: of several processes one does the work and the others find it done. The
    /// turn ends when the file is dropped, or with the process.
    async fn turn(&self, tool: &str) -> Result<File> {
        let path = self.cache.join(format!("{tool}.lock"));
        let what = || format!("lock {}", path.display());
        std::fs::create_dir_all(&self.cache).map_err(io(what))?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(io(what))?;
        let mut waiting = None;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {
                    waiting.get_or_insert_with(|| {
                        let what = format!("Waiting for another process that installs {tool}");
                        self.progress.step(what)
                    });
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(TryLockError::Error(error)) => return Err(io(what)(error)),
            }
        }
    }

    /// An empty folder in the cache to install into, on the same file system as its final place. What a killed process
    /// left there is removed.
    fn workshop(&self, tool: &str) -> Result<PathBuf> {
        let path = self.cache.join(format!("{tool}.installing"));
        let what = || format!("create {}", path.display());
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(io(what))?;
        }
        std::fs::create_dir_all(&path).map_err(io(what))?;
        Ok(path)
    }
}

/// Whether the program starts and knows its version.
async fn runs(program: impl AsRef<OsStr>, version_flag: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(version_flag);
    run(&mut command, Duration::from_secs(20)).await.is_ok()
}

/// Runs a program to its end and returns its standard output.
///
/// # Errors
/// [`Error::Failed`] with its last lines, or with the deadline it missed; it is killed then.
pub(crate) async fn run(command: &mut Command, deadline: Duration) -> Result<String> {
    let program = command.as_std().get_program();
    let what = program.to_string_lossy().into_owned();
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(deadline, output_once_closed(command)).await {
        Err(_) => {
            let why = format!("not done after {} s", deadline.as_secs());
            return Err(Error::failed(what, why));
        }
        Ok(output) => output.map_err(|error| Error::failed(what.clone(), error))?,
    };
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let lines = format!("{printed}{}", String::from_utf8_lossy(&output.stderr));
    let why = format!("{}\n{}", output.status, last_lines(&lines));
    Err(Error::failed(what, why))
}

/// Runs it. A program that was just written may still be open for writing in a child that another thread is about to start: its
/// exec will close it.
async fn output_once_closed(command: &mut Command) -> std::io::Result<Output> {
    loop {
        match command.output().await {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => tokio::time::sleep(BUSY_PAUSE).await,
            output => return output,
        }
    }
}

/// Moves what was installed to its final place, in one step: what is there is whole.
fn put(installed: &Path, place: &Path) -> Result<()> {
    std::fs::rename(installed, place).map_err(io(|| format!("move {} to {}", installed.display(), place.display())))
}

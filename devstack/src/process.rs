//! A server in a process of its own that cannot outlive its owner.
//!
//! A small shell watchdog stands between: it stops the server when its standard input closes. So stopping, dropping and
//! dying are one mechanism, which needs no `unsafe` and works from any thread. The server holds the lock of its log
//! file, so whoever starts on the same data next waits until the last one is really gone.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::account::Account;
use crate::error::{Error, Result, io};

/// How long a server may take to stop before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// How long to wait for the previous owner of a lock: its server may be within its grace.
const LOCK_DEADLINE: Duration = Duration::from_secs(15);
/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);
/// How much of a log an error quotes.
const TAIL_LINES: usize = 15;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    name: &'static str,
    watchdog: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` under a watchdog, in a process group of its own (a terminal's Ctrl-C does not reach it), as
    /// `account` when one is given, with its output in `log`, which is begun anew.
    ///
    /// # Errors
    /// [`Error::InUse`] while another process writes the log, [`Error::Io`] when the process cannot be started.
    pub(crate) async fn spawn(
        name: &'static str,
        command: &Command,
        stop_signal: Signal,
        account: Option<Account>,
        log: PathBuf,
    ) -> Result<Self> {
        let output = open_locked(&log).await?;
        let start = io(|| format!("start {name}"));
        let errors = match output.try_clone() {
            Ok(errors) => errors,
            Err(error) => return Err(start(error)),
        };
        let mut watchdog = under_watchdog(command, stop_signal);
        watchdog.stdin(Stdio::piped()).stdout(output).stderr(errors).process_group(0);
        if let Some(account) = account {
            watchdog.uid(account.uid).gid(account.gid);
        }
        let watchdog = watchdog.spawn().map_err(start)?;
        Ok(Self { name, watchdog, log })
    }

    /// Waits until `ready` succeeds.
    ///
    /// # Errors
    /// [`Error::NotStarted`] with the last log lines when the server ends first or the deadline passes.
    pub(crate) async fn wait_until_ready(&mut self, deadline: Duration, mut ready: impl AsyncFnMut() -> Result<(), String>) -> Result<()> {
        let begun = Instant::now();
        loop {
            let answer = ready().await;
            // Asked second: when somebody else answers in its place, it has ended.
            if let Some(status) = self.exited()? {
                return Err(self.not_started(format!("it ended with {status}")));
            }
            let Err(refusal) = answer else {
                return Ok(());
            };
            if begun.elapsed() > deadline {
                let waited_s = deadline.as_secs();
                return Err(self.not_started(format!("no answer within {waited_s} s ({refusal})")));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Stops the server and waits until it is gone.
    ///
    /// # Errors
    /// [`Error::NotStopped`] when it had to be killed.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let begun = Instant::now();
        drop(self.watchdog.stdin.take());
        while self.exited()?.is_none() {
            if begun.elapsed() > GRACE + Duration::from_secs(2) {
                self.kill();
                break;
            }
            tokio::time::sleep(POLL).await;
        }
        if begun.elapsed() > GRACE {
            return Err(Error::NotStopped { name: self.name, grace_s: GRACE.as_secs() });
        }
        Ok(())
    }

    fn exited(&mut self) -> Result<Option<std::process::ExitStatus>> {
        let name = self.name;
        self.watchdog.try_wait().map_err(io(|| format!("wait for {name}")))
    }

    fn not_started(&self, why: String) -> Error {
        Error::NotStarted { name: self.name, why, log: self.log.clone(), log_tail: tail(&self.log) }
    }

    /// The last resort: the whole group at once.
    fn kill(&mut self) {
        if let Ok(id) = i32::try_from(self.watchdog.id())
            && let Err(error) = killpg(Pid::from_raw(id), Signal::SIGKILL)
        {
            tracing::warn!(name = self.name, %error, "could not kill the process group");
        }
    }
}

/// Blocks for a moment rather than leaving a server that still writes into a folder about to be removed.
impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let begun = Instant::now();
        while let Ok(None) = self.watchdog.try_wait() {
            if begun.elapsed() > GRACE / 2 {
                self.kill();
                drop(self.watchdog.wait());
                return;
            }
            std::thread::sleep(POLL);
        }
    }
}

fn under_watchdog(command: &Command, stop_signal: Signal) -> Command {
    let mut watchdog = Command::new("/bin/sh");
    watchdog
        .args(["-c", include_str!("watchdog.sh"), "watchdog"])
        .arg(stop_signal.as_str().trim_start_matches("SIG"))
        .arg(GRACE.as_secs().to_string())
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => watchdog.env(name, value),
            None => watchdog.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        watchdog.current_dir(folder);
    }
    watchdog
}

/// Opens a file for this owner alone. Whoever inherits the handle holds the lock with it.
///
/// # Errors
/// [`Error::InUse`] when another process keeps the lock for longer than a stopping server may take.
pub(crate) async fn open_locked(path: &Path) -> Result<File> {
    let what = || format!("open {}", path.display());
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(io(what))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_DEADLINE => {
                tokio::time::sleep(POLL).await;
            }
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: path.into() }),
            Err(TryLockError::Error(source)) => return Err(io(what)(source)),
        }
    }
    file.set_len(0).map_err(io(what))?;
    Ok(file)
}

/// The last lines of a text file, for an error message.
pub(crate) fn tail(path: &Path) -> String {
    let text = match std::fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return format!("({error})"),
    };
    last_lines(&text)
}

/// The last lines of a text.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

//! A server in a process of its own that cannot outlive its owner.
//!
//! A small shell watchdog stands between: it stops the server when its standard input closes. So stopping, dropping and
//! dying are one mechanism, which needs no `unsafe` and works from any thread. The server holds the lock of its log
//! file, so whoever starts on the same data next waits until the last one is really gone.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
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
const LINE_CHARS: usize = 400;

/// A server that ends so often within a minute is not started again.
const ENDS_MAX: usize = 3;
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// What is to run, and how.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) command: Command,
    pub(crate) stop_signal: Signal,
    /// The account to run it under, when it is not ours.
    pub(crate) account: Option<Account>,
    /// Where its output goes.
    pub(crate) log: PathBuf,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    program: Program,
    watchdog: Child,
    /// When it ended without having been asked to.
    ends: VecDeque<Instant>,
}

impl Server {
    /// Starts the program under a watchdog, in a process group of its own (a terminal's Ctrl-C does not reach it), with its output in its
    /// log, which is begun anew.
    ///
    /// # Errors
    /// [`Error::InUse`] while another process writes the log, [`Error::Io`] when the process cannot be started.
    pub(crate) async fn spawn(program: Program) -> Result<Self> {
        let output = open_locked(&program.log).await?;
        output.set_len(0).map_err(io(|| format!("empty {}", program.log.display())))?;
        let watchdog = launch(&program, output)?;
        Ok(Self { program, watchdog, ends: VecDeque::new() })
    }

    /// Starts it again when it has ended by itself, and says how it had ended; its log goes on.
    ///
    /// # Errors
    /// [`Error::KeepsEnding`] when that was the third time within a minute.
    pub(crate) async fn start_again_if_ended(&mut self) -> Result<Option<ExitStatus>> {
        let Some(status) = self.exited()? else { return Ok(None) };
        let now = Instant::now();
        self.ends.push_back(now);
        self.ends.retain(|end| now.duration_since(*end) < ENDS_WITHIN);
        if self.ends.len() >= ENDS_MAX {
            let (name, log) = (self.program.name, &self.program.log);
            return Err(Error::KeepsEnding { name, status: status.to_string(), log: log.clone(), log_tail: tail(log) });
        }
        self.start_again().await?;
        Ok(Some(status))
    }

    /// Starts it after it has ended.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let output = open_locked(&self.program.log).await?;
        self.watchdog = launch(&self.program, output)?;
        Ok(())
    }

    /// Its name, for people.
    pub(crate) fn name(&self) -> &'static str {
        self.program.name
    }

    /// Sends a signal to all its processes.
    ///
    /// # Errors
    /// When there are none.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let group = Pid::from_raw(i32::try_from(self.watchdog.id()).unwrap_or_default());
        killpg(group, signal).map_err(|errno| Error::failed(format!("{signal} to {}", self.program.name), errno))
    }

    /// Kills all its processes at once, and waits until they are gone.
    ///
    /// # Errors
    /// When there are none.
    pub(crate) async fn kill_and_wait(&mut self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        while self.exited()?.is_none() {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
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
            return Err(Error::NotStopped { name: self.program.name, grace_s: GRACE.as_secs() });
        }
        Ok(())
    }

    fn exited(&mut self) -> Result<Option<ExitStatus>> {
        let name = self.program.name;
        self.watchdog.try_wait().map_err(io(|| format!("wait for {name}")))
    }

    fn not_started(&self, why: String) -> Error {
        let log = &self.program.log;
        Error::NotStarted { name: self.program.name, why, log: log.clone(), log_tail: tail(log) }
    }

    /// The last resort: the whole group at once.
    fn kill(&mut self) {
        if let Err(error) = self.signal(Signal::SIGKILL) {
            tracing::warn!(name = self.program.name, %error, "could not kill the process group");
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

fn launch(program: &Program, output: File) -> Result<Child> {
    let start = || io(|| format!("start {}", program.name));
    let errors = output.try_clone().map_err(start())?;
    let mut watchdog = under_watchdog(&program.command, program.stop_signal);
    watchdog.stdin(Stdio::piped()).stdout(output).stderr(errors).process_group(0);
    if let Some(account) = program.account {
        watchdog.uid(account.uid).gid(account.gid);
    }
    watchdog.spawn().map_err(start())
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
    // What follows in a line is a stack trace.
    let beginning = |line: &&str| line.chars().take(LINE_CHARS).collect::<String>();
    lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(beginning).collect::<Vec<_>>().join("\n")
}

//! What can go wrong while the stack is provisioned, started or stopped.

use std::fmt::Display;
use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure, worded for the person who started the stack: what, why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A tool is not on this machine and could not be installed.
    #[error("{tool} is not available: {why}")]
    Unavailable {
        /// The tool's name, as a person would look for it.
        tool: &'static str,
        /// Each way that was tried, and what to install or set.
        why: String,
    },
    /// A server ended, or did not answer before its deadline.
    #[error("{name} did not start: {why}\nIts log is {}; the last lines are:\n{log_tail}", log.display())]
    NotStarted {
        /// The server's name.
        name: &'static str,
        /// How it ended, or the last answer to the readiness check.
        why: String,
        /// The whole log.
        log: PathBuf,
        /// The log's last lines.
        log_tail: String,
    },
    /// A server ended by itself again and again.
    #[error("{name} ended with {status}, for the third time within a minute\nIts log is {}; the last lines are:\n{log_tail}", log.display())]
    KeepsEnding {
        /// The server's name.
        name: &'static str,
        /// How it ended the last time.
        status: String,
        /// The whole log.
        log: PathBuf,
        /// The log's last lines.
        log_tail: String,
    },
    /// Another process holds the data folder, and did not let go before the deadline.
    #[error(
        "{} is in use by another process: stop the other stack, or choose another data folder", path.display()
    )]
    InUse {
        /// The file whose lock is held.
        path: PathBuf,
    },
    /// A server survived its stop signal and was killed.
    #[error("{name} did not stop within {grace_s} s and was killed")]
    NotStopped {
        /// The server's name.
        name: &'static str,
        /// How long it was given.
        grace_s: u64,
    },
    /// A command that prepares a server failed.
    #[error("{what} failed: {why}")]
    Failed {
        /// What was being done.
        what: String,
        /// Its error, or the last lines it printed.
        why: String,
    },
    /// A file or a socket could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path or the address.
        what: String,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl Error {
    /// A [`Error::Failed`] out of anything that can be shown.
    pub(crate) fn failed(what: impl Into<String>, why: impl Display) -> Self {
        Self::Failed { what: what.into(), why: why.to_string() }
    }
}

/// Says what was being done when the system refused: `File::open(p).map_err(io(|| format!("open {}", p.display())))`.
pub(crate) fn io(what: impl FnOnce() -> String) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Io { what: what(), source }
}

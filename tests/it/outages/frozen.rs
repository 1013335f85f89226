//! Processes that are stopped in the middle of whatever they do, and later go on.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// Stopped processes. They go on when it is dropped.
pub struct Frozen(Vec<Pid>);

impl Frozen {
    /// The PostgreSQL of this home: the postmaster first, so that it makes no new backends, then those it has.
    pub fn postgres(home: &Path) -> Result<Self> {
        let file = home.join("postgres/data/postmaster.pid");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let postmaster: i32 = text.lines().next().context("a pid file without a pid")?.trim().parse()?;
        let mut frozen = Self(vec![Pid::from_raw(postmaster)]);
        frozen.send(Signal::SIGSTOP)?;
        frozen.0.extend(children(postmaster)?);
        ensure!(frozen.0.len() > 1, "PostgreSQL has no backends");
        frozen.send(Signal::SIGSTOP)?;
        Ok(frozen)
    }

    /// They go on.
    pub fn thaw(self) -> Result<()> {
        self.send(Signal::SIGCONT)
    }

    fn send(&self, signal: Signal) -> Result<()> {
        for pid in &self.0 {
            kill(*pid, signal).with_context(|| format!("{signal} to {pid}"))?;
        }
        Ok(())
    }
}

/// A test that fails must not leave a server behind that cannot be stopped.
impl Drop for Frozen {
    fn drop(&mut self) {
        // To those that are gone there is nothing to say.
        for pid in &self.0 {
            let _ = kill(*pid, Signal::SIGCONT);
        }
    }
}

/// As `ps` finds them: every process says who its parent is.
fn children(parent: i32) -> Result<Vec<Pid>> {
    let output = std::process::Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().context("ps")?;
    let text = String::from_utf8(output.stdout)?;
    let pair = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse::<i32>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    Ok(text.lines().filter_map(pair).filter(|(_, of)| *of == parent).map(|(pid, _)| Pid::from_raw(pid)).collect())
}

//! The product's processes: started, frozen, killed.

use std::{
    ffi::OsStr,
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// The argument under which this program is the product.
pub const PRODUCT: &str = "oms";

/// Which build of the product.
#[derive(Debug, Clone, Default)]
pub enum Program {
    /// This one: the program starts itself.
    #[default]
    This,
    /// The `oms` of an earlier one.
    Earlier(PathBuf),
}

/// A process of the product, which can be started again and again.
pub struct Process {
    program: Program,
    args: Vec<String>,
    env: Vec<(String, String)>,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    pub fn start(program: &Program, name: &str, args: &[&str], env: &[(String, String)], logs: &Path) -> Result<Self> {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        let log = logs.join(format!("{name}.log"));
        let mut process = Self { program: program.clone(), args, env: env.to_vec(), log, child: None };
        process.start_again()?;
        Ok(process)
    }

    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Stops it, and starts it with these settings beside its own.
    pub async fn start_with(&mut self, settings: Vec<(String, String)>) -> Result<()> {
        self.stop().await?;
        self.env.extend(settings);
        self.start_again()
    }

    /// Stops it, and starts the other build in its place.
    pub async fn replace(&mut self, program: &Program) -> Result<()> {
        self.stop().await?;
        self.program = program.clone();
        self.start_again()
    }

    /// Starts it if it does not run.
    pub fn start_again(&mut self) -> Result<()> {
        if self.runs() {
            return Ok(());
        }
        let log = || -> Result<File> { Ok(OpenOptions::new().create(true).append(true).open(&self.log)?) };
        let mut command = product(&self.program, &self.args, &self.env)?;
        command.stdout(log()?).stderr(log()?);
        self.child = Some(command.spawn().context("start the product")?);
        Ok(())
    }

    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Whether it has ended well.
    pub fn succeeded(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(status)) if status.success()))
    }

    /// All that it has said so far.
    pub fn said(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }

    /// Kills it where it stands.
    pub fn kill(&mut self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        if let Some(mut child) = self.child.take() {
            child.wait()?;
        }
        Ok(())
    }

    /// It stands still, and all it holds with it.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// It goes on.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// Tells it to stop, and sees it end well.
    pub async fn stop(&mut self) -> Result<()> {
        if !self.runs() {
            return Ok(());
        }
        self.signal(Signal::SIGTERM)?;
        for _ in 0..600 {
            if !self.runs() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.kill()?;
        ensure!(false, "it did not end within 30 s; its log is {}", self.log.display());
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child.as_ref().context("it does not run")?;
        kill(Pid::from_raw(i32::try_from(child.id())?), signal).with_context(|| format!("{signal} to {}", self.args.join(" ")))
    }
}

/// The product, with these settings and none of whoever has started this program.
pub fn product(program: &Program, args: &[impl AsRef<OsStr>], env: &[(String, String)]) -> Result<Command> {
    let mut command = match program {
        Program::This => Command::new(std::env::current_exe()?),
        Program::Earlier(path) => Command::new(path),
    };
    if matches!(program, Program::This) {
        command.arg(PRODUCT);
    }
    let ours = |name: &str| ["OMS_", "AWS_", "TEMPORAL_", "DATABASE_"].iter().any(|prefix| name.starts_with(prefix));
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    command.args(args).envs(env.iter().cloned()).stdin(Stdio::null());
    Ok(command)
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // One that has ended has nothing to be killed.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

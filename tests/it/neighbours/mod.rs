//! Foreign parts that the tests talk to, where they are installed: `.ci/run` does. One that is missing is a failure.

mod schemathesis;

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result};

/// A program of the neighbours' own environment, or else of the path.
fn program(name: &str) -> Result<Command> {
    let here = std::env::var_os("OMS_NEIGHBOURS").map(|folder| PathBuf::from(folder).join("bin").join(name));
    let program = here.unwrap_or_else(|| PathBuf::from(name));
    let mut command = Command::new(&program);
    let version = command.arg("--version").output();
    version.with_context(|| format!("{} does not run: OMS_NEIGHBOURS names the environment that has it", program.display()))?;
    Ok(Command::new(program))
}

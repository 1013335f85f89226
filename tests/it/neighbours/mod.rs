//! Foreign parts that the tests talk to, where they are installed: `.ci/neighbours` does. One that is missing is a failure.

mod clients;
mod cloud;
mod console;
mod lake;
mod receiver;
mod schemathesis;

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// Where `.ci/neighbours` puts them.
fn home() -> Result<PathBuf> {
    let named = env::var_os("OMS_NEIGHBOURS").context("OMS_NEIGHBOURS names no folder: .ci/neighbours makes one, and says it")?;
    Ok(PathBuf::from(named).canonicalize()?)
}

/// What this package brings for them.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/neighbours").join(name)
}

/// What a program of theirs printed, in a folder with nothing of this machine's settings; one that fails says all it said.
async fn run(program: impl AsRef<Path>, folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Result<String> {
    let home = home()?;
    let program = home.join(program);
    let path = env::join_paths(
        [home.join("bin"), home.join("node_modules/.bin")].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    )?;
    let mut command = Command::new(&program);
    command.current_dir(folder).args(arguments).env("PATH", path).env("PYTHONDONTWRITEBYTECODE", "1").envs(variables.iter().copied());
    let ran = command.output().await.with_context(|| format!("{} does not run", program.display()))?;
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    ensure!(ran.status.success(), "{}: {}\n{said}\n{}", program.display(), ran.status, String::from_utf8_lossy(&ran.stderr));
    Ok(said)
}

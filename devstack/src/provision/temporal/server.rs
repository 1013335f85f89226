//! The real Temporal server, its UI and the tool for its schemas, compiled with Go.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::super::{Tools, put, runs};
use crate::error::{Error, Result, io};
use crate::process::last_lines;
use crate::progress::Step;

/// Later patches want a newer Go than most machines have.
const VERSION: &str = "v1.32.0";
const UI_VERSION: &str = "v2.54.1";
/// Compiling all of it takes five minutes on two cores.
const COMPILE_DEADLINE: Duration = Duration::from_secs(40 * 60);

/// Each program's module, what Go calls it, and what everybody calls it.
const PROGRAMS: [(&str, &str, &str, &str); 3] = [
    ("go.temporal.io/server/cmd/server", VERSION, "server", "temporal-server"),
    ("go.temporal.io/server/cmd/tools/sql", VERSION, "sql", "temporal-sql-tool"),
    ("github.com/temporalio/ui-server/v2/cmd/server", UI_VERSION, "server", "temporal-ui-server"),
];

/// A folder with the server's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerPrograms(PathBuf);

impl ServerPrograms {
    pub(crate) fn server(&self) -> PathBuf {
        self.0.join("temporal-server")
    }

    pub(crate) fn sql_tool(&self) -> PathBuf {
        self.0.join("temporal-sql-tool")
    }

    pub(crate) fn ui(&self) -> PathBuf {
        self.0.join("temporal-ui-server")
    }
}

impl Tools {
    fn server_place(&self) -> PathBuf {
        self.cache.join(format!("temporal-server-{VERSION}"))
    }

    pub(super) async fn cached_server(&self) -> Option<ServerPrograms> {
        let programs = ServerPrograms(self.server_place());
        runs(programs.server(), "--version").await.then_some(programs)
    }

    /// Compiles all programs. Go checks each module against the public checksum database.
    pub(super) async fn compile_server(&self) -> Result<ServerPrograms> {
        let workshop = self.workshop("temporal-server")?;
        for (module, version, installed, name) in PROGRAMS {
            let step = self.progress.step(format!("Compiling {name} {version} with Go (five minutes on two cores, once)"));
            install(&format!("{module}@{version}"), &workshop, &step).await?;
            put(&workshop.join(installed), &workshop.join(name))?;
        }
        let place = self.server_place();
        if place.exists() {
            std::fs::remove_dir_all(&place).map_err(io(|| format!("remove {}", place.display())))?;
        }
        put(&workshop, &place)?;
        Ok(ServerPrograms(place))
    }
}

/// `go install`, counting the packages that it says it has compiled: only a growing number shows that it gets on.
async fn install(package: &str, into: &Path, step: &Step) -> Result<()> {
    let what = || format!("go install {package}");
    let mut go = Command::new("go");
    go.args(["install", "-v", package]).env("GOBIN", into).current_dir(into);
    go.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut go = go.spawn().map_err(|error| Error::failed(what(), error))?;
    let Some(printed) = go.stderr.take() else { return Err(Error::failed(what(), "its output cannot be read")) };
    let (mut lines, mut text, mut packages) = (BufReader::new(printed).lines(), String::new(), 0_u32);
    let work = async {
        while let Some(line) = lines.next_line().await? {
            if line.starts_with("go: downloading") {
                step.detail("downloading modules");
            } else {
                packages += 1;
                step.detail(format!("{packages} packages"));
            }
            text = last_lines(&format!("{text}\n{line}"));
        }
        go.wait().await
    };
    match tokio::time::timeout(COMPILE_DEADLINE, work).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(Error::failed(what(), format!("{status}\n{text}"))),
        Ok(Err(error)) => Err(Error::failed(what(), error)),
        Err(_) => Err(Error::failed(what(), format!("not done after {} s", COMPILE_DEADLINE.as_secs()))),
    }
}

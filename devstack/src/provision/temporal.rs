//! The Temporal CLI, whose `server start-dev` is the development server.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use super::{Tools, put, run, runs};
use crate::error::{Error, Result, io};
use crate::outbound::client;

/// The version installed when the machine has none: newer tags cannot be installed with `go install`.
const VERSION: &str = "v1.5.1";
const DOWNLOADS: &str = "https://temporal.download/cli/archive";
/// Compiling it takes five minutes on two cores.
const COMPILE_DEADLINE: Duration = Duration::from_secs(30 * 60);
const DOWNLOAD_DEADLINE: Duration = Duration::from_secs(10 * 60);

impl Tools {
    /// A `temporal` that runs: the one on the path, else the cached one, else the official download, else one compiled
    /// with Go.
    ///
    /// # Errors
    /// [`Error::Unavailable`] saying how each way failed.
    pub async fn temporal(&self) -> Result<PathBuf> {
        if runs("temporal", "--version").await {
            return Ok("temporal".into());
        }
        self.temporal_installed(DOWNLOADS).await
    }

    /// The cached `temporal`, installed first when there is none.
    async fn temporal_installed(&self, downloads: &str) -> Result<PathBuf> {
        let place = self.cache.join(format!("temporal-{VERSION}"));
        if runs(&place, "--version").await {
            return Ok(place);
        }
        let _turn = self.turn("temporal").await?;
        if runs(&place, "--version").await {
            return Ok(place);
        }
        let workshop = self.workshop("temporal")?;
        let installed = workshop.join("temporal");
        if let Err(no_download) = self.download(downloads, &installed).await {
            let compiled = self.compile(&workshop).await;
            compiled.map_err(|not_compiled| neither(&no_download, &not_compiled))?;
        }
        put(&installed, &place)?;
        std::fs::remove_dir_all(&workshop).map_err(io(|| format!("remove {}", workshop.display())))?;
        Ok(place)
    }

    async fn download(&self, downloads: &str, into: &Path) -> Result<()> {
        let _step = self.progress.step("Downloading the Temporal CLI");
        let url = format!("{downloads}/{VERSION}?platform={}&arch={}", platform(), arch());
        let what = || format!("download of {url}");
        let archive = fetch(&url).await.map_err(|error| Error::failed(what(), error))?;
        unpack(&archive, into).map_err(io(what))?;
        if runs(into, "--version").await {
            return Ok(());
        }
        Err(Error::failed(what(), "what came does not run here"))
    }

    async fn compile(&self, into: &Path) -> Result<()> {
        let _step = self.progress.step("Compiling the Temporal CLI with Go (some minutes, once)");
        let mut go = Command::new("go");
        go.args(["install", &format!("github.com/temporalio/cli/cmd/temporal@{VERSION}")]).env("GOBIN", into).current_dir(into);
        run(&mut go, COMPILE_DEADLINE).await.map(drop)
    }
}

async fn fetch(url: &str) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let client = client(DOWNLOAD_DEADLINE)?;
    let response = client.get(url).send().await?.error_for_status()?;
    Ok(response.bytes().await?.to_vec())
}

/// Takes the one program out of the archive.
fn unpack(archive: &[u8], into: &Path) -> std::io::Result<()> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()?.file_name() == Some(&OsString::from("temporal")) {
            entry.unpack(into)?;
            return Ok(());
        }
    }
    Err(std::io::Error::other("no `temporal` in the archive"))
}

fn neither(no_download: &Error, not_compiled: &Error) -> Error {
    Error::Unavailable {
        tool: "The Temporal CLI",
        why: format!(
            "{no_download}\n{not_compiled}\nInstall it (https://docs.temporal.io/cli) so that `temporal` is on the \
             path, or install Go 1.24 or newer, or set TEMPORAL_ADDRESS to a running server"
        ),
    }
}

/// The operating system as the download service calls it.
fn platform() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

/// The processor as the download service calls it.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

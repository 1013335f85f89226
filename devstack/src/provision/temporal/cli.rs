//! The Temporal CLI, whose `server start-dev` is the development server.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use super::super::{Tools, put, run};
use crate::error::{Error, Result, io};
use crate::outbound::client;

/// The version downloaded when the machine has none. Its server is 1.32.0.
pub(super) const VERSION: &str = "v1.9.1";
/// The oldest server that pins orders to the build that began them.
const OLDEST_SERVER: (u32, u32) = (1, 30);
const DOWNLOAD_DEADLINE: Duration = Duration::from_secs(10 * 60);
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);

impl Tools {
    fn cli_place(&self) -> PathBuf {
        self.cache.join(format!("temporal-{VERSION}"))
    }

    pub(super) async fn cached_cli(&self) -> Option<PathBuf> {
        let place = self.cli_place();
        is_new_enough(&place).await.then_some(place)
    }

    /// Puts the official download into the cache. There is no list of its digests to check it against: it comes by TLS, and must run.
    pub(super) async fn download_cli(&self, downloads: &str) -> Result<PathBuf> {
        let _step = self.progress.step("Downloading the Temporal CLI");
        let workshop = self.workshop("temporal")?;
        let downloaded = workshop.join("temporal");
        let url = format!("{downloads}/{VERSION}?platform={}&arch={}", platform(), arch());
        let what = || format!("download of {url}");
        let archive = fetch(&url).await.map_err(|error| Error::failed(what(), error))?;
        unpack(&archive, &downloaded).map_err(io(what))?;
        if !is_new_enough(&downloaded).await {
            return Err(Error::failed(what(), "what came does not run here"));
        }
        let place = self.cli_place();
        put(&downloaded, &place)?;
        std::fs::remove_dir_all(&workshop).map_err(io(|| format!("remove {}", workshop.display())))?;
        Ok(place)
    }
}

/// Whether the program starts and has a server that is new enough in it.
pub(super) async fn is_new_enough(program: &Path) -> bool {
    let printed = run(Command::new(program).arg("--version"), ANSWER_DEADLINE).await;
    printed.is_ok_and(|printed| server_version(&printed).is_some_and(|version| version >= OLDEST_SERVER))
}

/// Out of a line such as `temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)`.
pub(super) fn server_version(printed: &str) -> Option<(u32, u32)> {
    let (_, version) = printed.split_once("Server ")?;
    let mut numbers = version.split(['.', ',', ')', '-']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
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

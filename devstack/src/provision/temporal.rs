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
             path, or install Go 1.21 or newer, or set TEMPORAL_ADDRESS to a running server"
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::Router;
    use axum::routing::get;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::progress::Progress;

    /// An archive as the download service has them, with a program that prints its version.
    fn archive(program: &str) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_size(program.len() as u64);
        header.set_mode(0o755);
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_data(&mut header, "temporal", program.as_bytes()).expect("an entry");
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&builder.into_inner().expect("an archive")).expect("memory");
        gzip.finish().expect("memory")
    }

    /// Serves the archive and counts how often.
    async fn downloads(archive: Vec<u8>) -> (String, Arc<AtomicU32>) {
        let served = Arc::new(AtomicU32::new(0));
        let count = served.clone();
        let answer = async move || {
            count.fetch_add(1, Ordering::SeqCst);
            archive
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new().route(&format!("/{VERSION}"), get(answer));
        tokio::spawn(async move { axum::serve(listener, app).await });
        (url, served)
    }

    #[tokio::test]
    async fn many_that_need_it_download_it_once() -> Result<()> {
        let cache = tempfile::tempdir().expect("a folder");
        let (url, served) = downloads(archive("#!/bin/sh\necho temporal version 1\n")).await;
        // Each with its own lock handle, as processes have them.
        let tools: Vec<_> = (0..3).map(|_| Tools::new(cache.path(), Progress::Silent)).collect();
        let (a, b, c) =
            tokio::try_join!(tools[0].temporal_installed(&url), tools[1].temporal_installed(&url), tools[2].temporal_installed(&url))?;
        assert!(a == b && b == c && runs(&a, "--version").await);
        assert_eq!(tools[0].temporal_installed(&url).await?, a);
        assert_eq!(served.load(Ordering::SeqCst), 1);
        Ok(())
    }

    #[tokio::test]
    async fn a_download_that_does_not_run_here_is_not_taken() {
        let cache = tempfile::tempdir().expect("a folder");
        let (url, _) = downloads(archive("not a program of this machine")).await;
        let tools = Tools::new(cache.path(), Progress::Silent);
        let refused = tools.download(&url, &cache.path().join("temporal")).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("does not run here")));
    }
}

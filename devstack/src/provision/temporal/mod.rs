//! What serves Temporal here: the Temporal CLI with the development server in it, or the real server, compiled with Go.

mod cli;
mod server;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

use super::Tools;
pub(crate) use server::ServerPrograms;

/// Where the official downloads are.
const DOWNLOADS: &str = "https://temporal.download/cli/archive";

/// The programs of a Temporal server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TemporalPrograms {
    /// The CLI, with its development server and the UI in it.
    Cli(PathBuf),
    /// The real server, the UI and the tool for its schemas.
    Server(ServerPrograms),
}

impl Tools {
    /// The `temporal` on the path if its server is new enough, else what the cache has, else the official download, else the real
    /// server compiled with Go.
    ///
    /// # Errors
    /// [`Error::Unavailable`] saying how each way failed.
    pub(crate) async fn temporal(&self) -> Result<TemporalPrograms> {
        if cli::is_new_enough(Path::new("temporal")).await {
            return Ok(TemporalPrograms::Cli("temporal".into()));
        }
        self.temporal_installed(DOWNLOADS).await
    }

    /// The real server, which also keeps its state in PostgreSQL: the cached one, else one compiled with Go.
    ///
    /// # Errors
    /// [`Error::Unavailable`] without Go, or when it cannot be compiled.
    pub(crate) async fn temporal_server(&self) -> Result<ServerPrograms> {
        if let Some(server) = self.cached_server().await {
            return Ok(server);
        }
        let _turn = self.turn("temporal").await?;
        if let Some(server) = self.cached_server().await {
            return Ok(server);
        }
        let compiled = self.compile_server().await;
        compiled.map_err(|why| Error::Unavailable { tool: "The Temporal server", why: format!("{why}\nInstall Go 1.21 or newer") })
    }

    async fn temporal_installed(&self, downloads: &str) -> Result<TemporalPrograms> {
        if let Some(programs) = self.temporal_cached().await {
            return Ok(programs);
        }
        let _turn = self.turn("temporal").await?;
        if let Some(programs) = self.temporal_cached().await {
            return Ok(programs);
        }
        match self.download_cli(downloads).await {
            Ok(cli) => Ok(TemporalPrograms::Cli(cli)),
            Err(no_download) => {
                self.progress.say(&format!("No download of Temporal ({no_download}): it is compiled with Go, once"));
                let compiled = self.compile_server().await;
                compiled.map(TemporalPrograms::Server).map_err(|not_compiled| neither(&no_download, &not_compiled))
            }
        }
    }

    async fn temporal_cached(&self) -> Option<TemporalPrograms> {
        if let Some(cli) = self.cached_cli().await {
            return Some(TemporalPrograms::Cli(cli));
        }
        self.cached_server().await.map(TemporalPrograms::Server)
    }
}

fn neither(no_download: &Error, not_compiled: &Error) -> Error {
    Error::Unavailable {
        tool: "Temporal",
        why: format!(
            "{no_download}\n{not_compiled}\nInstall its command line (https://docs.temporal.io/cli) so that `temporal` is on the path, or \
             install Go 1.21 or newer, or set TEMPORAL_ADDRESS to a running server"
        ),
    }
}

#[cfg(test)]
mod tests;

//! The configuration file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use oms_domain::error::ErrorCode;
use serde::Deserialize;

use super::{AdapterLayer, ApiLayer, DatabaseLayer, PolicyLayer, ServerLayer, TemporalLayer, WorkerLayer};
use crate::{exit::Coded, telemetry::LogFormat};

/// Read when it is there and no other is named.
const DEFAULT: &str = "oms.toml";

/// Which file, and what is needed before any command begins.
#[derive(Debug, Clone, Args)]
pub struct FileArgs {
    /// Configuration file [default: oms.toml, when there is one].
    ///
    /// TOML with the sections client, database, temporal, worker, adapters, server and policy; their keys are the long flags with underscores,
    /// such as http_addr in [server]. Flags stand over the environment, and that over the file.
    #[arg(long, global = true, env = "OMS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Form of the log lines on standard error; RUST_LOG says how many.
    #[arg(long, global = true, env = "OMS_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

/// The file's sections, each the lowest layer of its settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigFile {
    /// `[client]`
    pub client: ApiLayer,
    /// `[database]`
    pub database: DatabaseLayer,
    /// `[temporal]`
    pub temporal: TemporalLayer,
    /// `[worker]`
    pub worker: WorkerLayer,
    /// `[adapters]`
    pub adapters: AdapterLayer,
    /// `[server]`
    pub server: ServerLayer,
    /// `[policy]`
    pub policy: PolicyLayer,
    /// `log_format`, before any section.
    pub log_format: LogFormat,
}

impl FileArgs {
    /// Reads the file, if there is one to read.
    ///
    /// # Errors
    /// When a named file cannot be read; `validation_failed` with the place of a mistake in it.
    pub fn read(&self) -> Result<ConfigFile> {
        let mut file = match &self.config {
            Some(path) => read(path)?,
            None if Path::new(DEFAULT).exists() => read(Path::new(DEFAULT))?,
            None => ConfigFile::default(),
        };
        file.log_format = self.log_format.unwrap_or(file.log_format);
        Ok(file)
    }
}

fn read(path: &Path) -> Result<ConfigFile> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read the configuration file {}", path.display()))?;
    let parsed = toml::from_str(&text);
    // The message alone: the error's own rendering quotes the line, which may be the one with the password.
    Ok(parsed.map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
        let message = format!("the configuration file {}, line {line}: {}", path.display(), error.message());
        Coded::new(ErrorCode::ValidationFailed, message)
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named_by_its_line_without_quoting_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("oms.toml");
        std::fs::write(&path, "[database]\ndatabase_url = \"postgres://oms:secret@db/oms\"\ntypo = 1\n").unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("line 3") && message.contains("typo"), "{message}");
        assert!(!message.contains("secret"));
    }

    #[test]
    fn a_file_fills_the_layers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("oms.toml");
        std::fs::write(
            &path,
            "log_format = \"json\"\n[worker]\nqueues = \"orders\"\n[server]\nhttp_addr = \"0.0.0.0:80\"\n[policy]\nfraud_check = true\n",
        )
        .unwrap();
        let file = read(&path).unwrap();
        assert_eq!(file.log_format, LogFormat::Json);
        assert_eq!(file.worker.queues.unwrap().to_string(), "orders");
        assert_eq!(file.server.address().port(), 80);
        assert!(file.policy.policy().fraud_check);
    }
}

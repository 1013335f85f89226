//! Temporal's development server in a process of its own.

mod service;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::error::{Error, Result};
use crate::home::Home;
use crate::ports::{HOST, free, with_fresh_port};
use crate::process::Server;
use crate::provision::Tools;

const START_DEADLINE: Duration = Duration::from_secs(60);
/// Where the UI is by custom, seen from the frontend.
const UI_OFFSET: u16 = 1000;

/// How Temporal is started.
#[derive(Debug, Clone, Default)]
pub struct TemporalOptions {
    /// With the web UI, on the frontend's preferred port plus 1000 (8233).
    pub ui: bool,
    /// Taken when free; none: any free port.
    pub port: Option<u16>,
    /// Name and type (`Keyword`, `KeywordList`, `Datetime`, `Bool`, ...), registered in the namespace `default`.
    pub search_attributes: Vec<(String, String)>,
}

/// A running development server with the namespace `default`.
#[derive(Debug)]
pub struct Temporal {
    address: String,
    ui_url: Option<String>,
    server: Server,
    _home: Arc<Home>,
}

impl Temporal {
    /// Installs it if need be, and starts it.
    ///
    /// # Errors
    /// When it cannot be had, or does not answer within 60 s.
    pub async fn start(home: &Arc<Home>, tools: &Tools, options: &TemporalOptions) -> Result<Self> {
        let program = tools.temporal().await?;
        let log = home.folder("logs")?.join("temporal.log");
        let database = home.folder("temporal")?.join("temporal.db");
        let launch = Launch { program, database: home.is_kept().then_some(database), options };
        let (server, port, ui_port) = with_fresh_port(options.port, async |port| {
            let ui_port = launch.ui_port()?;
            let command = launch.command(port, ui_port);
            let mut server = Server::spawn("Temporal", &command, Signal::SIGTERM, None, log.clone()).await?;
            let address = format!("{HOST}:{port}");
            server.wait_until_ready(START_DEADLINE, async || service::answers(&address).await).await?;
            Ok((server, port, ui_port))
        })
        .await?;
        let address = format!("{HOST}:{port}");
        service::register(&address, &options.search_attributes)
            .await
            .map_err(|error| Error::failed("registration of the search attributes", error))?;
        Ok(Self { address, ui_url: ui_port.map(|port| format!("http://{HOST}:{port}")), server, _home: home.clone() })
    }

    /// `host:port` of the frontend.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// URL of the web UI, when it was asked for.
    pub fn ui_url(&self) -> Option<&str> {
        self.ui_url.as_deref()
    }

    /// Stops it.
    ///
    /// # Errors
    /// When it had to be killed.
    pub async fn stop(self) -> Result<()> {
        self.server.stop().await
    }
}

/// How the server is launched, but for its ports.
struct Launch<'a> {
    program: PathBuf,
    /// In memory without one.
    database: Option<PathBuf>,
    options: &'a TemporalOptions,
}

impl Launch<'_> {
    fn ui_port(&self) -> Result<Option<u16>> {
        if !self.options.ui {
            return Ok(None);
        }
        let preferred = self.options.port.map(|port| port.saturating_add(UI_OFFSET));
        free(preferred).map(Some)
    }

    fn command(&self, port: u16, ui_port: Option<u16>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["server", "start-dev", "--ip", HOST, "--log-level", "error"]);
        command.args(["--port", &port.to_string()]);
        match ui_port {
            Some(ui_port) => command.args(["--ui-port", &ui_port.to_string()]),
            None => command.arg("--headless"),
        };
        if let Some(database) = &self.database {
            command.arg("--db-filename").arg(database);
        }
        for (name, kind) in &self.options.search_attributes {
            command.args(["--search-attribute", &format!("{name}={kind}")]);
        }
        command
    }
}

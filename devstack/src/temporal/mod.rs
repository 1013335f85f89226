//! Temporal in processes of its own: the real server and its UI, or the command line's development server.

mod cli;
mod ports;
mod schema;
mod server;
mod service;

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::error::{Error, Result};
use crate::home::Home;
use crate::ports::{HOST, free, with_fresh_port};
use crate::process::{Program, Server};
use crate::provision::{TemporalPrograms, Tools};

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
    /// Where its state is.
    pub store: TemporalStore,
}

/// Where Temporal keeps its state.
#[derive(Debug, Clone, Default)]
pub enum TemporalStore {
    /// A file in the home when that is kept, else its memory.
    #[default]
    Own,
    /// The PostgreSQL server of this URL, in databases `temporal` and `temporal_visibility`, made when they are not there.
    Postgres(SecretString),
}

/// A running server with the namespace `default`.
#[derive(Debug)]
pub struct Temporal {
    address: String,
    ui_url: Option<String>,
    server: Server,
    /// The UI, when it is a process of its own.
    ui: Option<Server>,
    _home: Arc<Home>,
}

/// What is to run on given ports.
struct Launch {
    server: Program,
    ui: Option<Program>,
}

impl Temporal {
    /// Installs it if need be, and starts it.
    ///
    /// # Errors
    /// When it cannot be had, or does not answer within 60 s.
    pub async fn start(home: &Arc<Home>, tools: &Tools, options: &TemporalOptions) -> Result<Self> {
        let programs = match &options.store {
            TemporalStore::Own => tools.temporal().await?,
            TemporalStore::Postgres(_) => TemporalPrograms::Server(tools.temporal_server().await?),
        };
        let _step = tools.progress().step("Starting Temporal");
        if let (TemporalPrograms::Server(programs), TemporalStore::Postgres(url)) = (&programs, &options.store) {
            schema::prepare(home, programs, url).await?;
        }
        let (server, ui, port, ui_port) = with_fresh_port(options.port, async |port| {
            let ui_port = ui_port(options)?;
            let launch = match &programs {
                TemporalPrograms::Cli(program) => cli::launch(program, home, options, port, ui_port)?,
                TemporalPrograms::Server(programs) => server::launch(programs, home, options, port, ui_port)?,
            };
            let mut server = Server::spawn(launch.server).await?;
            let address = format!("{HOST}:{port}");
            server.wait_until_ready(START_DEADLINE, async || service::answers(&address).await).await?;
            let ui = match launch.ui {
                Some(program) => Some(start_ui(program, ui_port).await?),
                None => None,
            };
            Ok((server, ui, port, ui_port))
        })
        .await?;
        let address = format!("{HOST}:{port}");
        service::register(&address, &options.search_attributes)
            .await
            .map_err(|error| Error::failed("registration of the search attributes", error))?;
        Ok(Self { address, ui_url: ui_port.map(|port| format!("http://{HOST}:{port}")), server, ui, _home: home.clone() })
    }

    /// `host:port` of the frontend.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// URL of the web UI, when it was asked for.
    pub fn ui_url(&self) -> Option<&str> {
        self.ui_url.as_deref()
    }

    /// Starts what has ended by itself again, on the same ports, and says what that was and how it had ended.
    ///
    /// # Errors
    /// When it cannot be started, or keeps ending.
    pub(crate) async fn start_again_if_ended(&mut self) -> Result<Option<(&'static str, ExitStatus)>> {
        if let Some(status) = self.server.start_again_if_ended().await? {
            self.wait_until_ready().await?;
            return Ok(Some((self.server.name(), status)));
        }
        let Some(ui) = &mut self.ui else { return Ok(None) };
        Ok(ui.start_again_if_ended().await?.map(|status| (ui.name(), status)))
    }

    /// Kills the server, as a crash of its machine would.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill(&mut self) -> Result<()> {
        self.server.kill_and_wait().await
    }

    /// Starts it after [`Temporal::kill`], on the same ports. What it kept in memory is gone.
    ///
    /// # Errors
    /// When it does not answer within 60 s.
    pub async fn start_again(&mut self) -> Result<()> {
        self.server.start_again().await?;
        self.wait_until_ready().await
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        self.server.wait_until_ready(START_DEADLINE, async || service::answers(&self.address).await).await
    }

    /// Stops it.
    ///
    /// # Errors
    /// When it had to be killed.
    pub async fn stop(self) -> Result<()> {
        let ui = match self.ui {
            Some(ui) => ui.stop().await,
            None => Ok(()),
        };
        self.server.stop().await.and(ui)
    }
}

fn ui_port(options: &TemporalOptions) -> Result<Option<u16>> {
    if !options.ui {
        return Ok(None);
    }
    let preferred = options.port.map(|port| port.saturating_add(UI_OFFSET));
    free(preferred).map(Some)
}

async fn start_ui(program: Program, port: Option<u16>) -> Result<Server> {
    let mut ui = Server::spawn(program).await?;
    let address = (HOST, port.unwrap_or_default());
    let connects = async || tokio::net::TcpStream::connect(address).await.map(drop).map_err(|error| error.to_string());
    ui.wait_until_ready(START_DEADLINE, connects).await?;
    Ok(ui)
}

//! Amazon's own DynamoDB Local, to hold the stores against a second implementation in the contract tests.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::error::Result;
use crate::home::Home;
use crate::ports::{HOST, with_fresh_port};
use crate::process::{Program, Server};
use crate::provision::Tools;

/// A Java program on a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(60);
const MAIN_CLASS: &str = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner";

/// A running DynamoDB Local, in memory.
#[derive(Debug)]
pub struct DynamoDbLocal {
    endpoint: String,
    server: Server,
    _home: Arc<Home>,
}

impl DynamoDbLocal {
    /// Installs it with Maven if need be, and starts it on any free port.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) without Java 17 or Maven: whether that fails a test is the
    /// test's decision.
    pub async fn start(home: &Arc<Home>, tools: &Tools) -> Result<Self> {
        let jars = tools.dynamodb_local().await?;
        let log = home.folder("logs")?.join("dynamodb-local.log");
        let (server, port) = with_fresh_port(None, async |port| {
            let mut command = Command::new("java");
            command.arg(format!("-Djava.library.path={}", jars.display())).arg("-cp").arg(jars.join("*")).args([
                MAIN_CLASS,
                "-inMemory",
                "-disableTelemetry",
                "-port",
                &port.to_string(),
            ]);
            let program = Program { name: "DynamoDB Local", command, stop_signal: Signal::SIGTERM, account: None, log: log.clone() };
            let mut server = Server::spawn(program).await?;
            let address = format!("{HOST}:{port}");
            server
                .wait_until_ready(START_DEADLINE, async || {
                    let connected = tokio::net::TcpStream::connect(&address).await;
                    connected.map(drop).map_err(|error| error.to_string())
                })
                .await?;
            Ok((server, port))
        })
        .await?;
        Ok(Self { endpoint: format!("http://{HOST}:{port}"), server, _home: home.clone() })
    }

    /// Its endpoint URL. Any credentials do; tables are separate per access key and region.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Stops it.
    ///
    /// # Errors
    /// When it had to be killed.
    pub async fn stop(self) -> Result<()> {
        self.server.stop().await
    }
}

//! Temporal's development server in a process of its own.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use temporalio_client::{Connection, ConnectionOptions, Url};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::{DescribeTaskQueueRequest, DescribeWorkflowExecutionRequest};
use tonic::{Code, IntoRequest};

use crate::error::{Result, io};
use crate::home::Home;
use crate::ports::{HOST, listen, with_fresh_port};
use crate::process::Server;
use crate::provision::Tools;

/// The namespace that the development server makes by itself.
const NAMESPACE: &str = "default";
const START_DEADLINE: Duration = Duration::from_secs(60);
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

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
        let ui_port = match options.ui {
            true => Some(free_ui_port(options.port)?),
            false => None,
        };
        let (server, port) = with_fresh_port(options.port, async |port| {
            let mut command = Command::new(&program);
            command.args(["server", "start-dev", "--ip", HOST, "--log-level", "error"]);
            command.args(["--port", &port.to_string()]);
            match ui_port {
                Some(ui_port) => command.args(["--ui-port", &ui_port.to_string()]),
                None => command.arg("--headless"),
            };
            if home.is_kept() {
                command.arg("--db-filename").arg(&database);
            }
            for (name, kind) in &options.search_attributes {
                command.args(["--search-attribute", &format!("{name}={kind}")]);
            }
            let mut server = Server::spawn("Temporal", &command, Signal::SIGTERM, None, log.clone()).await?;
            let address = format!("{HOST}:{port}");
            server.wait_until_ready(START_DEADLINE, async || answers(&address).await).await?;
            Ok((server, port))
        })
        .await?;
        Ok(Self {
            address: format!("{HOST}:{port}"),
            ui_url: ui_port.map(|port| format!("http://{HOST}:{port}")),
            server,
            _home: home.clone(),
        })
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

fn free_ui_port(port: Option<u16>) -> Result<u16> {
    let address = listen(port.map(|port| port.saturating_add(1000)))?.local_addr();
    Ok(address.map_err(io(|| "read a local address".into()))?.port())
}

/// Whether all the server's services work, not only the frontend that answers first: history says that it knows no such
/// workflow, matching describes a queue.
async fn answers(address: &str) -> Result<(), String> {
    let target = Url::parse(&format!("http://{address}")).map_err(|error| error.to_string())?;
    let options = ConnectionOptions::new(target).connect_timeout(CONNECT_DEADLINE).build();
    let connection = Connection::connect(options).await.map_err(|error| error.to_string())?;
    let no_such_workflow = DescribeWorkflowExecutionRequest {
        namespace: NAMESPACE.into(),
        execution: Some(WorkflowExecution { workflow_id: "readiness".into(), run_id: String::new() }),
    };
    let any_queue = DescribeTaskQueueRequest {
        namespace: NAMESPACE.into(),
        task_queue: Some(TaskQueue { name: "readiness".into(), ..TaskQueue::default() }),
        ..DescribeTaskQueueRequest::default()
    };
    let mut service = connection.workflow_service();
    match service.describe_workflow_execution(no_such_workflow.into_request()).await {
        Err(status) if status.code() == Code::NotFound && !status.message().contains("amespace") => {}
        Err(status) => return Err(status.to_string()),
        Ok(_) => {}
    }
    let described = service.describe_task_queue(any_queue.into_request()).await;
    described.map(drop).map_err(|status| status.to_string())
}

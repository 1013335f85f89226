//! Temporal's tables in PostgreSQL, by its own tool.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use temporalio_client::Url;
use tokio::process::Command;

use crate::error::{Error, Result, io};
use crate::home::Home;
use crate::ports::HOST;
use crate::provision::{ServerPrograms, run};

/// The databases, and the schemas that the tool has in it.
const SCHEMAS: [(&str, &str); 2] = [("temporal", "postgresql/v12/temporal"), ("temporal_visibility", "postgresql/v12/visibility")];
const DEADLINE: Duration = Duration::from_secs(60);

/// Makes the databases and brings their tables to this version, once for a home.
///
/// # Errors
/// When the tool fails.
pub(super) async fn prepare(home: &Home, programs: &ServerPrograms, url: &SecretString) -> Result<()> {
    let done = home.folder("temporal")?.join("schema.done");
    if done.exists() {
        return Ok(());
    }
    let url = Url::parse(url.expose_secret()).map_err(|error| Error::failed("reading the URL of Temporal's PostgreSQL", error))?;
    for (database, schema) in SCHEMAS {
        for verb in [vec!["create-database"], vec!["setup-schema", "-v", "0.0"], vec!["update-schema", "--schema-name", schema]] {
            run(tool(programs, &url, database).args(verb), DEADLINE).await?;
        }
    }
    std::fs::write(&done, "").map_err(io(|| format!("write {}", done.display())))
}

fn tool(programs: &ServerPrograms, url: &Url, database: &str) -> Command {
    let mut tool = Command::new(programs.sql_tool());
    tool.args(["--plugin", "postgres12", "--endpoint", url.host_str().unwrap_or(HOST)]);
    tool.args(["--port", &url.port().unwrap_or(5432).to_string(), "--user", url.username(), "--database", database]);
    // A process's arguments can be seen by others.
    tool.env("SQL_PASSWORD", url.password().unwrap_or_default());
    tool
}

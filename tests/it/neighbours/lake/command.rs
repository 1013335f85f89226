//! `oms export` as people run it: the binary that was built beside this test.

use std::{
    collections::BTreeMap,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::days;
use crate::support::Shop;

/// A running export of all tables.
pub struct Exporting(Child);

impl Exporting {
    pub fn start(shop: &Shop, to: &str, variables: &[(&str, &str)]) -> Result<Self> {
        let tests = std::env::current_exe()?;
        let binary = tests.parent().and_then(|deps| deps.parent()).context("a target folder")?.join("oms");
        let (first, last) = days();
        let mut command = Command::new(&binary);
        command.args(["export", "all", to, "--from", &first.to_string(), "--to", &last.to_string(), "-o", "json"]);
        command.env("DATABASE_URL", &shop.system.addresses.database_url).env("OMS_PRIVACY_KEY", "a key that nobody needs here");
        command.env("AWS_ENDPOINT_URL_DYNAMODB", &shop.system.addresses.dynamodb).env("AWS_REGION", "eu-west-2");
        command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Self(command.spawn().with_context(|| format!("{} does not run", binary.display()))?))
    }

    /// SIGKILL: it gets to finish nothing.
    pub fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// What it has done about each table.
    pub async fn end(self) -> Result<BTreeMap<String, Value>> {
        let ended = tokio::task::spawn_blocking(move || self.0.wait_with_output()).await??;
        if !ended.status.success() {
            bail!("{}: {}", ended.status, String::from_utf8_lossy(&ended.stderr));
        }
        let done: Vec<Value> = serde_json::from_slice(&ended.stdout)?;
        done.into_iter().map(|table| Ok((table["table"].as_str().context("a name")?.to_owned(), table))).collect()
    }
}

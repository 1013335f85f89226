//! `oms dev` on the kept folder, in a process of its own, and the ways to its parts.

use std::{collections::BTreeSet, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use sqlx::PgPool;
use tempfile::TempDir;
use temporalio_client::Client;

use crate::{
    api::Api,
    process::{PRODUCT, Process, Program},
    runs,
    until::until,
};

/// Under load on a small machine a start takes its time.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// A running installation.
pub struct House {
    pub api: Api,
    pub sql: PgPool,
    pub temporal: Client,
    /// The simulated payment gateway's URL.
    pub gateway: String,
    /// What other commands need to reach the parts.
    env: Vec<(String, String)>,
    dev: Process,
    logs: TempDir,
}

impl House {
    pub async fn start(data_dir: &Path) -> Result<Self> {
        let logs = tempfile::Builder::new().prefix("oms-aged-").tempdir()?;
        let (data_dir, env_file) = (data_dir.display().to_string(), logs.path().join("env"));
        let env_path = env_file.display().to_string();
        let args = ["dev", "--data-dir", &data_dir, "--env-file", &env_path, "--http-addr", "127.0.0.1:0", "--no-sample", "-o", "json"];
        // Nothing of the caller's installation, but where its tools are.
        let cache = std::env::var("OMS_CACHE_DIR").map(|cache| ("OMS_CACHE_DIR".to_owned(), cache)).ok();
        let mut dev = Process::start(&Program::This, "dev", &args, cache.as_slice(), logs.path())?;
        let log = logs.path().join("dev.log");
        let ready = until("oms dev to be ready", READY_WITHIN, async || {
            if dev.runs() {
                return Ok(ready_line(&std::fs::read_to_string(&log)?));
            }
            bail!("oms dev has ended:\n{}", std::fs::read_to_string(&log)?)
        })
        .await?;
        let at = |part: &str| ready[part].as_str().with_context(|| format!("{part} in {ready}"));
        let env = variables(&std::fs::read_to_string(&env_file)?);
        Ok(Self {
            api: Api::new(at("api")?, at("api_key")?)?,
            sql: PgPool::connect(at("database_url")?).await?,
            temporal: runs::connect(at("temporal_address")?).await?,
            gateway: value(&env, "OMS_PAYMENT_GATEWAY_URL")?,
            env,
            dev,
            logs,
        })
    }

    /// Ids of all orders that there are.
    pub async fn known_orders(&self) -> Result<BTreeSet<String>> {
        Ok(sqlx::query_scalar("SELECT order_id FROM orders").fetch_all(&self.sql).await?.into_iter().collect())
    }

    /// Compares all books; answers with the command's own exit code.
    pub async fn doctor(&self) -> Result<u8> {
        let mut command = tokio::process::Command::new(std::env::current_exe()?);
        command.args([PRODUCT, "doctor", "--reconcile", "--all"]).envs(self.env.iter().cloned());
        let code = command.status().await.context("oms doctor")?.code().context("oms doctor was killed")?;
        Ok(u8::try_from(code)?)
    }

    /// Where the logs stay after this program has ended.
    pub fn keep_logs(&mut self) -> String {
        self.logs.disable_cleanup(true);
        self.logs.path().display().to_string()
    }

    pub async fn stop(mut self) -> Result<()> {
        self.sql.close().await;
        self.dev.stop().await
    }
}

/// What `oms dev` says once it is ready. Its last line may be half written.
fn ready_line(log: &str) -> Option<Value> {
    let lines = log.lines().filter(|line| line.starts_with('{'));
    lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()).find(|line| line["api"].is_string())
}

/// The variables of a file for a shell.
fn variables(file: &str) -> Vec<(String, String)> {
    let lines = file.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    lines.map(|(name, quoted)| (name.to_owned(), quoted.trim_matches('\'').replace(r"'\''", "'"))).collect()
}

fn value(env: &[(String, String)], name: &str) -> Result<String> {
    let found = env.iter().find(|(known, _)| known == name);
    Ok(found.with_context(|| format!("oms dev does not tell {name}"))?.1.clone())
}

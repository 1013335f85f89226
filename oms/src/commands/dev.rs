//! `oms dev`: everything, on this machine, in one command.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use oms_devstack::{Progress, Tools};
use oms_domain::error::ErrorCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{dev_env, env_file::EnvFile, first_steps, signals::stop_signal};
use crate::{
    config::{ApiLayer, ConfigFile, PolicyLayer, ServerLayer},
    exit::Coded,
    output::{self, Format},
    running::Notice,
    runtime::{Dev, DevOptions},
    style,
};

/// `oms dev`
#[derive(Debug, Args)]
pub struct DevArgs {
    #[command(subcommand)]
    verb: Option<DevVerb>,
    #[command(flatten)]
    server: ServerLayer,
    #[command(flatten)]
    policy: PolicyLayer,
    /// Folder that keeps the state of everything [default: oms in the user's data folder].
    #[arg(long, env = "OMS_DATA_DIR", value_name = "DIR", conflicts_with = "ephemeral")]
    data_dir: Option<PathBuf>,
    /// Keep nothing.
    #[arg(long)]
    ephemeral: bool,
    /// How much faster than real the simulated payment gateway and carrier are: with 3600 a parcel arrives within a minute.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    time_scale: u32,
    /// Leave an empty database empty, without the sample catalogue.
    #[arg(long)]
    no_sample: bool,
    /// Activities after which the worker is built anew [default: 100000].
    #[arg(long, env = "OMS_RECYCLE_AFTER", value_name = "N")]
    recycle_after: Option<u64>,
    /// File for a shell to read, with what other commands need to reach the parts [default: env in the data folder].
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    #[command(flatten)]
    tools: ToolArgs,
    /// PostgreSQL that runs already, in place of one of our own.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretString>,
    /// DynamoDB that runs already, in place of one of our own.
    #[arg(long, env = "AWS_ENDPOINT_URL_DYNAMODB", value_name = "URL")]
    dynamodb_endpoint: Option<String>,
}

/// What else can be done about a development system.
#[derive(Debug, Subcommand)]
enum DevVerb {
    /// Print what a shell needs to reach the one that runs: its address and its key.
    #[command(after_help = "Example:\n  eval \"$(oms dev env)\"")]
    Env,
}

/// Where what must be installed is installed.
#[derive(Debug, Clone, Args)]
pub struct ToolArgs {
    /// Folder for Temporal and PostgreSQL, should they have to be installed [default: oms in the user's cache folder].
    #[arg(long, env = "OMS_CACHE_DIR", value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

impl ToolArgs {
    /// The tools, with progress on standard error.
    ///
    /// # Errors
    /// When there is no cache folder and none was named.
    pub fn tools(&self) -> Result<Tools> {
        let named = || dirs::cache_dir().map(|folder| folder.join("oms"));
        let cache = self.cache_dir.clone().or_else(named).context("there is no cache folder; name one with --cache-dir")?;
        Ok(Tools::new(cache, Progress::on_stderr()))
    }
}

impl DevArgs {
    /// Runs until Ctrl-C, then stops all it started.
    ///
    /// # Errors
    /// The first part that cannot be started, or that ends by itself; the others are stopped.
    pub async fn run(self, file: ConfigFile, api: ApiLayer, format: Format) -> Result<()> {
        if let Some(DevVerb::Env) = self.verb {
            return dev_env::print(&api.over(file.client), format);
        }
        let mut stop = Box::pin(stop_signal()?);
        crate::runtime::open_files::raise();
        let (sample, env_file) = (!self.no_sample, self.env_file.clone());
        let options = self.options(file)?;
        let env_file = env_file.or_else(|| Some(options.data_dir.as_ref()?.join("env")));
        let progress = options.tools.progress().clone();
        let started = async {
            let dev = Dev::start(options).await?;
            let sampled = if sample { first_steps::sample_catalogue(&dev.system).await? } else { false };
            first_steps::console_person(&dev.system, &dev.console_password).await?;
            anyhow::Ok((dev, sampled))
        };
        let (mut dev, sampled) = tokio::select! {
            started = started => started?,
            // What had been started is stopped with the future.
            () = &mut stop => return Ok(()),
        };
        let env_file = env_file.map(|path| EnvFile::write(&path, &dev)).transpose()?;
        let notice = Notice::write(&dev.system.api_url, dev.system.api_key.text())?;
        announce(&dev, format, sampled, env_file.as_ref())?;
        let ended = tokio::select! {
            ended = dev.system.ended() => ended,
            Err(gone) = dev.stack.look_after() => Err(gone.into()),
            () = &mut stop => Ok(()),
        };
        progress.say("Stopping: the API, the worker, then the servers");
        drop((env_file, notice));
        let stopped = dev.stop().await;
        ended.and(stopped)?;
        progress.say("Everything has stopped");
        Ok(())
    }

    fn options(self, file: ConfigFile) -> Result<DevOptions> {
        let tools = self.tools.tools()?;
        let named = || dirs::data_dir().map(|folder| folder.join("oms"));
        let data_dir = match self.ephemeral {
            true => None,
            false => Some(self.data_dir.or_else(named).context("there is no data folder; name one with --data-dir, or use --ephemeral")?),
        };
        let server = self.server.over(file.server);
        Ok(DevOptions {
            data_dir,
            well_known: true,
            http_addr: loopback(server.address())?,
            policy: self.policy.over(file.policy).policy(),
            snapshot_guard: server.snapshot_guard(),
            time_scale: self.time_scale,
            database_url: self.database_url,
            dynamodb_endpoint: self.dynamodb_endpoint,
            recycle_after: self.recycle_after.or(file.worker.recycle_after),
            ..DevOptions::ephemeral(tools)
        })
    }
}

/// The simulated carrier posts its scans to this machine.
fn loopback(address: SocketAddr) -> Result<SocketAddr> {
    if address.is_ipv4() {
        return Ok(address);
    }
    bail!(Coded::new(ErrorCode::ValidationFailed, format!("{address} is not an IPv4 address, such as 127.0.0.1:8080")))
}

fn announce(dev: &Dev, format: Format, sampled: bool, env_file: Option<&EnvFile>) -> Result<()> {
    let (system, stack) = (&dev.system, &dev.stack);
    if format != Format::Text {
        let ready = json!({
            "api": system.api_url, "api_key": system.api_key.text().expose_secret(), "console": format!("{}/console", system.api_url),
            "console_email": first_steps::CONSOLE_EMAIL, "console_password": dev.console_password.expose_secret(), "temporal_ui": stack.temporal_ui_url, "temporal_address": stack.temporal_address,
            "database_url": stack.database_url.expose_secret(), "dynamodb_endpoint": stack.dynamodb_endpoint,
        });
        return output::line(&ready.to_string());
    }
    let mut lines = vec![String::new(), style::strong("The order management system is ready.")];
    let mut place = |name: &str, value: &str| lines.push(format!("  {name:<12}{value}"));
    place("API", &system.api_url);
    place("Console", &format!("{}/console", system.api_url));
    place("", &format!("log in as {} with {}", first_steps::CONSOLE_EMAIL, dev.console_password.expose_secret()));
    place("OpenAPI", &format!("{}/openapi.json", system.api_url));
    place("Temporal UI", stack.temporal_ui_url.as_deref().unwrap_or("-"));
    place("Temporal", &stack.temporal_address);
    place("PostgreSQL", stack.database_url.expose_secret());
    place("DynamoDB", &stack.dynamodb_endpoint);
    lines.push(String::new());
    lines.extend(first_steps::advice(&system.api_url, sampled, env_file.map(EnvFile::path)));
    anstream::println!("{}", lines.join("\n"));
    Ok(())
}

//! `oms deploy`: builds of the workflows beside each other, and how one takes over from another.
//!
//! An order stays with the build that began it. It goes over to the current build where it hands over to a new run: when its history is
//! long, or when `drain` asks it to. Both builds have workers until the older one has no open runs.

mod builds;
mod drain;

use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use oms_domain::error::ErrorCode;
use serde_json::json;

use crate::{
    config::{ConfigFile, TemporalLayer},
    exit::Coded,
    output::{self, Format, table},
};
use builds::{BuildView, Deployment};

pub(crate) use builds::of_build;

/// The deployment unless said.
const DEPLOYMENT_NAME: &str = "oms";

/// This build's id: its version and the commit it was made from, or, where the build was not told that, what the program's file adds up to.
pub fn build_id() -> String {
    let commit = option_env!("OMS_COMMIT").filter(|commit| !commit.is_empty());
    let commit = commit.unwrap_or_else(|| temporalio_common::worker::build_id_from_current_exe());
    format!("{}-{commit}", env!("CARGO_PKG_VERSION"))
}

/// `oms deploy`
#[derive(Debug, Args)]
pub struct DeployArgs {
    /// The deployment, as the workers are told it.
    #[arg(long, env = "OMS_DEPLOYMENT_NAME", default_value = DEPLOYMENT_NAME, value_name = "NAME", global = true)]
    deployment_name: String,
    #[command(flatten)]
    temporal: TemporalLayer,
    #[command(subcommand)]
    verb: DeployVerb,
}

#[derive(Debug, Subcommand)]
enum DeployVerb {
    /// List the builds: which is current, which has open runs, which has workers.
    #[command(after_help = "Example:\n  oms deploy status -o json")]
    Status,
    /// Begin new orders, and those that hand over, with a build. It must have workers.
    #[command(after_help = "Example:\n  oms deploy set-current 1.4.0-9f31c2a")]
    SetCurrent {
        /// The build; `this` is the build of this program.
        build_id: String,
    },
    /// Begin a share of the new orders with a build, to see how it does. It must have workers.
    #[command(after_help = "Example:\n  oms deploy ramp 1.4.0-9f31c2a --percent 5")]
    Ramp {
        /// The build; `this` is the build of this program.
        build_id: String,
        /// Share of the new orders; 0 ends the ramp.
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
        percent: u8,
    },
    /// Have the open runs of older builds hand over to the current one, each when it is at rest and no payment is under way, and wait until
    /// none is left.
    #[command(after_help = "Example:\n  oms deploy drain --per-second 50 --timeout 1800")]
    Drain {
        /// The build to drain [default: all that are neither current nor ramping].
        build_id: Option<String>,
        /// Runs to ask a second.
        #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
        per_second: u32,
        /// Seconds for all of it, the asking included.
        #[arg(long, default_value_t = 600, value_name = "SECONDS")]
        timeout: u64,
    },
}

impl DeployArgs {
    /// Does it.
    ///
    /// # Errors
    /// `not_found` when there is no such deployment or build; `refused_by_rule` when a build has no workers or may not be drained;
    /// `timed_out` when runs are still open; `unavailable` when Temporal does not answer.
    pub async fn run(self, file: ConfigFile, format: Format) -> Result<()> {
        let temporal = self.temporal.over(file.temporal);
        let client = temporal.connection()?.connect().await?;
        let deployment = Deployment::new(client, self.deployment_name, &temporal.queues());
        match self.verb {
            DeployVerb::Status => {}
            DeployVerb::SetCurrent { build_id } => deployment.set_current(&named(build_id)).await?,
            DeployVerb::Ramp { build_id, percent } => deployment.ramp(&named(build_id), percent).await?,
            DeployVerb::Drain { build_id, per_second, timeout } => {
                let builds = to_drain(&deployment.builds().await?, build_id)?;
                drain::drain(&deployment, &builds, per_second, Duration::from_secs(timeout)).await?;
            }
        }
        let builds = deployment.builds().await?;
        output::list::<BuildView>(format, &builds.iter().map(|build| json!(build)).collect::<Vec<_>>(), None, text)
    }
}

fn named(id: String) -> String {
    if id == "this" { build_id() } else { id }
}

/// The builds to drain. The current one cannot be: its runs would come back to it.
fn to_drain(builds: &[BuildView], wanted: Option<String>) -> Result<Vec<String>> {
    if !builds.iter().any(|build| build.status == "current") {
        let message = "no build is current: there is nothing that runs could hand over to";
        bail!(Coded::new(ErrorCode::RefusedByRule, message).hint("name one with `oms deploy set-current`"));
    }
    let live = |build: &&BuildView| build.status != "current" && build.status != "ramping";
    let Some(wanted) = wanted else { return Ok(builds.iter().filter(live).map(|build| build.build_id.clone()).collect()) };
    match builds.iter().find(|build| build.build_id == wanted) {
        None => bail!(Coded::new(ErrorCode::NotFound, format!("there is no build {wanted}; see `oms deploy status`"))),
        Some(build) if !live(&build) => {
            bail!(Coded::new(ErrorCode::RefusedByRule, format!("build {wanted} is {}: its runs would come back to it", build.status)))
        }
        Some(_) => Ok(vec![wanted]),
    }
}

fn text(builds: &[BuildView]) -> String {
    if builds.is_empty() {
        return "no build has had workers yet".to_owned();
    }
    let rows = builds.iter().map(|build| {
        let status = if build.ramp_percent > 0.0 { format!("{} {} %", build.status, build.ramp_percent) } else { build.status.clone() };
        [build.build_id.clone(), status, build.open_runs.to_string(), build.workers.to_string()]
    });
    let mut text = table(["BUILD", "STATUS", "OPEN RUNS", "WORKERS"], rows);
    for build in builds.iter().filter(|build| build.open_runs > 0 && build.workers == 0) {
        text.push_str(&format!(
            "\n{} open runs wait for build {}, which has no workers: start some, or drain is of no use",
            build.open_runs, build.build_id
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(id: &str, status: &str) -> BuildView {
        BuildView { build_id: id.to_owned(), status: status.to_owned(), ramp_percent: 0.0, open_runs: 1, workers: 1 }
    }

    #[test]
    fn what_is_neither_current_nor_ramping_is_drained_and_nothing_else() {
        let builds = [build("1", "draining"), build("2", "current"), build("3", "ramping"), build("4", "inactive")];
        assert_eq!(to_drain(&builds, None).unwrap(), ["1", "4"]);
        assert_eq!(to_drain(&builds, Some("4".into())).unwrap(), ["4"]);
        assert!(to_drain(&builds, Some("2".into())).unwrap_err().to_string().contains("is current"));
        assert!(to_drain(&builds, Some("5".into())).unwrap_err().to_string().contains("no build 5"));
        assert!(to_drain(&builds[..1], None).unwrap_err().to_string().contains("no build is current"));
    }
}

//! The demo by way of streams, as whoever tries the system first would play it.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::Value;
use tokio::process::Command;

use super::moto::{Moto, REGION};
use crate::support::run;

/// Set: this process is the demo's.
const ORDERS: &str = "OMS_TESTS_DEMO_ORDERS";

#[test]
fn a_shop_runs_on_files_and_queues_alone_and_reads_back_every_event() -> Result<()> {
    run(async {
        let moto = Moto::start().await?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--exact", "neighbours::cloud::demo::demo_process", "--ignored", "--nocapture"]).env(ORDERS, "12");
        command.env("AWS_ENDPOINT_URL", &moto.url).env("AWS_REGION", REGION);
        command.env("AWS_ACCESS_KEY_ID", "any").env("AWS_SECRET_ACCESS_KEY", "any");
        let ran = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
        let said = String::from_utf8_lossy(&ran.stdout);
        ensure!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
        let json = said.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).context("figures")?.0;
        let figures: Value = serde_json::from_str(&format!("{{{json}}}"))?;
        let told = &figures["told"];
        ensure!(figures["ok"] == true && told["missing"] == 0 && told["corrected"] == 0 && told["orders"] == 12, "{figures}");
        Ok(())
    })
}

#[test]
#[ignore = "the demo; the test of it starts it"]
fn demo_process() -> Result<()> {
    let orders = std::env::var(ORDERS).context("the test that needs this process starts it")?;
    let cli = oms::Cli::parse_from(["oms", "demo", "--through", "streams", "--orders", &orders, "-o", "json"]);
    run(async { oms::run(cli).await })
}

//! Breaks the system while orders go through it, and counts what must not be so.
//!
//! ```sh
//! cargo run -p oms-tests --bin faults -- --list
//! cargo run -p oms-tests --bin faults -- worker_killed temporal_killed --seed 7
//! cargo run -p oms-tests --bin faults -- --short
//! ```
//!
//! The product runs in processes of its own (this program starts itself as `oms`), against Temporal on a PostgreSQL of its own,
//! PostgreSQL, DynamoDB and the simulated companies, each behind a proxy. The driver is a client of the HTTP API; the checker knows none of
//! the product's code: it reads the API, the ledgers of the simulators, tables by SQL of its own, and Temporal.

mod breaking;
mod checker;
mod clocks;
mod deploying;
mod driver;
mod feeds;
mod gone;
mod ground;
mod http_proxy;
mod moving;
mod process;
mod random;
mod report;
mod restoring;
mod scenarios;
mod tcp_proxy;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::{
    driver::Plan,
    ground::{Ground, Needs},
    report::{Outcome, Report},
    scenarios::Scenario,
};

/// Breaks the system while orders go through it, and counts what must not be so.
#[derive(Debug, Parser)]
#[command(name = "faults", after_help = "Example:\n  faults worker_killed postgres_killed --seed 7 --minutes 2")]
struct Args {
    /// Faults to try, one after the other [default: all].
    names: Vec<String>,
    /// Only those that are quick, as the checks before a change lands do.
    #[arg(long, conflicts_with = "names")]
    short: bool,
    /// Say what there is.
    #[arg(long)]
    list: bool,
    /// Decides what is ordered and when what breaks; printed, so that a run can be had again [default: the clock's].
    #[arg(long)]
    seed: Option<u64>,
    /// How long each fault goes on being done; at least once.
    #[arg(long, default_value_t = 0.0, value_name = "MINUTES")]
    minutes: f64,
    /// Orders that go through each fault.
    #[arg(long, default_value_t = 24, value_name = "N")]
    orders: usize,
    /// Seconds that everything may take to come to rest afterwards.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    settle: u64,
    /// The `oms` of an earlier build, for `earlier_build`.
    #[arg(long, value_name = "FILE")]
    earlier: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    rustls::crypto::ring::default_provider().install_default().map_err(|_| anyhow::anyhow!("a TLS provider is installed already"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if std::env::args().nth(1).as_deref() == Some(process::PRODUCT) {
        // The product, in a process of its own.
        let cli = oms::Cli::parse_from(std::env::args().skip(1));
        return Ok(match runtime.block_on(oms::run(cli)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                oms::exit::report(&error, oms::output::Format::Text);
                ExitCode::from(oms::exit::exit_code(&error))
            }
        });
    }
    let args = Args::parse();
    if args.list {
        scenarios::all()
            .for_each(|scenario| println!("{:<28}{}{}", scenario.name, scenario.about, if scenario.short { "" } else { " (long)" }));
        return Ok(ExitCode::SUCCESS);
    }
    let sound = runtime.block_on(run(&args))?;
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run(args: &Args) -> Result<bool> {
    let seed = args.seed.unwrap_or_else(|| u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default());
    let chosen = chosen(args)?;
    println!("faults --seed {seed}: {}", chosen.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(" "));
    let mut report = Report::default();
    for (number, scenario) in chosen.iter().enumerate() {
        let plan = Plan {
            name: scenario.name,
            seed: seed.wrapping_add(number as u64),
            orders: args.orders.max(scenario.orders_min),
            go_on: Duration::from_secs_f64(args.minutes * 60.0),
            settle: Duration::from_secs(args.settle),
        };
        match play(scenario, &plan, args.earlier.as_deref()).await {
            Ok(outcome) => report.add(scenario.name, outcome),
            Err(why) => report.failed(scenario.name, &why),
        }
    }
    println!("\nseed {seed}\n{report}");
    Ok(report.is_sound())
}

/// On a ground of its own: what one breaks for good does not spoil the next.
async fn play(scenario: &Scenario, plan: &Plan, earlier: Option<&Path>) -> Result<Outcome> {
    let mut ground = Ground::start(scenario.needs, earlier).await.context("the ground")?;
    let outcome = scenarios::play(scenario, &mut ground, plan).await;
    let outcome = outcome.with_context(|| format!("its processes' logs are in {}", ground.keep_logs()))?;
    if !outcome.is_sound() {
        println!("{}: the processes' logs are in {}", scenario.name, ground.keep_logs());
    }
    ground.stop().await?;
    Ok(outcome)
}

fn chosen(args: &Args) -> Result<Vec<&'static Scenario>> {
    if args.names.is_empty() {
        let all = scenarios::all().filter(|scenario| scenario.short || !args.short);
        let (left_out, chosen): (Vec<_>, Vec<_>) =
            all.partition(|scenario| args.earlier.is_none() && matches!(scenario.needs, Needs::EarlierBuild(_)));
        left_out.iter().for_each(|scenario| println!("{} is left out: --earlier names no earlier build", scenario.name));
        return Ok(chosen);
    }
    let find = |name: &String| scenarios::all().find(|scenario| scenario.name == name);
    if let Some(unknown) = args.names.iter().find(|name| find(name).is_none()) {
        bail!("there is no fault {unknown}; --list says what there is");
    }
    Ok(args.names.iter().filter_map(find).collect())
}

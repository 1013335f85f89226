//! `oms bench`: the system's own bounds, each measured beside its yardstick on the same servers.
//!
//! Where a bound is a ratio, yardstick and system run alternately and the median of the pairs' ratios decides: the development server
//! of Temporal slows down as it fills, and this machine may have other things to do.

mod bare;
mod console;
mod cost;
mod door;
mod events;
mod feeds;
mod history;
mod imports;
mod insights;
mod memory;
mod orders;
mod report;
mod reserve;
mod shop;
mod size;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use oms_devstack::{StackOptions, Tools};
use serde_json::json;

use self::report::{Measurement, Report};
use crate::{
    commands::dev::ToolArgs,
    demo::stage::Stage,
    output::{self, Format},
};

/// Unless it is said how many.
const ORDERS: u32 = 300;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// State transitions and history events of an order.
    History,
    /// Orders per second, from entry to completed, against a bare workflow.
    Orders,
    /// Processor time, transactions and waiting of an order.
    Cost,
    /// Reservations of one hot SKU per second, against the bare statements.
    Reserve,
    /// How long feeds take, through the API.
    Imports,
    /// What reservations and returns wait for while a feed of receipts comes in. By name alone: it takes long.
    Feeds,
    /// What keys and the audit trail cost of what is answered, and what a crowd of idle connections does to others.
    Door,
    /// Events delivered against a bare client, beside a dead and a slow receiver, and how soon when nothing else is to be done.
    Events,
    /// How far figures are behind, how fast orders are counted, and what a page of a quarter of a year costs. By name alone: it takes long.
    Insights,
    /// Resident memory of a worker: idle, and with a thousand open orders.
    Memory,
    /// What a page weighs and takes in a shop of a million orders, how long a scan takes, and how soon whoever looks is told. By name alone: the
    /// shop takes long to make.
    Console,
    /// What an order leaves in PostgreSQL, and what lists, figures, a whole snapshot and pruning cost in a shop of a million orders.
    Size,
}

/// `oms bench`
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure [default: everything].
    parts: Vec<Part>,
    /// Pairs of yardstick and system; the median counts.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Orders of each run of `orders` and `cost` [default: 300], and of the shops of `size`, `insights` and `console` [default: 1000000].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    orders: Option<u32>,
    /// Positions of stock of the shop of `size` and `console`, at 1,000 facilities.
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    positions: u32,
    /// Folder with recorded data, for imports and memory [default: a data set drawn from a seed].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Hold idle connections and half requests at this API until standard input ends, as `door` has another process do.
    #[arg(long, hide = true, value_name = "URL")]
    crowd: Option<String>,
    #[command(flatten)]
    tools: ToolArgs,
}

impl BenchArgs {
    /// Measures and prints. A bound that is missed is a result, not an error.
    ///
    /// # Errors
    /// When a part cannot be started, or the system gives a wrong answer while it is measured.
    pub async fn run(self, format: Format) -> Result<()> {
        if let Some(api_url) = &self.crowd {
            return door::be_a_crowd(api_url).await;
        }
        let tools = self.tools.tools()?;
        let all =
            [Part::History, Part::Orders, Part::Cost, Part::Reserve, Part::Imports, Part::Door, Part::Events, Part::Memory, Part::Size];
        let parts = if self.parts.is_empty() { all.to_vec() } else { self.parts.clone() };
        let mut measurements = Vec::new();
        for part in parts {
            let name = part.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
            tools.progress().say(&format!("Measuring {name}"));
            measurements.extend(self.measure(part, &tools).await?);
        }
        let report = Report::new(self.pairs, measurements);
        output::show::<serde_json::Value>(format, &json!(report), |_| report.text())
    }

    async fn measure(&self, part: Part, tools: &Tools) -> Result<Vec<Measurement>> {
        let orders = self.orders.unwrap_or(ORDERS);
        match part {
            Part::History => on_a_stage(tools, async |stage| history::measure(stage, self.pairs).await).await,
            Part::Orders => on_a_stage(tools, async |stage| orders::measure(stage, self.pairs, orders).await).await,
            Part::Cost => on_a_stage(tools, async |stage| cost::measure(stage, self.pairs, orders).await).await,
            Part::Reserve => on_a_stage(tools, async |stage| reserve::measure(stage, self.pairs).await).await,
            Part::Imports => imports::measure(tools, self.pairs, self.data.as_deref()).await,
            Part::Feeds => on_a_stage(tools, async |stage| feeds::measure(stage, self.pairs).await).await,
            Part::Door => on_a_stage(tools, async |stage| door::measure(stage, self.pairs).await).await,
            Part::Events => on_a_stage(tools, async |stage| events::measure(stage, self.pairs).await).await,
            Part::Insights => {
                let orders = self.orders.unwrap_or(insights::ORDERS);
                on_a_stage(tools, async |stage| insights::measure(stage, tools.progress(), orders).await).await
            }
            Part::Memory => on_a_stage(tools, async |stage| memory::measure(stage, self.data.as_deref()).await).await,
            Part::Console => {
                let (orders, positions) = (self.orders.unwrap_or(size::ORDERS), self.positions);
                on_a_stage(tools, async |stage| console::measure(stage, tools.progress(), orders, positions).await).await
            }
            Part::Size => {
                let (orders, positions) = (self.orders.unwrap_or(size::ORDERS), self.positions);
                on_a_stage(tools, async |stage| size::measure(stage, tools.progress(), orders, positions).await).await
            }
        }
    }
}

/// Fresh servers for a measurement; they are stopped whatever comes of it.
async fn on_a_stage<T>(tools: &Tools, measure: impl AsyncFnOnce(&Stage) -> Result<T>) -> Result<T> {
    let stage = Stage::build(StackOptions::ephemeral(tools.clone()), false).await?;
    let measured = measure(&stage).await;
    let stopped = stage.stack.stop().await;
    let measured = measured?;
    stopped?;
    Ok(measured)
}

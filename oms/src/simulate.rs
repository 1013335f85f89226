//! `oms simulate`: what a policy of allocation would have cost on recorded orders. Nothing of it needs a server.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use clap::Args;
use flate2::read::GzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use oms_allocation::{
    Rules,
    simulate::{COLUMNS, Data, DataTexts, Figures, Policy, Run, Settings, cells, chart_svg, orders_csv, replay, summary_csv},
};
use oms_domain::error::ErrorCode;
use serde_json::{Value, json};

use crate::{
    client::words::read_text,
    exit::Coded,
    output::{self, Format, table},
};

/// `oms simulate`
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// A folder with facilities.csv, products.csv, inventory.csv, replenishment.csv.gz and orders.jsonl.gz.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// nearest, fewest, exact, stock-prices, pooling or both; may be repeated [default: all].
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    policy: Vec<Policy>,
    /// The rule file in force [default: the built-in rules].
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// A candidate rule file: what it would have decided is kept for each order, and changes nothing.
    #[arg(long, value_name = "FILE")]
    shadow: Option<PathBuf>,
    /// Only the first orders.
    #[arg(long, value_name = "N")]
    orders: Option<usize>,
    /// A unit may wait for its price, as for real orders; without it all that can ship does.
    #[arg(long)]
    wait: bool,
    /// Also compute how much cheaper each day's orders, decided together, could have been at most. Takes minutes.
    #[arg(long)]
    gap: bool,
    /// Write summary.csv, orders.csv and chart.svg there.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// A run and how fast it was.
struct Timed {
    run: Run,
    seconds: f64,
}

impl SimulateArgs {
    /// Replays the orders under each policy and prints the figures side by side.
    ///
    /// # Errors
    /// `validation_failed` when a file is wrong; when one cannot be read or written.
    pub fn run(self, format: Format) -> Result<()> {
        let data = read(&self.data)?;
        let rules = self.rules.as_deref().map_or_else(|| Ok(Rules::built_in()), read_rules)?;
        let shadow = self.shadow.as_deref().map(read_rules).transpose()?;
        let policies = if self.policy.is_empty() { Policy::ALL.to_vec() } else { self.policy.clone() };
        let mut runs = vec![];
        for policy in policies {
            let settings = Settings {
                shadow: shadow.as_ref(),
                units_wait: self.wait,
                optimum: self.gap,
                at_most: self.orders,
                ..Settings::new(policy, &rules)
            };
            runs.push(timed(&data, settings)?);
        }
        if let Some(folder) = &self.out {
            write(folder, &runs)?;
        }
        let values: Vec<Value> = runs.iter().map(json_of).collect();
        output::list::<Value>(format, &values, None, |_| text(&runs))
    }
}

fn timed(data: &Data, settings: Settings) -> Result<Timed> {
    let orders = data.orders.len().min(settings.at_most.unwrap_or(usize::MAX));
    let bar = ProgressBar::new(orders as u64).with_message(settings.policy.name());
    bar.set_style(ProgressStyle::with_template("{msg:13} {wide_bar} {pos}/{len} orders, {per_sec}, {eta} left")?);
    let start = Instant::now();
    let run = replay(data, settings, || bar.inc(1)).map_err(|error| Coded::new(ErrorCode::ValidationFailed, error.to_string()))?;
    bar.finish_and_clear();
    Ok(Timed { run, seconds: start.elapsed().as_secs_f64() })
}

impl Timed {
    /// None with a gap: its bound takes most of the time, and is no part of deciding.
    fn orders_per_s(&self) -> Option<f64> {
        let rate = (self.run.orders.len() as f64 / self.seconds.max(f64::MIN_POSITIVE)).round();
        self.run.optimum.is_none().then_some(rate)
    }
}

fn json_of(timed: &Timed) -> Value {
    let run = &timed.run;
    json!({
        "policy": run.policy.name(),
        "figures": Figures::of(&run.orders),
        "moves": run.moves,
        "gap_share": run.optimum.map(|bounded| bounded.gap_share()),
        "orders_per_s": timed.orders_per_s(),
    })
}

fn text(runs: &[Timed]) -> String {
    let [policy, packages, split, dear, cost, km, late, fill, unfilled, moves, gap] = COLUMNS.map(str::to_uppercase);
    let header = [&policy, &packages, &split, &dear, &cost, &km, &late, &fill, &unfilled, &moves, &gap, "ORDERS/S"];
    let rate = |timed: &Timed| timed.orders_per_s().map_or_else(|| "-".to_owned(), |rate| rate.to_string());
    let row = |timed: &Timed| {
        let [policy, packages, split, dear, cost, km, late, fill, unfilled, moves, gap] = cells(&timed.run);
        [policy, packages, split, dear, cost, km, late, fill, unfilled, moves, gap, rate(timed)]
    };
    table(header.map(|name| name as &str), runs.iter().map(row))
}

fn write(folder: &Path, runs: &[Timed]) -> Result<()> {
    let runs: Vec<Run> = runs.iter().map(|timed| timed.run.clone()).collect();
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for (name, text) in [("summary.csv", summary_csv(&runs)?), ("orders.csv", orders_csv(&runs)?), ("chart.svg", chart_svg(&runs))] {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn read_rules(path: &Path) -> Result<Rules> {
    let wrong = |mistakes| Coded::new(ErrorCode::ValidationFailed, format!("{}:\n{mistakes}", path.display()));
    Ok(Rules::parse(&read_text(path)?).map_err(wrong)?)
}

fn read(folder: &Path) -> Result<Data> {
    let texts = ["facilities.csv", "products.csv", "inventory.csv", "replenishment.csv.gz", "orders.jsonl.gz"];
    let [facilities_csv, products_csv, inventory_csv, replenishment_csv, orders_jsonl] = texts.map(|name| file_text(&folder.join(name)));
    let texts = DataTexts {
        facilities_csv: &facilities_csv?,
        products_csv: &products_csv?,
        inventory_csv: &inventory_csv?,
        replenishment_csv: &replenishment_csv?,
        orders_jsonl: &orders_jsonl?,
    };
    let wrong = |error| Coded::new(ErrorCode::ValidationFailed, format!("{}: {error}", folder.display()));
    Ok(Data::read(texts).map_err(wrong)?)
}

fn file_text(path: &Path) -> Result<String> {
    let unreadable = |error| Coded::new(ErrorCode::ValidationFailed, format!("{} cannot be read: {error}", path.display()));
    let mut file = File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    match path.extension().is_some_and(|extension| extension == "gz") {
        true => GzDecoder::new(file).read_to_string(&mut text),
        false => file.read_to_string(&mut text),
    }
    .map_err(unreadable)?;
    Ok(text)
}

//! Shows that orders stay what they are when a year has gone over them.
//!
//! ```sh
//! oms demo --data DIR --orders 700 --data-dir KEPT
//! cargo run -p oms-tests --bin aged -- --data-dir KEPT --orders DIR/orders.jsonl.gz --first 700
//! ```
//!
//! On what a demo has left: Temporal forgets every run that has ended, what is past its time is deleted, every order is placed again, one
//! run is set back to its beginning and one is terminated. Then every order that had ended, every position and the gateway's books are
//! compared with what they were, and `oms doctor --reconcile` has the last word. Nothing here knows the product's code but the part that
//! starts it (this program starts itself as `oms`).

mod again;
mod api;
mod bar;
mod compare;
mod house;
mod known;
mod orders;
#[path = "../faults/process.rs"]
#[expect(dead_code, reason = "nothing is frozen or started again here")]
mod process;
mod pruning;
mod report;
mod runs;
mod until;
mod upset;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::Parser;

use crate::{house::House, known::Known, orders::Ordered, report::Report, upset::Upset};

/// Shows that orders stay what they are when their runs and whatever is past its time are gone.
#[derive(Debug, Parser)]
#[command(name = "aged", after_help = "Example:\n  aged --data-dir kept --orders online-retail/orders.jsonl.gz --first 700")]
struct Args {
    /// Folder that `oms demo --data-dir` has left, which nothing else uses meanwhile.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The orders that the demo has played.
    #[arg(long, value_name = "FILE.jsonl.gz")]
    orders: PathBuf,
    /// How many of them, from the first [default: those that the folder knows].
    #[arg(long, value_name = "N")]
    first: Option<usize>,
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
    let code = runtime.block_on(run(&Args::parse()))?;
    runtime.shutdown_timeout(Duration::from_secs(5));
    Ok(ExitCode::from(code))
}

/// Answers with an exit code.
async fn run(args: &Args) -> Result<u8> {
    let mut house = House::start(&args.data_dir).await?;
    let shown = show(&house, args).await;
    if !matches!(shown, Ok(0)) {
        println!("the log of oms is in {}", house.keep_logs());
    }
    // Stopped whatever was found: it holds the folder.
    let stopped = house.stop().await;
    let shown = shown?;
    stopped?;
    Ok(shown)
}

/// Does everything there is to do to the folder, and says what came of it.
async fn show(house: &House, args: &Args) -> Result<u8> {
    let orders = orders::read(&args.orders, args.first, &house.known_orders().await?)?;
    let upset = Upset::place(house, orders.first().context("the folder knows none of the orders")?).await?;
    let before = Known::of(house, &orders).await?;
    let (all, ended) = (orders.len(), before.ended.len());
    println!("{all} orders: {ended} have ended, the other {} may move by themselves", all - ended);
    println!("{} runs deleted", runs::delete_closed(&house.temporal).await?);
    let dated = pruning::date_back(&house.sql).await?;
    println!("{dated} rows dated back by {} days, {} deleted", pruning::DAYS, pruning::prune(&house.temporal).await?);
    let report = all_that_came_of_it(house, &orders, upset, &before).await?;
    println!("{report}");
    let books = house.doctor().await?;
    Ok(if report.is_clean() { books } else { books.max(1) })
}

async fn all_that_came_of_it(house: &House, orders: &[Ordered], upset: Upset, before: &Known) -> Result<Report> {
    let mut report = Report::default();
    again::place(house, orders, before, &mut report).await?;
    let open = runs::of_open_orders(&house.temporal).await?;
    compare::runs(&open, before, &mut report);
    upset.play(house, before.orders.keys().find(|id| open.contains(*id)), &mut report).await?;
    compare::all(before, &Known::of(house, orders).await?, &mut report);
    Ok(report)
}

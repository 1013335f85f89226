//! `oms feed`: facilities, products, stock, receipts and orders in bulk.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use oms_api::feed::{FacilityChangeView, FeedView, ParkedView, PositionChangeView, RejectView};
use oms_domain::error::ErrorCode;
use serde_json::json;

use super::{Api, mapping, order_text::seconds, paging::Paging, upload::Upload};
use crate::{
    exit::Coded,
    output::{self, Format, counted, or_dash, table},
};

/// Rejected rows shown after an import; `oms feed rejects` shows all.
const REJECTS_SHOWN: usize = 10;

/// What can be done with feeds.
#[derive(Debug, Subcommand)]
pub enum FeedCommand {
    /// Import a file: CSV with a header or JSON lines, gzip or not. A bad row stops no other.
    ///
    /// Exits with 4 when rows were rejected: the others are in all the same. The same file again changes nothing.
    #[command(after_help = "Example:\n  oms feed import stock inventory.csv --as-of 2010-12-01T00:00:00Z\n  \
        oms feed import stock bestand.csv --mapping docs/mappings/erp-stock.toml")]
    Import(ImportArgs),
    /// List feed runs, newest first.
    #[command(after_help = "Example:\n  oms feed list --limit 20")]
    List {
        #[command(flatten)]
        page: Paging,
    },
    /// Show a feed run.
    #[command(after_help = "Example:\n  oms feed get 01930f4e-7c1e-7b44-9d57-0e8f4a1c2b3d")]
    Get { feed_id: String },
    /// Apply a stock feed that was parked because it would change too much, as of its own time.
    #[command(after_help = "Example:\n  oms feed approve 01930f4e-7c1e-7b44-9d57-0e8f4a1c2b3d")]
    Approve { feed_id: String },
    /// Reject a stock feed that was parked: nothing of it is applied. After a week without a decision that happens by itself.
    #[command(after_help = "Example:\n  oms feed reject 01930f4e-7c1e-7b44-9d57-0e8f4a1c2b3d")]
    Reject { feed_id: String },
    /// List the rows of a run that were rejected, with the reason for each.
    #[command(after_help = "Example:\n  oms feed rejects 01930f4e-7c1e-7b44-9d57-0e8f4a1c2b3d -o jsonl")]
    Rejects {
        feed_id: String,
        #[command(flatten)]
        page: Paging,
    },
}

/// What a feed holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FeedKind {
    Facilities,
    Products,
    Stock,
    Receipts,
    Orders,
}

impl FeedKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Facilities => "facilities",
            Self::Products => "products",
            Self::Stock => "stock",
            Self::Receipts => "receipts",
            Self::Orders => "orders",
        }
    }
}

/// What a stock feed says of positions that it does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// They are empty, at the facilities that the feed names.
    Full,
    /// Nothing.
    Partial,
}

/// Whether a stock feed still counts what was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PickedUnits {
    /// Units that are packed or ready for pickup are in the counts.
    Counted,
    /// They are not, and are added: they are on hand until they leave.
    NotCounted,
}

/// `oms feed import`
#[derive(Debug, Args)]
pub struct ImportArgs {
    kind: FeedKind,
    /// The file; - for standard input.
    file: PathBuf,
    /// For stock: when it was counted [default: now].
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// For stock: what it says of positions that it does not name [default: partial].
    #[arg(long)]
    mode: Option<Mode>,
    /// How many rows there are: with fewer or more the feed fails. For a full stock feed it must be said, here or by a last line
    /// `#rows,17`.
    #[arg(long, value_name = "N")]
    expected_rows: Option<u64>,
    /// For stock: whether units that were picked for an order and have not left are still in the counts [default: counted].
    #[arg(long)]
    picked_units: Option<PickedUnits>,
    /// For a foreign CSV file: a table of columns (docs/mappings/), which `oms mapping test` tries.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
}

impl FeedCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::Import(args) => args.run(api, format).await,
            Self::List { page } => {
                let (runs, next) = api.pages(&["v1", "feeds"], &[], page.at_most()).await?;
                output::list::<FeedView>(format, &runs, next.as_deref(), runs_text)
            }
            Self::Get { feed_id } => {
                let run = api.get(&["v1", "feeds", &feed_id], &[]).await?;
                output::show::<FeedView>(format, &run, |run| run_text(run, &[]))
            }
            Self::Approve { feed_id } => decide(api, format, &feed_id, "approve").await,
            Self::Reject { feed_id } => decide(api, format, &feed_id, "reject").await,
            Self::Rejects { feed_id, page } => {
                let (rows, next) = api.pages(&["v1", "feeds", &feed_id, "rejects"], &[], page.at_most()).await?;
                output::list::<RejectView>(format, &rows, next.as_deref(), rejects_text)
            }
        }
    }
}

impl ImportArgs {
    async fn run(self, api: &Api, format: Format) -> Result<()> {
        let mapping = self.mapping.as_deref().map(mapping::read).transpose()?;
        if let Some(mapping) = mapping.as_ref().filter(|mapping| mapping.kind().name() != self.kind.as_str()) {
            let message = format!("the mapping is of {}, and the feed of {}", mapping.kind().name(), self.kind.as_str());
            return Err(Coded::new(ErrorCode::ValidationFailed, message).into());
        }
        let upload = Upload::open(&self.file).await?.mapped(mapping);
        let mode = self.mode.map(|mode| if mode == Mode::Full { "full" } else { "partial" }.to_owned());
        let counted = |picked| if picked == PickedUnits::Counted { "counted" } else { "not_counted" }.to_owned();
        let as_of = self.as_of.map(|at| at.to_string());
        let query = [
            ("source", Some(upload.name())),
            ("as_of", as_of),
            ("mode", mode),
            ("expected_rows", self.expected_rows.map(|rows| rows.to_string())),
            ("picked_units", self.picked_units.map(counted)),
        ];
        let run = api.stream(&["v1", "feeds", self.kind.as_str()], &query, upload.into_body()).await?;
        let seen: FeedView = serde_json::from_value(run.clone())?;
        let rejects = first_rejects(api, &seen).await?;
        output::show::<FeedView>(format, &run, |run| run_text(run, &rejects))?;
        verdict(&seen)
    }
}

async fn decide(api: &Api, format: Format, feed_id: &str, action: &str) -> Result<()> {
    let run = api.post(&["v1", "feeds", feed_id, action], &json!({})).await?;
    let seen: FeedView = serde_json::from_value(run.clone())?;
    let rejects = first_rejects(api, &seen).await?;
    output::show::<FeedView>(format, &run, |run| run_text(run, &rejects))
}

async fn first_rejects(api: &Api, run: &FeedView) -> Result<Vec<RejectView>> {
    if run.rejected == 0 {
        return Ok(Vec::new());
    }
    let (rows, _) = api.pages(&["v1", "feeds", &run.feed_id, "rejects"], &[], REJECTS_SHOWN).await?;
    Ok(rows.into_iter().map(serde_json::from_value).collect::<Result<_, _>>()?)
}

/// A run that left something out is not a success, though the rest of it is in.
fn verdict(run: &FeedView) -> Result<()> {
    if let Some(failure) = &run.failure {
        let message = format!("the feed could not be read to its end: {failure}");
        return Err(Coded::new(ErrorCode::ValidationFailed, message)
            .hint(if run.kind == "stock" {
                "nothing of it is applied; correct the file and import it again"
            } else {
                "the rows before that are in; correct the file and import it again"
            })
            .into());
    }
    if run.status == "parked" {
        let hint = format!("`oms feed approve {}` applies it, `oms feed reject` with the id lets it be", run.feed_id);
        return Err(Coded::new(ErrorCode::RefusedByRule, "the feed is parked: nothing of it is applied before somebody approves it")
            .hint(hint)
            .into());
    }
    if run.rejected > 0 {
        let others = if run.accepted + run.unchanged > 0 { "; the others are in" } else { "" };
        let message = format!("{} of {} rejected{others}", run.rejected, counted(run.rows_read, "row"));
        let hint = format!("`oms feed rejects {}` lists them; correct them and import the file again", run.feed_id);
        return Err(Coded::new(ErrorCode::RefusedByRule, message).hint(hint).into());
    }
    Ok(())
}

fn runs_text(runs: &[FeedView]) -> String {
    let row = |run: &FeedView| {
        let [read, accepted, unchanged, rejected] = [run.rows_read, run.accepted, run.unchanged, run.rejected].map(|rows| rows.to_string());
        [
            run.feed_id.clone(),
            run.kind.clone(),
            run.source.clone(),
            run.status.clone(),
            seconds(run.started_at),
            read,
            accepted,
            unchanged,
            rejected,
        ]
    };
    table(["FEED", "KIND", "SOURCE", "STATUS", "STARTED", "READ", "ACCEPTED", "UNCHANGED", "REJECTED"], runs.iter().map(row))
}

fn run_text(run: &FeedView, rejects: &[RejectView]) -> String {
    let took = or_dash(run.finished_at.map(|end| format!("{:.1} s", end.duration_since(run.started_at).as_secs_f64())));
    let mut text = format!(
        "{} from {}: {} read, {} accepted, {} unchanged, {} rejected in {took} (feed {}, {})",
        run.kind,
        run.source,
        counted(run.rows_read, "row"),
        run.accepted,
        run.unchanged,
        run.rejected,
        run.feed_id,
        run.status
    );
    if let Some(parked) = &run.parked {
        text.push_str(&format!("\n{}", parked_text(parked)));
    }
    if !rejects.is_empty() {
        text.push_str(&format!("\n{}", rejects_text(rejects)));
    }
    text
}

fn parked_text(parked: &ParkedView) -> String {
    let facility = |change: &FacilityChangeView| {
        let figures = [change.positions, change.units_before, change.units_after, change.units_changed].map(|figure| figure.to_string());
        let [positions, before, after, changed] = figures;
        [change.facility_id.clone(), positions, before, after, changed, format!("{} %", change.changed_percent)]
    };
    let ParkedView { positions, units_before, units_after, units_changed, changed_percent, limit_percent, .. } = parked;
    let until = parked.decided_at.map_or_else(
        || format!("it is rejected on {} unless somebody approves it", seconds(parked.decide_by)),
        |at| format!("decided on {}", seconds(at)),
    );
    let row =
        |change: &PositionChangeView| [change.facility_id.clone(), change.sku.clone(), change.before.to_string(), change.after.to_string()];
    format!(
        "parked on {}: it changes {units_changed} units at {positions} positions that hold {units_before} (after it {units_after}), \
         {changed_percent} % of them and more than {limit_percent} % of a facility's; {until}\n{}\n{}",
        seconds(parked.parked_at),
        table(["FACILITY", "POSITIONS", "BEFORE", "AFTER", "CHANGED", "SHARE"], parked.facilities.iter().map(facility)),
        table(["FACILITY", "SKU", "BEFORE", "AFTER"], parked.largest.iter().map(row))
    )
}

fn rejects_text(rejects: &[RejectView]) -> String {
    table(["ROW", "REASON"], rejects.iter().map(|row| [row.row_number.to_string(), row.reason.clone()]))
}

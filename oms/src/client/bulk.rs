//! `oms bulk`: one operation on many orders.

use std::{
    io::{BufRead, IsTerminal, Read, stdin},
    time::Duration,
};

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use oms_api::bulk::{BulkAnswer, BulkPreviewView, BulkResultView, BulkView, ForeseenView, OperationBody, OutcomesView};
use oms_domain::{
    bulk::{BulkStatus, Outcome},
    error::ErrorCode,
};
use serde_json::{Value, json};

use super::{
    Api,
    order_text::seconds,
    paging::Paging,
    selection::Selection,
    words::{hold_reason, object, spelled},
};
use crate::{
    exit::Coded,
    output::{self, Format, or_dash, table},
};

/// How often a bulk operation is looked at that is followed.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What can be done with bulk operations.
#[derive(Debug, Subcommand)]
pub enum BulkCommand {
    /// Start a bulk operation on the orders for which every condition holds now, or say what it would be.
    ///
    /// With --follow, exits with 4 when orders refused or could not be asked: the others are done all the same.
    #[command(after_help = "Example:
  oms bulk start cancel --id recall-85123A --reason \"a recall\" --sku 85123A --status processing --dry-run
  oms bulk start hold --id audit-7 --reason \"an audit\" --hold-as other --channel web --yes --follow
  oms bulk start release --hold-id audit-7 --reason \"the audit is over\" --channel web --status processing
  oms bulk start release --hold-as high_risk_of_fraud --reason \"the rule was wrong\" --dry-run
  oms bulk start move --from WH-NORTH --reason \"a flood\" --yes --follow")]
    Start(Box<StartArgs>),
    /// List bulk operations, newest first.
    #[command(after_help = "Example:\n  oms bulk list --status running")]
    List {
        #[arg(long, value_parser = spelled(BulkStatus::ALL))]
        status: Option<String>,
        #[command(flatten)]
        page: Paging,
    },
    /// Show how far a bulk operation is, and what came of its orders.
    #[command(after_help = "Example:\n  oms bulk get recall-85123A --follow")]
    Get {
        bulk_id: String,
        /// Until it ends or pauses, with a progress bar.
        #[arg(long)]
        follow: bool,
    },
    /// List what came of each order, with the reason of each refusal.
    #[command(after_help = "Example:\n  oms bulk results recall-85123A --outcome refused -o jsonl")]
    Results {
        bulk_id: String,
        #[arg(long, value_parser = spelled(Outcome::ALL))]
        outcome: Option<String>,
        #[command(flatten)]
        page: Paging,
    },
    /// Ask no further order until it is resumed; when this returns, the batch in hand is done.
    #[command(after_help = "Example:\n  oms bulk pause recall-85123A")]
    Pause { bulk_id: String },
    /// Go on.
    #[command(after_help = "Example:\n  oms bulk resume recall-85123A")]
    Resume { bulk_id: String },
    /// Ask no further order at all; what was done stays done.
    #[command(after_help = "Example:\n  oms bulk cancel recall-85123A")]
    Cancel { bulk_id: String },
}

/// What is done to each order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Operation {
    /// The whole order.
    Cancel,
    /// With --hold-as.
    Hold,
    /// The hold with --hold-id, or every hold for the reason --hold-as.
    Release,
    /// What the facility --from has not begun with.
    Move,
}

/// `oms bulk start`
#[derive(Debug, Args)]
pub struct StartArgs {
    operation: Operation,
    /// Id of the bulk operation: the same again under its id is the same one [default: made up].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Why; orders that are cancelled keep it.
    #[arg(long)]
    reason: String,
    /// For hold, or for release of every hold for a reason.
    #[arg(long, value_name = "REASON", required_if_eq("operation", "hold"), value_parser = hold_reason())]
    hold_as: Option<String>,
    /// For hold: the id of each hold [default: the bulk operation's]; for release: the hold that is lifted.
    #[arg(long, value_name = "ID")]
    hold_id: Option<String>,
    /// For hold: when each is lifted by itself.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<Timestamp>,
    /// For move: the facility that units leave.
    #[arg(long, value_name = "FACILITY", required_if_eq("operation", "move"))]
    from: Option<String>,
    /// For move: where to [default: wherever the plan finds it best].
    #[arg(long, value_name = "FACILITY")]
    to: Option<String>,
    /// For move: the facility lets go what it has accepted, too.
    #[arg(long)]
    consented: bool,
    #[command(flatten)]
    selection: Selection,
    /// Say how many orders it would be, and for some whether they would let it be done; change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Start it without asking whether so many orders are meant.
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,
    /// Orders that are asked in a second, at most [default: 20].
    #[arg(long, value_name = "N")]
    per_second: Option<u32>,
    /// Until it ends or pauses, with a progress bar.
    #[arg(long, conflicts_with = "dry_run")]
    follow: bool,
}

impl BulkCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::Start(args) => args.run(api, format).await,
            Self::List { status, page } => {
                let (rows, next) = api.pages(&["v1", "bulk"], &[("status", status)], page.at_most()).await?;
                output::list::<BulkView>(format, &rows, next.as_deref(), bulks_text)
            }
            Self::Get { bulk_id, follow: true } => follow(api, format, &bulk_id).await,
            Self::Get { bulk_id, follow: false } => {
                let answer = api.get(&["v1", "bulk", &bulk_id], &[]).await?;
                output::show::<BulkView>(format, &answer, bulk_text)
            }
            Self::Results { bulk_id, outcome, page } => {
                let (rows, next) = api.pages(&["v1", "bulk", &bulk_id, "results"], &[("outcome", outcome)], page.at_most()).await?;
                output::list::<BulkResultView>(format, &rows, next.as_deref(), results_text)
            }
            Self::Pause { bulk_id } => act(api, format, &bulk_id, "pause").await,
            Self::Resume { bulk_id } => act(api, format, &bulk_id, "resume").await,
            Self::Cancel { bulk_id } => act(api, format, &bulk_id, "cancel").await,
        }
    }
}

async fn act(api: &Api, format: Format, bulk_id: &str, action: &str) -> Result<()> {
    let answer = api.post(&["v1", "bulk", bulk_id, action], &json!({})).await?;
    output::show::<BulkView>(format, &answer, bulk_text)
}

impl StartArgs {
    async fn run(self, api: &Api, format: Format) -> Result<()> {
        let bulk_id = self.id.clone().unwrap_or_else(|| api.new_id("bulk"));
        let (goes_on, asks) = (self.follow, !self.yes && !self.dry_run);
        let body = self.body(&bulk_id);
        if asks {
            confirm(api, &body).await?;
        }
        let answer = api.post(&["v1", "bulk"], &body).await?;
        if goes_on {
            return follow(api, format, &bulk_id).await;
        }
        output::show::<BulkAnswer>(format, &answer, |answer| match answer {
            BulkAnswer::Started(bulk) => bulk_text(bulk),
            BulkAnswer::Preview(preview) => preview_text(preview),
        })
    }

    fn body(self, bulk_id: &str) -> Value {
        let operation = match self.operation {
            Operation::Cancel => json!({"kind": "cancel"}),
            Operation::Hold => {
                json!({"kind": "hold", "hold_reason": self.hold_as, "hold_id": self.hold_id, "expires_at": self.expires_at})
            }
            Operation::Release => json!({"kind": "release", "hold_id": self.hold_id, "hold_reason": self.hold_as}),
            Operation::Move => {
                json!({"kind": "move", "facility_id": self.from, "to_facility_id": self.to, "consented": self.consented})
            }
        };
        object(json!({
            "bulk_id": bulk_id, "operation": object(operation), "reason": self.reason, "selection": self.selection.object(),
            "dry_run": self.dry_run, "orders_per_second": self.per_second,
        }))
    }
}

/// Has the number of orders typed that would be asked: whoever meant ten does not type a thousand by habit.
async fn confirm(api: &Api, body: &Value) -> Result<()> {
    let unasked =
        |why: &str| Coded::new(ErrorCode::ValidationFailed, why).hint("see with --dry-run what it would be; --yes starts it unasked");
    if !stdin().is_terminal() {
        return Err(unasked("nobody is there to say how many orders are meant").into());
    }
    let mut dry = body.clone();
    dry["dry_run"] = Value::Bool(true);
    let preview: BulkPreviewView = serde_json::from_value(api.ask(&["v1", "bulk"], &dry).await?)?;
    anstream::eprint!("{}\nTo go on, type the number of orders: ", preview_text(&preview));
    let mut typed = String::new();
    stdin().lock().take(64).read_line(&mut typed)?;
    if typed.trim() == preview.orders.to_string() { Ok(()) } else { Err(unasked("nothing was started").into()) }
}

/// Looks until it ends or pauses. The bar draws itself on a terminal only.
async fn follow(api: &Api, format: Format, bulk_id: &str) -> Result<()> {
    let bar = ProgressBar::new(0);
    let template = "{msg} {wide_bar} {pos}/{len} {eta}";
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(bulk_id.to_owned());
    let (answer, seen) = loop {
        let answer = api.get(&["v1", "bulk", bulk_id], &[]).await?;
        let seen: BulkView = serde_json::from_value(answer.clone())?;
        bar.set_length(seen.selected);
        bar.set_position(seen.asked);
        if seen.status != "running" {
            break (answer, seen);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    bar.finish_and_clear();
    output::show::<BulkView>(format, &answer, bulk_text)?;
    verdict(&seen)
}

/// One that could not be done to some orders is not a success, though the rest of it is.
fn verdict(bulk: &BulkView) -> Result<()> {
    let OutcomesView { partly, refused, failed, .. } = bulk.outcomes;
    if partly + refused + failed == 0 {
        return Ok(());
    }
    let message = format!("{refused} of {} orders refused, {partly} in part, and {failed} could not be asked", bulk.selected);
    let hint = format!("`oms bulk results {} --outcome refused` says why", bulk.bulk_id);
    Err(Coded::new(ErrorCode::RefusedByRule, message).hint(hint).into())
}

fn bulk_text(bulk: &BulkView) -> String {
    let OutcomesView { done, partly, requested, unchanged, refused, failed } = bulk.outcomes;
    let mut text = format!(
        "Bulk operation {} is {}: {} of {} orders asked\n\
         {done} done, {partly} in part, {requested} requested of a facility, {unchanged} unchanged, {refused} refused, {failed} not reached",
        bulk.bulk_id, bulk.status, bulk.asked, bulk.selected
    );
    if let Some(until) = bulk.paused_until {
        text.push_str(&format!("\nIt is cancelled at {}, unless somebody resumes it or pauses it again", seconds(until)));
    }
    if let Some(why) = &bulk.why {
        text.push_str(&format!("\nIt paused by itself: {why}"));
    }
    text
}

fn bulks_text(bulks: &[BulkView]) -> String {
    let row = |bulk: &BulkView| {
        let [selected, asked, refused] = [bulk.selected, bulk.asked, bulk.outcomes.refused].map(|orders| orders.to_string());
        let kind = match &bulk.operation {
            OperationBody::Cancel => "cancel",
            OperationBody::Hold { .. } => "hold",
            OperationBody::Release { .. } => "release",
            OperationBody::Move { .. } => "move",
        };
        [
            bulk.bulk_id.clone(),
            kind.to_owned(),
            bulk.status.clone(),
            seconds(bulk.started_at),
            selected,
            asked,
            refused,
            bulk.reason.clone(),
        ]
    };
    table(["BULK", "OPERATION", "STATUS", "STARTED", "SELECTED", "ASKED", "REFUSED", "REASON"], bulks.iter().map(row))
}

fn preview_text(preview: &BulkPreviewView) -> String {
    let row = |found: &ForeseenView| {
        let legal = if found.legal { "yes" } else { "no" };
        [found.order_id.clone(), legal.to_owned(), found.outcome.clone(), or_dash(found.why.as_ref())]
    };
    let rows = table(["ORDER", "LEGAL", "OUTCOME", "WHY"], preview.sample.iter().map(row));
    let shown = if preview.sample.len() as u64 == preview.orders { String::new() } else { format!(", {} of them", preview.sample.len()) };
    format!("Nothing has changed. {} orders would be asked{shown}:\n{rows}", preview.orders)
}

fn results_text(results: &[BulkResultView]) -> String {
    let row = |found: &BulkResultView| {
        let code = or_dash(found.code.map(ErrorCode::code));
        [found.order_id.clone(), found.outcome.clone(), code, or_dash(found.why.as_ref())]
    };
    table(["ORDER", "OUTCOME", "CODE", "WHY"], results.iter().map(row))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Start {
        #[command(flatten)]
        args: StartArgs,
    }

    fn body(words: &str) -> Result<Value, clap::Error> {
        Start::try_parse_from(format!("start {words}").split(' ')).map(|start| start.args.body("b-1"))
    }

    #[test]
    fn operations_and_conditions_are_worded_for_the_api() {
        let found = body("move --reason flood --from A --to B --needs-attention --per-second 5").unwrap();
        let operation = json!({"kind": "move", "facility_id": "A", "to_facility_id": "B", "consented": false});
        let expected = json!({"bulk_id": "b-1", "operation": operation, "reason": "flood", "selection": {"needs_attention": true},
            "dry_run": false, "orders_per_second": 5});
        assert_eq!(found, expected);
        let found = body("hold --reason audit --hold-as other --hold-reason incorrect_address --dry-run").unwrap();
        assert_eq!((&found["operation"], &found["dry_run"]), (&json!({"kind": "hold", "hold_reason": "other"}), &json!(true)));
        assert_eq!(found["selection"], json!({"hold_reason": "incorrect_address"}));
        let found = body("release --reason audit --hold-as high_risk_of_fraud").unwrap();
        assert_eq!(found["operation"], json!({"kind": "release", "hold_reason": "high_risk_of_fraud"}));
    }

    #[test]
    fn what_an_operation_needs_is_asked_for_before_anything_is_sent() {
        for words in ["move --reason x", "hold --reason x", "cancel", "fly --reason x"] {
            assert!(body(words).is_err(), "{words}");
        }
    }
}

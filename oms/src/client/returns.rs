//! `oms return`: goods that come back.

use std::str::FromStr;

use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use oms_api::{
    event::EventView,
    hold::DeadlineView,
    returns::{GoodsView, ReturnDeadlineView, ReturnLineView, ReturnSummary, ReturnView},
};
use oms_domain::order::LabelFinding;
use serde_json::{Value, json};

use super::{
    Api,
    fulfillment::print,
    order_text::{self, seconds},
    paging::Paging,
    words::{Units, items, object, spelled},
};
use crate::output::{self, Format, or_dash, possible, table};

/// What can be done to returns.
#[derive(Debug, Subcommand)]
pub enum ReturnCommand {
    /// Ask to return delivered units; within the window a rule approves.
    #[command(
        after_help = "Example:\n  oms return create 536365 --line 1=2 --reason \"too small\"\n\nGoods that are here unannounced: name no \
                            line, then say what they are with `oms return receive`."
    )]
    Create(CreateArgs),
    /// Show a return: what was announced, what came, how it was judged and what is paid back.
    #[command(after_help = "Example:\n  oms return get 536365-R1")]
    Get { return_id: String },
    /// List returns, newest first.
    #[command(after_help = "Example:\n  oms return list --status received")]
    List(ListArgs),
    /// Show a return's timeline.
    #[command(after_help = "Example:\n  oms return events 536365-R1 -o jsonl")]
    Events { return_id: String },
    /// Approve a return that no rule approved.
    #[command(after_help = "Example:\n  oms return approve 536365-R1")]
    Approve { return_id: String },
    /// Decline it.
    #[command(after_help = "Example:\n  oms return decline 536365-R1 --reason \"outside the window\"")]
    Decline(WhyArgs),
    /// Cancel it: the customer keeps the goods.
    #[command(after_help = "Example:\n  oms return cancel 536365-R1 --reason \"keeps it after all\"")]
    Cancel(WhyArgs),
    /// Say what became of its label, which the carrier was never heard to void.
    #[command(after_help = "Example:\n  oms return resolve-label 536365-R1 voided --reason \"asked the carrier\"")]
    ResolveLabel {
        return_id: String,
        #[arg(value_parser = spelled(&[LabelFinding::Voided, LabelFinding::Kept]))]
        outcome: String,
        #[arg(long)]
        reason: String,
    },
    /// Say what has come, at whichever facility: more, less or other than announced.
    #[command(after_help = "Example:\n  oms return receive 536365-R1 --facility WH-NORTH --line 1=2 --sku 22423=1")]
    Receive(ReceiveArgs),
    /// Fetch the document that the customer's label is printed from; each time counts as a print.
    #[command(after_help = "Example:\n  oms return label 536365-R1 --format pdf > label.pdf")]
    Label {
        return_id: String,
        #[arg(long, default_value = "pdf", value_parser = ["pdf", "png", "zpl"])]
        format: String,
    },
    /// Judge units that have come.
    #[command(after_help = "Example:\n  oms return inspect 536365-R1 --line 1=1 --verdict accepted --disposition restock")]
    Inspect(InspectArgs),
    /// List what the return waits for, and what happens when it does not come.
    #[command(after_help = "Example:\n  oms return deadlines 536365-R1")]
    Deadlines { return_id: String },
    /// Give a wait of the return more time.
    #[command(after_help = "Example:\n  oms return extend-deadline 536365-R1 return_sending.536365-R1 --until 2011-02-01T00:00:00Z")]
    ExtendDeadline {
        return_id: String,
        /// As `oms return deadlines` lists it.
        deadline_id: String,
        /// Business time, later than it is due now.
        #[arg(long, value_name = "TIME")]
        until: Timestamp,
    },
    /// Try again what failed: a refund, a label.
    #[command(after_help = "Example:\n  oms return retry 536365-R1")]
    Retry { return_id: String },
}

/// `oms return create`
#[derive(Debug, Args)]
pub struct CreateArgs {
    order_id: String,
    /// Units of a line that come back, such as 1=2; may be given several times.
    #[arg(long = "line", value_name = "LINE=UNITS")]
    lines: Vec<Units>,
    /// Why they come back.
    #[arg(long, default_value = "not said")]
    reason: String,
    /// The return's id, <order_id>-R<n> [default: the order's next number].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// `oms return list`
#[derive(Debug, Args)]
pub struct ListArgs {
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    #[arg(long)]
    status: Option<String>,
    /// Only those that need someone, or only those that do not.
    #[arg(long, value_name = "BOOL")]
    needs_attention: Option<bool>,
    #[command(flatten)]
    page: Paging,
}

/// `oms return decline` and `oms return cancel`
#[derive(Debug, Args)]
pub struct WhyArgs {
    return_id: String,
    #[arg(long)]
    reason: String,
}

/// `oms return receive`
#[derive(Debug, Args)]
pub struct ReceiveArgs {
    return_id: String,
    /// Where the goods are.
    #[arg(long, value_name = "ID")]
    facility: String,
    /// Units of a line that came, such as 1=2; may be given several times.
    #[arg(long = "line", value_name = "LINE=UNITS")]
    lines: Vec<Units>,
    /// Units told by their SKU, such as 22423=1; may be given several times.
    #[arg(long = "sku", value_name = "SKU=UNITS")]
    skus: Vec<Units>,
    /// The delivery's id: the same one again counts once [default: made up].
    #[arg(long, value_name = "ID")]
    receipt: Option<String>,
    /// Whether this is all that comes [default: once everything announced is there].
    #[arg(long, value_name = "BOOL")]
    complete: Option<bool>,
}

/// `oms return inspect`
#[derive(Debug, Args)]
pub struct InspectArgs {
    return_id: String,
    /// Units of a line, such as 1=2; may be given several times.
    #[arg(long = "line", value_name = "LINE=UNITS")]
    lines: Vec<Units>,
    /// Units told by their SKU, such as 22423=1; may be given several times.
    #[arg(long = "sku", value_name = "SKU=UNITS")]
    skus: Vec<Units>,
    #[arg(long, value_name = "VERDICT")]
    verdict: Verdict,
    /// restock, write_off or send_back [default: restock what is accepted, send back what is rejected].
    #[arg(long)]
    disposition: Option<String>,
}

/// How units are judged; checked here, so that a slip of the pen is told before anything is sent.
#[derive(Debug, Clone)]
struct Verdict(String);

impl FromStr for Verdict {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = ["accepted", "rejected", "manual_review"];
        known.contains(&text).then(|| Self(text.to_owned())).ok_or_else(|| format!("must be one of {}", known.join(", ")))
    }
}

impl ReturnCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::Create(args) => {
                let line = |units: &Units| json!({"line_id": units.line_id, "quantity": units.quantity, "reason": args.reason});
                let lines: Vec<Value> = args.lines.iter().map(line).collect();
                let body = object(json!({"return_id": args.id, "order_id": args.order_id, "lines": lines}));
                show(format, &api.post(&["v1", "returns"], &body).await?)
            }
            Self::Get { return_id } => show(format, &api.get(&["v1", "returns", &return_id], &[]).await?),
            Self::List(args) => args.run(api, format).await,
            Self::Events { return_id } => {
                let (found, next) = api.pages(&["v1", "returns", &return_id, "events"], &[], usize::MAX).await?;
                output::list::<EventView>(format, &found, next.as_deref(), |events| {
                    let by = |event: &EventView| or_dash(event.actor.as_ref().map(ToString::to_string));
                    let row = |event: &EventView| [event.seq.to_string(), seconds(event.at), event.kind.clone(), by(event)];
                    table(["SEQ", "AT", "EVENT", "BY"], events.iter().map(row))
                })
            }
            Self::Deadlines { return_id } => {
                let answer = api.get(&["v1", "returns", &return_id, "deadlines"], &[]).await?;
                output::list::<DeadlineView>(format, items(&answer), None, order_text::deadlines)
            }
            Self::ExtendDeadline { return_id, deadline_id, until } => {
                let answer = api.patch(&["v1", "returns", &return_id, "deadlines", &deadline_id], &json!({"until": until})).await?;
                output::show::<DeadlineView>(format, &answer, |found| order_text::deadlines(std::slice::from_ref(found)))
            }
            Self::Approve { return_id } => act(api, format, &return_id, "approve", json!({})).await,
            Self::Retry { return_id } => act(api, format, &return_id, "retry", json!({})).await,
            Self::Decline(args) => act(api, format, &args.return_id, "decline", json!({"reason": args.reason})).await,
            Self::Cancel(args) => act(api, format, &args.return_id, "cancel", json!({"reason": args.reason})).await,
            Self::ResolveLabel { return_id, outcome, reason } => {
                act(api, format, &return_id, "resolve-label", json!({"outcome": outcome, "reason": reason})).await
            }
            Self::Label { return_id, format } => return print(api, &["v1", "returns", &return_id, "label"], format).await,
            Self::Receive(args) => {
                let body = json!({"receipt_id": args.receipt, "facility_id": args.facility, "complete": args.complete,
                    "lines": goods(&args.lines, &args.skus, |_| {})});
                act(api, format, &args.return_id, "receive", object(body)).await
            }
            Self::Inspect(args) => {
                let judged = |goods: &mut Value| {
                    goods["verdict"] = args.verdict.0.clone().into();
                    if let Some(disposition) = &args.disposition {
                        goods["disposition"] = disposition.clone().into();
                    }
                };
                act(api, format, &args.return_id, "inspect", json!({"lines": goods(&args.lines, &args.skus, judged)})).await
            }
        }
    }
}

/// Goods by line and by SKU, each with what else is said of them.
fn goods(lines: &[Units], skus: &[Units], also: impl Fn(&mut Value)) -> Vec<Value> {
    let by = |name: &'static str| move |units: &Units| json!({name: units.line_id, "quantity": units.quantity});
    let mut goods: Vec<Value> = lines.iter().map(by("line_id")).chain(skus.iter().map(by("sku"))).collect();
    goods.iter_mut().for_each(also);
    goods
}

async fn act(api: &Api, format: Format, return_id: &str, action: &str, body: Value) -> Result<()> {
    show(format, &api.post(&["v1", "returns", return_id, action], &body).await?)
}

fn show(format: Format, found: &Value) -> Result<()> {
    output::show::<ReturnView>(format, found, text)
}

impl ListArgs {
    async fn run(self, api: &Api, format: Format) -> Result<()> {
        let needs_attention = self.needs_attention.map(|needs| needs.to_string());
        let query = [("order_id", self.order), ("status", self.status), ("needs_attention", needs_attention)];
        let (found, next) = api.pages(&["v1", "returns"], &query, self.page.at_most()).await?;
        let row = |found: &ReturnSummary| {
            let attention = if found.needs_attention { "needs someone" } else { "" };
            [found.return_id.clone(), found.status.clone(), seconds(found.opened_at), seconds(found.updated_at), attention.to_owned()]
        };
        output::list::<ReturnSummary>(format, &found, next.as_deref(), |found| {
            table(["RETURN", "STATUS", "OPENED", "UPDATED", ""], found.iter().map(row))
        })
    }
}

/// A return, worded for people.
fn text(found: &ReturnView) -> String {
    let mut parts = vec![format!("{}: {}", found.return_id, found.status)];
    parts.extend(found.label.as_ref().map(|label| format!("label: {} {}", label.carrier, label.tracking_number)));
    let line = |line: &ReturnLineView| {
        [line.line_id.clone(), line.quantity.to_string(), line.received.to_string(), line.accepted.to_string(), line.reason.clone()]
    };
    parts.push(format!("\n{}", table(["LINE", "ANNOUNCED", "RECEIVED", "ACCEPTED", "REASON"], found.lines.iter().map(line))));
    let goods = |goods: &GoodsView| {
        let units =
            [goods.received, goods.accepted, goods.rejected, goods.in_review, goods.restocked, goods.written_off].map(|n| n.to_string());
        let [received, accepted, rejected, in_review, restocked, written_off] = units;
        let line = or_dash(goods.line_id.as_ref());
        [goods.facility_id.clone(), line, goods.sku.clone(), received, accepted, rejected, in_review, restocked, written_off]
    };
    let header = ["FACILITY", "LINE", "SKU", "RECEIVED", "ACCEPTED", "REJECTED", "IN REVIEW", "RESTOCKED", "WRITTEN OFF"];
    if !found.goods.is_empty() {
        parts.push(format!("\n{}", table(header, found.goods.iter().map(goods))));
    }
    parts.extend(found.refund.as_ref().map(|refund| {
        let credited =
            if refund.credited_minor > 0 { format!(", of which {} pay for an exchange", refund.credited_minor) } else { String::new() };
        format!("\nrefund: {} {} (minor units){credited}", refund.amount_minor, refund.currency)
    }));
    parts.extend(found.attention.iter().map(|known| format!("\nneeds someone: {}: {}", known.subject, known.why)));
    let deadline = |deadline: &ReturnDeadlineView| format!("waits until {}: then {}", seconds(deadline.due), deadline.default);
    parts.extend(found.deadlines.iter().map(deadline));
    parts.push(possible(&found.legal_actions, &found.status));
    parts.join("\n")
}

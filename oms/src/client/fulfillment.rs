//! `oms fulfillment`: the associates' commands.

use std::io::Write;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use oms_api::fulfillment::{FulfillmentOrderSummary, FulfillmentOrderView, LabelPrintView, PicklistView};
use oms_domain::{
    fulfillment::FulfillmentStatus,
    order::{LabelFinding, RejectionReason, Resolution},
};
use serde_json::{Value, json};

use super::{
    Api, change,
    order_text::seconds,
    paging::Paging,
    watch::{Look, Watch},
    words::{ParcelOf, Units, object, spelled, units},
};
use crate::output::{self, Format, or_dash, possible, table};

/// What can be done to fulfillment orders.
#[derive(Debug, Subcommand)]
pub enum FulfillmentCommand {
    /// List a facility's queue: what must ship soonest first.
    #[command(after_help = "Example:\n  oms fulfillment list --facility WH-NORTH --status released --watch")]
    List(ListArgs),
    /// Show what an associate needs to know of a fulfillment order.
    #[command(after_help = "Example:\n  oms fulfillment get 536365-F1")]
    Get { id: String },
    /// Release it to its facility now, whatever the remorse period says.
    #[command(after_help = "Example:\n  oms fulfillment release 536365-F1")]
    Release { id: String },
    /// Accept it.
    #[command(after_help = "Example:\n  oms fulfillment accept 536365-F1")]
    Accept { id: String },
    /// Reject it or units of it; the reason decides what becomes of the stock.
    #[command(after_help = "Example:\n  oms fulfillment reject 536365-F1 --reason not_in_stock --line 1=2")]
    Reject(RejectArgs),
    /// Start picking; accepts it, if nobody has.
    #[command(alias = "pick", after_help = "Example:\n  oms fulfillment start-picking 536365-F1 --picker p-7")]
    StartPicking {
        id: String,
        /// Who picks: an id, not a name.
        #[arg(long)]
        picker: String,
    },
    /// Report units that are not there.
    #[command(after_help = "Example:\n  oms fulfillment short-pick 536365-F1 --reason not_in_stock --line 1=1")]
    ShortPick(ShortPickArgs),
    /// Pack it into parcels.
    #[command(after_help = "Example:\n  oms fulfillment pack 536365-F1 --parcel 1=2,2=1@950 --parcel 3=1")]
    Pack {
        id: String,
        /// A parcel's units, with its weight in grams, such as 1=2,2=1@950; may be given several times [default: one of everything].
        #[arg(long = "parcel", value_name = "LINE=UNITS,..[@GRAMS]")]
        parcels: Vec<ParcelOf>,
    },
    /// Unpack it again.
    #[command(after_help = "Example:\n  oms fulfillment unpack 536365-F1")]
    Unpack { id: String },
    /// Ship it; accepts, picks and packs it, if nobody has.
    #[command(after_help = "Example:\n  oms fulfillment ship 536365-F1")]
    Ship {
        id: String,
        /// Carrier of a label of your own.
        #[arg(long, requires = "tracking_number")]
        carrier: Option<String>,
        /// Number of a label of your own [default: the carrier is asked for a label].
        #[arg(long, value_name = "NUMBER")]
        tracking_number: Option<String>,
    },
    /// Ship some parcels of it; the others go on as a fulfillment order of their own.
    #[command(after_help = "Example:\n  oms fulfillment ship-parcels 536365-F1 536365-F1-P1")]
    ShipParcels {
        id: String,
        #[arg(required = true, value_name = "PARCEL")]
        parcels: Vec<String>,
    },
    /// Take it back before the carrier has it: labels void, stock back, money refunded.
    #[command(after_help = "Example:\n  oms fulfillment unship 536365-F1")]
    Unship { id: String },
    /// Make a pickup ready: the customer may come.
    #[command(after_help = "Example:\n  oms fulfillment ready 536365-F1 --code 4711")]
    Ready {
        id: String,
        /// What the customer will show [default: no code is asked for].
        #[arg(long)]
        code: Option<String>,
    },
    /// Hand a pickup over to its customer.
    #[command(after_help = "Example:\n  oms fulfillment handover 536365-F1 --code 4711")]
    Handover {
        id: String,
        /// What the customer shows.
        #[arg(long)]
        code: Option<String>,
    },
    /// Give up on a pickup whose customer did not come: put back and refunded.
    #[command(after_help = "Example:\n  oms fulfillment no-show 536365-F1")]
    NoShow { id: String },
    /// Say that parcels were lost on their way.
    #[command(after_help = "Example:\n  oms fulfillment mark-lost 536365-F1 --parcel 536365-F1-P1")]
    MarkLost {
        id: String,
        /// A lost parcel; may be given several times [default: all that are on their way].
        #[arg(long = "parcel", value_name = "PARCEL")]
        parcels: Vec<String>,
    },
    /// Say what is done about a parcel that was lost or sent back.
    #[command(after_help = "Example:\n  oms fulfillment resolve-parcel 536365-F1-P1 replace")]
    ResolveParcel {
        parcel: String,
        #[arg(value_parser = spelled(&[Resolution::Replace, Resolution::Refund]))]
        resolution: String,
    },
    /// Say what became of a label that the carrier was never heard to void.
    #[command(after_help = "Example:\n  oms fulfillment resolve-label 536365-F1-P1 voided --reason \"asked the carrier\"")]
    ResolveLabel {
        parcel: String,
        #[arg(value_parser = spelled(&[LabelFinding::Voided, LabelFinding::Kept]))]
        outcome: String,
        #[arg(long)]
        reason: String,
    },
    /// Fetch the document that a parcel's label is printed from; each time counts as a print.
    #[command(after_help = "Example:\n  oms fulfillment label 536365-F1-P1 --format zpl | lp -d zebra-2 -o raw")]
    Label {
        parcel: String,
        #[arg(long, default_value = "pdf", value_parser = ["pdf", "png", "zpl"])]
        format: String,
    },
    /// Show who fetched a parcel's label to print it.
    #[command(after_help = "Example:\n  oms fulfillment label-prints 536365-F1-P1")]
    LabelPrints { parcel: String },
    /// Move it to another facility.
    #[command(after_help = "Example:\n  oms fulfillment move 536365-F1 --to WH-SOUTH")]
    Move {
        id: String,
        /// Where its units are wanted [default: wherever sourcing finds them, but not where they are].
        #[arg(long, value_name = "FACILITY")]
        to: Option<String>,
        /// The facility that has accepted it lets it go.
        #[arg(long)]
        consented: bool,
    },
    /// Let units of it go on as a fulfillment order of their own.
    #[command(after_help = "Example:\n  oms fulfillment split 536365-F1 --line 1=2")]
    Split {
        id: String,
        /// Units of a line, such as 1=2; may be given several times.
        #[arg(long = "line", value_name = "LINE=UNITS", required = true)]
        lines: Vec<Units>,
    },
    /// Let the units of another one of the same facility and status join it.
    #[command(after_help = "Example:\n  oms fulfillment merge 536365-F1 536365-F2")]
    Merge { id: String, other: String },
    /// Say that it was delivered.
    #[command(after_help = "Example:\n  oms fulfillment deliver 536365-F1")]
    Deliver { id: String },
    /// Agree to cancel the units somebody asked to cancel.
    #[command(after_help = "Example:\n  oms fulfillment accept-cancellation 536365-F1")]
    AcceptCancellation { id: String },
    /// Go on with the units somebody asked to cancel.
    #[command(after_help = "Example:\n  oms fulfillment refuse-cancellation 536365-F1")]
    RefuseCancellation { id: String },
    /// Let go of what a change set touches.
    #[command(after_help = "Example:\n  oms fulfillment accept-change 536365-F1")]
    AcceptChange { id: String },
    /// Go on with it as it is: the change set is declined.
    #[command(after_help = "Example:\n  oms fulfillment refuse-change 536365-F1 --reason \"the van is loaded\"")]
    RefuseChange {
        id: String,
        #[arg(long)]
        reason: Option<String>,
    },
    /// Accept and start picking the next few of a facility.
    #[command(after_help = "Example:\n  oms fulfillment picklist --facility WH-NORTH --at-most 20 --picker p-7")]
    Picklist(PicklistArgs),
}

/// `oms fulfillment list`
#[derive(Debug, Args)]
pub struct ListArgs {
    #[arg(long, value_name = "ID")]
    facility: Option<String>,
    #[arg(long, value_parser = spelled(FulfillmentStatus::ALL))]
    status: Option<String>,
    #[command(flatten)]
    page: Paging,
    #[command(flatten)]
    watch: Watch,
}

/// `oms fulfillment reject`
#[derive(Debug, Args)]
pub struct RejectArgs {
    id: String,
    #[arg(long, value_parser = spelled(&RejectionReason::ALL))]
    reason: String,
    /// Units of a line, such as 1=2; may be given several times [default: everything].
    #[arg(long = "line", value_name = "LINE=UNITS")]
    lines: Vec<Units>,
}

/// `oms fulfillment short-pick`
#[derive(Debug, Args)]
pub struct ShortPickArgs {
    id: String,
    #[arg(long, value_parser = spelled(&RejectionReason::ALL))]
    reason: String,
    /// Units of a line that are missing, such as 1=1; may be given several times.
    #[arg(long = "line", value_name = "LINE=UNITS", required = true)]
    lines: Vec<Units>,
}

/// `oms fulfillment picklist`
#[derive(Debug, Args)]
pub struct PicklistArgs {
    #[arg(long, value_name = "ID")]
    facility: String,
    /// Most fulfillment orders to begin, 1 to 100.
    #[arg(long, default_value_t = 10, value_name = "N")]
    at_most: u32,
    /// Who picks [default: the picklist's id].
    #[arg(long)]
    picker: Option<String>,
}

impl FulfillmentCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::List(args) => args.run(api, format).await,
            Self::Picklist(args) => args.run(api, format).await,
            Self::Get { id } => {
                let found = api.get(&["v1", "fulfillment-orders", &id], &[]).await?;
                output::show::<FulfillmentOrderView>(format, &found, fulfillment_order)
            }
            Self::ResolveParcel { parcel, resolution } => {
                let found = api.post(&["v1", "parcels", &parcel, "resolve"], &json!({"resolution": resolution})).await?;
                output::show::<FulfillmentOrderView>(format, &found, fulfillment_order)
            }
            Self::ResolveLabel { parcel, outcome, reason } => {
                let body = json!({"outcome": outcome, "reason": reason});
                let found = api.post(&["v1", "parcels", &parcel, "label", "resolve"], &body).await?;
                output::show::<FulfillmentOrderView>(format, &found, fulfillment_order)
            }
            Self::Label { parcel, format } => print(api, &["v1", "parcels", &parcel, "label"], format).await,
            Self::LabelPrints { parcel } => {
                let found = api.get(&["v1", "parcels", &parcel, "label", "prints"], &[]).await?;
                let items = found.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let row = |print: &LabelPrintView| {
                    [
                        print.number.to_string(),
                        print.format.clone(),
                        seconds(print.printed_at),
                        or_dash(print.actor.as_ref().map(ToString::to_string)),
                    ]
                };
                output::list::<LabelPrintView>(format, items, None, |all| table(["PRINT", "FORMAT", "AT", "BY"], all.iter().map(row)))
            }
            action => {
                let (id, word, body) = action.request();
                let found = api.post(&["v1", "fulfillment-orders", &id, word], &object(body)).await?;
                output::show::<FulfillmentOrderView>(format, &found, fulfillment_order)
            }
        }
    }

    /// The id, the API's word and the body of what is an action.
    fn request(self) -> (String, &'static str, Value) {
        match self {
            Self::Release { id } => (id, "release", json!({})),
            Self::Accept { id } => (id, "accept", json!({})),
            Self::Reject(args) => (args.id, "reject", json!({"reason": args.reason, "lines": units(&args.lines, "quantity")})),
            Self::StartPicking { id, picker } => (id, "start-picking", json!({"picker": picker})),
            Self::ShortPick(args) => (args.id, "short-pick", json!({"reason": args.reason, "lines": units(&args.lines, "quantity_short")})),
            Self::Pack { id, parcels } => (id, "pack", json!({"parcels": parcels.iter().map(parcel).collect::<Vec<_>>()})),
            Self::Unpack { id } => (id, "unpack", json!({})),
            Self::Ship { id, carrier, tracking_number } => (id, "ship", json!({"carrier": carrier, "tracking_number": tracking_number})),
            Self::ShipParcels { id, parcels } => (id, "ship", json!({"parcels": parcels})),
            Self::Unship { id } => (id, "unship", json!({})),
            Self::Ready { id, code } => (id, "ready", json!({"code": code})),
            Self::Handover { id, code } => (id, "handover", json!({"code": code})),
            Self::NoShow { id } => (id, "no-show", json!({})),
            Self::MarkLost { id, parcels } => (id, "mark-lost", json!({"parcels": (!parcels.is_empty()).then_some(parcels)})),
            Self::Move { id, to, consented } => (id, "move", json!({"facility_id": to, "consented": consented})),
            Self::Split { id, lines } => (id, "split", json!({"lines": units(&lines, "quantity")})),
            Self::Merge { id, other } => (id, "merge", json!({"fulfillment_order_id": other})),
            Self::Deliver { id } => (id, "deliver", json!({})),
            Self::AcceptCancellation { id } => (id, "accept-cancellation", json!({})),
            Self::RefuseCancellation { id } => (id, "refuse-cancellation", json!({})),
            Self::AcceptChange { id } => (id, "accept-change", json!({})),
            Self::RefuseChange { id, reason } => (id, "refuse-change", json!({"reason": reason})),
            // Not actions: `run` has dealt with them.
            Self::List(_) | Self::Get { .. } | Self::Picklist(_) => (String::new(), "", Value::Null),
            Self::ResolveParcel { .. } | Self::ResolveLabel { .. } | Self::Label { .. } | Self::LabelPrints { .. } => {
                (String::new(), "", Value::Null)
            }
        }
    }
}

fn parcel(parcel: &ParcelOf) -> Value {
    object(json!({"lines": units(&parcel.lines, "quantity"), "weight_g": parcel.weight_g}))
}

impl ListArgs {
    async fn run(self, api: &Api, format: Format) -> Result<()> {
        let query = [("facility_id", self.facility), ("status", self.status)];
        let read = async || api.pages(&["v1", "fulfillment-orders"], &query, self.page.at_most()).await;
        let row = |found: &FulfillmentOrderSummary| {
            let (facility, ship_by) = (or_dash(found.facility_id.as_ref()), or_dash(found.ship_by.map(seconds)));
            [
                found.fulfillment_order_id.clone(),
                found.status.clone(),
                facility,
                found.delivery_method.clone(),
                ship_by,
                seconds(found.updated_at),
            ]
        };
        let text = |found: &[FulfillmentOrderSummary]| {
            table(["FULFILLMENT ORDER", "STATUS", "FACILITY", "METHOD", "SHIP BY", "UPDATED"], found.iter().map(row))
        };
        let Some(watch) = self.watch.again() else {
            let (found, next) = read().await?;
            return output::list(format, &found, next.as_deref(), text);
        };
        let look = async || {
            let (found, next) = read().await?;
            Look::on(output::listed(format, &found, next.as_deref(), text))
        };
        watch.show(look).await
    }
}

impl PicklistArgs {
    async fn run(self, api: &Api, format: Format) -> Result<()> {
        let body = object(json!({"facility_id": self.facility, "at_most": self.at_most, "picker": self.picker}));
        let answer = api.post(&["v1", "picklists"], &body).await?;
        output::show::<PicklistView>(format, &answer, |picklist| {
            let rows = picklist.results.iter().map(|result| {
                let why =
                    result.problem.as_ref().map_or("picking".to_owned(), |problem| problem.detail.clone().unwrap_or(problem.title.clone()));
                [result.fulfillment_order_id.clone(), why]
            });
            format!("Picklist {}\n{}", picklist.picklist_id, table(["FULFILLMENT ORDER", "RESULT"], rows))
        })
    }
}

/// Writes a label's document to standard output, as it is: a terminal has no use for it.
pub(super) async fn print(api: &Api, path: &[&str], format: String) -> Result<()> {
    let bytes = api.get_bytes(path, &[("format", Some(format))]).await?;
    std::io::stdout().write_all(&bytes).context("write the label")
}

/// Nobody ships by a time what has left, or never will. What has arrived is shown as `delivered`, which is no status of the rules.
fn is_to_leave(status: &str) -> bool {
    FulfillmentStatus::from_name(status).is_some_and(|status| !status.has_left() && status != FulfillmentStatus::Cancelled)
}

/// A fulfillment order, worded for people.
fn fulfillment_order(found: &FulfillmentOrderView) -> String {
    let facility = or_dash(found.facility_id.as_ref());
    let mut parts = vec![format!("{}: {} at {facility}, {}", found.fulfillment_order_id, found.status, found.delivery_method)];
    parts.extend(found.ship_by.filter(|_| is_to_leave(&found.status)).map(|at| format!("ship by {}", seconds(at))));
    parts.extend(found.change_requested.as_ref().map(change::requested));
    let line = |line: &oms_api::fulfillment::FulfillmentLineView| {
        [line.line_id.clone(), line.sku.clone(), line.quantity.to_string(), or_dash(line.title.as_ref())]
    };
    parts.push(format!("\n{}", table(["LINE", "SKU", "UNITS", "TITLE"], found.lines.iter().map(line))));
    let parcel = |parcel: &oms_api::fulfillment::ParcelView| {
        [parcel.parcel_id.clone(), parcel.status.clone(), or_dash(parcel.carrier.as_ref()), or_dash(parcel.tracking_number.as_ref())]
    };
    if !found.parcels.is_empty() {
        parts.push(format!("\n{}", table(["PARCEL", "STATUS", "CARRIER", "TRACKING NUMBER"], found.parcels.iter().map(parcel))));
    }
    parts.push(format!("\n{}", possible(&found.legal_actions, &found.status)));
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_still_there_is_to_leave() {
        for status in ["open", "backordered", "released", "picking", "packed", "ready_for_pickup", "incomplete"] {
            assert!(is_to_leave(status), "{status}");
        }
        for status in ["shipped", "delivered", "picked_up", "cancelled"] {
            assert!(!is_to_leave(status), "{status}");
        }
    }
}

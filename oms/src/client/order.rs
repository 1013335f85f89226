//! `oms order`: checkout's and support's commands.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use oms_api::{
    attention::AttentionItem,
    cancellation::CancellationView,
    decision::DecisionView,
    event::{AllocationView, EventView},
    hold::{DeadlineView, HoldView},
    note::NoteView,
    order::{OrderSummary, OrderView},
};
use oms_domain::order::{Choice, OrderStatus};
use serde_json::{Value, json};

use super::{
    Api,
    change::{self, CHANGE_EXAMPLES, ChangeArgs},
    note::{self, NoteArgs},
    order_text,
    paging::Paging,
    payment::{PayArgs, RefundArgs, ResolvePaymentArgs},
    selection::Selection,
    watch::{Look, Watch},
    words::{Units, hold_reason, items, object, read_small, spelled, units},
};
use crate::{
    output::{self, Format},
    sample,
};

/// What can be done to orders.
#[derive(Debug, Subcommand)]
pub enum OrderCommand {
    /// Place an order; the same order again is the same order.
    #[command(after_help = "Example:\n  oms order example | oms order place -f - --wait 5")]
    Place(PlaceArgs),
    /// Print an order that `oms dev`'s sample catalogue can fill, with a fresh id.
    #[command(after_help = "Example:\n  oms order example --quantity 3 > order.json")]
    Example(ExampleArgs),
    /// Show an order with its fulfillment orders, parcels, payments and money.
    #[command(after_help = "Example:\n  oms order get 536365 --watch")]
    Get {
        order_id: String,
        #[command(flatten)]
        watch: Watch,
    },
    /// List orders, newest first.
    #[command(after_help = "Example:\n  oms order list --status processing --facility WH-NORTH --limit 100")]
    List(Box<ListArgs>),
    /// Cancel an order or units of it: what has shipped is too late, what a facility has begun with is asked for.
    #[command(after_help = "Example:\n  oms order cancel 536365 --reason \"customer changed their mind\" --line 1=2")]
    Cancel(CancelArgs),
    /// Change an order: quantities, lines, address, method; all of it, or nothing. What facilities have accepted they are asked about.
    #[command(after_help = CHANGE_EXAMPLES)]
    Change(Box<ChangeArgs>),
    /// Show a change set, whom it is asked of, and what has become of it.
    #[command(after_help = "Example:\n  oms order get-change 536365 c-1")]
    GetChange { order_id: String, change_id: String },
    /// Take a change set back that waits for facilities.
    #[command(after_help = "Example:\n  oms order cancel-change 536365 c-1")]
    CancelChange { order_id: String, change_id: String },
    /// Write a note on an order, for those who work on it.
    #[command(after_help = "Example:\n  oms order note 536365 \"Customer called: wants it on Friday\" --author kim")]
    Note(NoteArgs),
    /// Show the notes on an order, newest first.
    #[command(after_help = "Example:\n  oms order notes 536365")]
    Notes { order_id: String },
    /// Hold an order: nothing of it is approved or released until the hold is lifted.
    #[command(after_help = "Example:\n  oms order hold 536365 --reason incorrect_address")]
    Hold(HoldArgs),
    /// Lift a hold.
    #[command(after_help = "Example:\n  oms order release-hold 536365 h-1")]
    ReleaseHold { order_id: String, hold_id: String },
    /// List what the order waits for, and what happens when it does not come.
    #[command(after_help = "Example:\n  oms order deadlines 536365")]
    Deadlines { order_id: String },
    /// Give a wait of the order more time.
    #[command(after_help = "Example:\n  oms order extend-deadline 536365 backorder.536365-F1 --until 2011-02-01T00:00:00Z")]
    ExtendDeadline {
        order_id: String,
        /// As `oms order deadlines` lists it.
        deadline_id: String,
        /// Business time, later than it is due now.
        #[arg(long, value_name = "TIME")]
        until: Timestamp,
    },
    /// Give money back, also after the order's end.
    #[command(after_help = "Example:\n  oms order refund 536365 --amount 5.00 --reason \"a gesture of goodwill\"")]
    Refund(RefundArgs),
    /// Let another instrument pay what is missing, or try one again that was declined.
    #[command(after_help = "Example:\n  oms order pay 536365 --id card-2 --amount 15.30 --token tok_17850")]
    Pay(PayArgs),
    /// Say what became of an operation of which the gateway does not speak, as found out there.
    #[command(
        after_help = "Example:\n  oms order resolve-payment 536365 default 2 --succeeded cap_1ad3 --reason \"found in the dashboard\"\n  oms order resolve-payment 536365 default 2 --failed --reason \"the gateway has never heard of it\""
    )]
    ResolvePayment(ResolvePaymentArgs),
    /// Answer for the customer: wait for stock, or drop the units.
    #[command(after_help = "Example:\n  oms order decide 536365 536365-F2-D drop")]
    Decide {
        order_id: String,
        decision_id: String,
        #[arg(value_parser = spelled(&[Choice::Wait, Choice::Drop]))]
        choice: String,
    },
    /// List what only a person can put right, with the reason, or try it again.
    Attention {
        #[command(subcommand)]
        verb: AttentionCommand,
    },
    /// Show an order's timeline.
    #[command(after_help = "Example:\n  oms order events 536365 -o jsonl")]
    Events {
        order_id: String,
        #[command(flatten)]
        page: Paging,
    },
    /// Show each decision of sourcing: the facilities chosen, the cost, and why the others were not.
    #[command(after_help = "Example:\n  oms order allocation 536365")]
    Allocation { order_id: String },
}

/// `oms order attention`
#[derive(Debug, Subcommand)]
pub enum AttentionCommand {
    /// List what needs someone over all orders: what it is about, why, and whether it can be tried again.
    #[command(after_help = "Example:\n  oms order attention list")]
    List {
        #[command(flatten)]
        page: Paging,
    },
    /// Try something again that failed.
    #[command(after_help = "Example:\n  oms order attention retry \"536365:capture default\"")]
    Retry { attention_id: String },
}

/// `oms order place`
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// The order as JSON; - for standard input.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Answer once the order is authorized and sourced, or refused; at most so many seconds later.
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u32>,
}

/// `oms order example`
#[derive(Debug, Args)]
pub struct ExampleArgs {
    /// Id of the order [default: made up].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Units of its line.
    #[arg(long, default_value_t = 2, value_name = "N")]
    quantity: u32,
}

/// `oms order list`
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    page: Paging,
    #[command(flatten)]
    watch: Watch,
}

/// `oms order cancel`
#[derive(Debug, Args)]
pub struct CancelArgs {
    order_id: String,
    #[arg(long)]
    reason: String,
    /// Units of a line, such as 1=2; may be given several times [default: the whole order].
    #[arg(long = "line", value_name = "LINE=UNITS")]
    lines: Vec<Units>,
    /// Id of the cancellation: the same id again gets the first answer [default: made up].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

/// `oms order hold`
#[derive(Debug, Args)]
pub struct HoldArgs {
    order_id: String,
    #[arg(long, value_parser = hold_reason())]
    reason: String,
    /// When it is lifted by itself.
    #[arg(long, value_name = "TIME")]
    expires_at: Option<Timestamp>,
    /// Id of the hold: the same id again is the same hold [default: made up].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
}

impl OrderCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::Place(args) => {
                let order = api.post_raw(&["v1", "orders"], read_small(&args.file)?, args.wait).await?;
                output::show::<OrderView>(format, &order, order_text::order)
            }
            Self::Example(args) => output::line(&serde_json::to_string_pretty(&sample::order(args.id, args.quantity))?),
            Self::Get { order_id, watch } => {
                let look = async || {
                    let order = api.get(&["v1", "orders", &order_id], &[]).await?;
                    Ok(Look { text: output::shown::<OrderView>(format, &order, order_text::order)?, is_over: has_ended(&order) })
                };
                watch.show(look).await
            }
            Self::List(args) => args.run(api, format).await,
            Self::Cancel(args) => args.run(api, format).await,
            Self::Change(args) => args.run(api, format).await,
            Self::GetChange { order_id, change_id } => {
                let answer = api.get(&["v1", "orders", &order_id, "changes", &change_id], &[]).await?;
                change::show(api, format, &order_id, &answer).await
            }
            Self::CancelChange { order_id, change_id } => {
                let answer = api.post(&["v1", "orders", &order_id, "changes", &change_id, "cancel"], &json!({})).await?;
                change::show(api, format, &order_id, &answer).await
            }
            Self::Note(args) => args.run(api, format).await,
            Self::Notes { order_id } => {
                let answer = api.get(&["v1", "orders", &order_id, "notes"], &[]).await?;
                output::list::<NoteView>(format, items(&answer), None, note::text)
            }
            Self::Hold(args) => args.run(api, format).await,
            Self::ReleaseHold { order_id, hold_id } => {
                api.delete(&["v1", "orders", &order_id, "holds", &hold_id]).await?;
                anstream::eprintln!("hold {hold_id} of order {order_id} is lifted");
                Ok(())
            }
            Self::Deadlines { order_id } => {
                let answer = api.get(&["v1", "orders", &order_id, "deadlines"], &[]).await?;
                output::list::<DeadlineView>(format, items(&answer), None, order_text::deadlines)
            }
            Self::ExtendDeadline { order_id, deadline_id, until } => {
                let answer = api.patch(&["v1", "orders", &order_id, "deadlines", &deadline_id], &json!({"until": until})).await?;
                output::show::<DeadlineView>(format, &answer, |found| order_text::deadlines(std::slice::from_ref(found)))
            }
            Self::Refund(args) => args.run(api, format).await,
            Self::Pay(args) => args.run(api, format).await,
            Self::ResolvePayment(args) => args.run(api, format).await,
            Self::Decide { order_id, decision_id, choice } => {
                let answer = api.post(&["v1", "orders", &order_id, "decisions", &decision_id], &json!({"choice": choice})).await?;
                let text = |found: &DecisionView| format!("{}: {}", found.decision_id, found.choice.as_deref().unwrap_or("open"));
                output::show::<DecisionView>(format, &answer, text)
            }
            Self::Attention { verb } => verb.run(api, format).await,
            Self::Events { order_id, page } => {
                let (events, next) = api.pages(&["v1", "orders", &order_id, "events"], &[], page.at_most()).await?;
                output::list::<EventView>(format, &events, next.as_deref(), order_text::events)
            }
            Self::Allocation { order_id } => {
                let answer = api.get(&["v1", "orders", &order_id, "allocation"], &[]).await?;
                output::list::<AllocationView>(format, items(&answer), None, order_text::allocation)
            }
        }
    }
}

impl ListArgs {
    async fn run(self, api: &Api, format: Format) -> Result<()> {
        let query = self.selection.query();
        let read = async || api.pages(&["v1", "orders"], &query, self.page.at_most()).await;
        let Some(watch) = self.watch.again() else {
            let (orders, next) = read().await?;
            return output::list::<OrderSummary>(format, &orders, next.as_deref(), order_text::orders);
        };
        let look = async || {
            let (orders, next) = read().await?;
            Look::on(output::listed::<OrderSummary>(format, &orders, next.as_deref(), order_text::orders))
        };
        watch.show(look).await
    }
}

/// Whether it is at its end.
fn has_ended(order: &Value) -> bool {
    order["status"].as_str().and_then(OrderStatus::from_name).is_some_and(OrderStatus::is_final)
}

impl AttentionCommand {
    async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::List { page } => {
                let (items, next) = api.pages(&["v1", "attention"], &[], page.at_most()).await?;
                output::list::<AttentionItem>(format, &items, next.as_deref(), order_text::attention)
            }
            Self::Retry { attention_id } => {
                api.post(&["v1", "attention", &attention_id, "retry"], &json!({})).await?;
                anstream::eprintln!("{attention_id} is being tried again");
                Ok(())
            }
        }
    }
}

impl CancelArgs {
    async fn run(self, api: &Api, format: Format) -> Result<()> {
        let cancellation_id = self.id.unwrap_or_else(|| api.new_id("cancellation"));
        let body = object(json!({"cancellation_id": cancellation_id, "reason": self.reason, "lines": units(&self.lines, "quantity")}));
        let answer = api.post(&["v1", "orders", &self.order_id, "cancellations"], &body).await?;
        output::show::<CancellationView>(format, &answer, order_text::cancellation)
    }
}

impl HoldArgs {
    async fn run(self, api: &Api, format: Format) -> Result<()> {
        let body = object(json!({"hold_id": self.id, "reason": self.reason, "expires_at": self.expires_at}));
        let answer = api.post(&["v1", "orders", &self.order_id, "holds"], &body).await?;
        output::show::<HoldView>(format, &answer, |hold| format!("hold {} ({}) is open", hold.hold_id, hold.reason))
    }
}

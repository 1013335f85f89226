//! `oms endpoint`: where events are sent, and what became of them there.

use anyhow::Result;
use clap::{ArgGroup, Args, Subcommand};
use jiff::Timestamp;
use oms_api::endpoint::{DeadEventView, DeliveryView, EndpointSecretView, EndpointTestView, EndpointView, EventAtEndpointView};
use serde_json::{Value, json};

use super::{Api, order_text::seconds};
use crate::output::{self, Format, or_dash, table};

/// Most items the API gives at a time.
const PAGE_MAX: u32 = 500;

/// What can be done with endpoints.
#[derive(Debug, Subcommand)]
pub enum EndpointCommand {
    /// Make an endpoint, which is told what happens from now on; its secret is shown once.
    #[command(after_help = "Example:\n  oms endpoint create ERP https://erp.example/hooks/oms --types order.placed,fulfillment.shipped")]
    Create(CreateArgs),
    /// List endpoints with how they stand, the oldest first.
    #[command(after_help = "Example:\n  oms endpoint list -o jsonl")]
    List(PageArgs),
    /// Show an endpoint with how it stands.
    #[command(after_help = "Example:\n  oms endpoint get ep-0197f3")]
    Get { endpoint_id: String },
    /// Change where an endpoint is, or what it is told.
    #[command(
        after_help = "Example:\n  oms endpoint change ep-0197f3 --url https://erp.example/hooks/v2\n  oms endpoint change ep-0197f3 --types stock.changed"
    )]
    Change(ChangeArgs),
    /// Send nothing until it goes on.
    #[command(after_help = "Example:\n  oms endpoint pause ep-0197f3")]
    Pause { endpoint_id: String },
    /// Go on where it was; one that was disabled, too.
    #[command(after_help = "Example:\n  oms endpoint resume ep-0197f3")]
    Resume { endpoint_id: String },
    /// Remove an endpoint with all that is kept of it.
    #[command(after_help = "Example:\n  oms endpoint remove ep-0197f3")]
    Remove { endpoint_id: String },
    /// Make another secret and show it, once; the one before is good for a while.
    #[command(after_help = "Example:\n  oms endpoint rotate ep-0197f3 --overlap-s 3600")]
    Rotate {
        endpoint_id: String,
        /// How long deliveries are signed with the one before, too [default: a day].
        #[arg(long, value_name = "SECONDS")]
        overlap_s: Option<u32>,
    },
    /// Sign nothing with a secret any more; the only one stays.
    #[command(after_help = "Example:\n  oms endpoint end-secret ep-0197f3 5ad01c7be2f0c1d4")]
    EndSecret { endpoint_id: String, secret_id: String },
    /// Send an example at once and show what became of it.
    #[command(after_help = "Example:\n  oms endpoint test ep-0197f3 --type fulfillment.shipped")]
    Test {
        endpoint_id: String,
        /// Which type it is an example of [default: order.placed].
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
    },
    /// List tries of the last seven days, the newest first.
    #[command(after_help = "Example:\n  oms endpoint deliveries ep-0197f3 --failed")]
    Deliveries {
        endpoint_id: String,
        /// Those that were not taken alone.
        #[arg(long)]
        failed: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    /// List events that were given up.
    #[command(after_help = "Example:\n  oms endpoint dead-letters ep-0197f3")]
    DeadLetters {
        endpoint_id: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Send a dead letter again.
    #[command(after_help = "Example:\n  oms endpoint resend ep-0197f3 0a4f9c1e-52d3-8b1a-9c7d-3f6d2f1f0e11")]
    Resend { endpoint_id: String, event_id: String },
    /// Send again what was sent before, and then what comes.
    #[command(after_help = "Example:\n  oms endpoint replay ep-0197f3 --from 2026-12-01T00:00:00Z --types stock.changed\n  \
        oms endpoint replay ep-0197f3 --order 536365")]
    Replay(ReplayArgs),
    /// Say why an event was not sent, or has not arrived.
    #[command(after_help = "Example:\n  oms endpoint explain ep-0197f3 0a4f9c1e-52d3-8b1a-9c7d-3f6d2f1f0e11 --subject order/536365")]
    Explain {
        endpoint_id: String,
        event_id: String,
        /// What the event is about.
        #[arg(long, value_name = "SUBJECT")]
        subject: String,
    },
}

/// Where a page begins, and how long it is.
#[derive(Debug, Args)]
pub struct PageArgs {
    /// Go on after the last one of the page before.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Most to list, 1 to 500.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_MAX)))]
    limit: u32,
}

/// What an endpoint is told.
#[derive(Debug, Args)]
pub struct Told {
    /// Types of events, separated by commas [default: all].
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    types: Vec<String>,
    /// What happens at this facility alone; may be given again [default: all].
    #[arg(long = "facility", value_name = "FACILITY_ID")]
    facilities: Vec<String>,
    /// What is of orders of this channel alone; may be given again [default: all].
    #[arg(long = "channel", value_name = "CHANNEL")]
    channels: Vec<String>,
}

/// `oms endpoint create`
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// For people.
    name: String,
    /// Where events are sent: https://, and an address on the public network.
    url: String,
    #[command(flatten)]
    told: Told,
    /// What an event that fails holds back: what comes after it of its subject (order), or nothing (none) [default: order].
    #[arg(long, value_name = "order|none", value_parser = ["order", "none"])]
    ordering: Option<String>,
}

/// `oms endpoint change`
#[derive(Debug, Args)]
pub struct ChangeArgs {
    endpoint_id: String,
    /// For people.
    #[arg(long)]
    name: Option<String>,
    /// Where events are sent from now on.
    #[arg(long)]
    url: Option<String>,
    #[command(flatten)]
    told: Told,
    /// It is told everything.
    #[arg(long, conflicts_with_all = ["types", "facilities", "channels"])]
    all: bool,
    /// What an event that fails holds back.
    #[arg(long, value_name = "order|none", value_parser = ["order", "none"])]
    ordering: Option<String>,
}

/// `oms endpoint replay`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("begins").required(true).args(["position", "from", "order"]))]
pub struct ReplayArgs {
    endpoint_id: String,
    /// Everything after this position of the feed.
    #[arg(long, value_name = "POSITION")]
    position: Option<String>,
    /// Everything recorded since this time.
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// All of this order.
    #[arg(long, value_name = "ORDER_ID")]
    order: Option<String>,
    /// Of what was sent before, these types alone, separated by commas.
    #[arg(long, value_name = "TYPES", value_delimiter = ',', conflicts_with = "order")]
    types: Vec<String>,
}

impl Told {
    /// None: nothing is said.
    fn body(&self) -> Option<Value> {
        let mut body = json!({});
        for (name, some) in [("types", &self.types), ("facilities", &self.facilities), ("channels", &self.channels)] {
            if !some.is_empty() {
                body[name] = json!(some);
            }
        }
        Some(body).filter(|body| *body != json!({}))
    }
}

impl CreateArgs {
    fn body(self) -> Value {
        let mut body = self.told.body().unwrap_or_else(|| json!({}));
        (body["name"], body["url"]) = (json!(self.name), json!(self.url));
        self.ordering.into_iter().for_each(|ordering| body["ordering"] = json!(ordering));
        body
    }
}

impl ChangeArgs {
    fn body(self) -> Value {
        let mut body = json!({});
        let told = if self.all { Some(json!({})) } else { self.told.body() };
        for (name, value) in [
            ("name", self.name.map(Value::from)),
            ("url", self.url.map(Value::from)),
            ("told", told),
            ("ordering", self.ordering.map(Value::from)),
        ] {
            value.into_iter().for_each(|value| body[name] = value);
        }
        body
    }
}

impl ReplayArgs {
    fn body(self) -> Value {
        let mut body = json!({});
        for (name, value) in [("position", self.position), ("from", self.from.map(|at| at.to_string())), ("order_id", self.order)] {
            value.into_iter().for_each(|value| body[name] = value.into());
        }
        if !self.types.is_empty() {
            body["types"] = json!(self.types);
        }
        body
    }
}

impl EndpointCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let at = |id: &str, rest: &[&str]| -> Vec<String> {
            ["v1", "endpoints", id].iter().chain(rest).map(|part| (*part).to_owned()).collect()
        };
        let post = async |path: Vec<String>, body: Value| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            api.post(&path, &body).await
        };
        match self {
            Self::Create(args) => output::show(format, &api.post(&["v1", "endpoints"], &args.body()).await?, endpoint_text),
            Self::List(page) => list(api, format, page).await,
            Self::Get { endpoint_id } => output::show(format, &api.get(&["v1", "endpoints", &endpoint_id], &[]).await?, endpoint_text),
            Self::Change(args) => {
                let id = args.endpoint_id.clone();
                output::show(format, &api.patch(&["v1", "endpoints", &id], &args.body()).await?, endpoint_text)
            }
            Self::Pause { endpoint_id } => output::show(format, &post(at(&endpoint_id, &["pause"]), json!({})).await?, endpoint_text),
            Self::Resume { endpoint_id } => output::show(format, &post(at(&endpoint_id, &["resume"]), json!({})).await?, endpoint_text),
            Self::Remove { endpoint_id } => api.delete(&["v1", "endpoints", &endpoint_id]).await.map(drop),
            Self::Rotate { endpoint_id, overlap_s } => {
                let body = overlap_s.map_or_else(|| json!({}), |seconds| json!({"overlap_s": seconds}));
                output::show(format, &post(at(&endpoint_id, &["secrets"]), body).await?, secret_text)
            }
            Self::EndSecret { endpoint_id, secret_id } => {
                api.delete(&["v1", "endpoints", &endpoint_id, "secrets", &secret_id]).await.map(drop)
            }
            Self::Test { endpoint_id, kind } => {
                let body = kind.map_or_else(|| json!({}), |kind| json!({"type": kind}));
                output::show(format, &post(at(&endpoint_id, &["test"]), body).await?, test_text)
            }
            Self::Deliveries { endpoint_id, failed, page } => deliveries(api, format, &endpoint_id, failed, page).await,
            Self::DeadLetters { endpoint_id, page } => dead_letters(api, format, &endpoint_id, page).await,
            Self::Resend { endpoint_id, event_id } => {
                post(at(&endpoint_id, &["dead-letters", &event_id, "resend"]), json!({})).await.map(drop)
            }
            Self::Replay(args) => {
                let path = at(&args.endpoint_id, &["replays"]);
                output::show(format, &post(path, args.body()).await?, endpoint_text)
            }
            Self::Explain { endpoint_id, event_id, subject } => {
                let found = api.get(&["v1", "endpoints", &endpoint_id, "events", &event_id], &[("subject", Some(subject))]).await?;
                output::show(format, &found, explained_text)
            }
        }
    }
}

/// The items of a page, and where the next one begins.
async fn page(
    api: &Api,
    path: &[&str],
    page: PageArgs,
    more: Option<(&'static str, Option<String>)>,
) -> Result<(Vec<Value>, Option<String>)> {
    let params: Vec<_> = [("cursor", page.cursor), ("limit", Some(page.limit.to_string()))].into_iter().chain(more).collect();
    let mut answer = api.get(path, &params).await?;
    let next = answer.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
    let items = answer.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    Ok((items, next))
}

async fn list(api: &Api, format: Format, args: PageArgs) -> Result<()> {
    let (items, next) = page(api, &["v1", "endpoints"], args, None).await?;
    let row = |found: &EndpointView| {
        let figures = [found.lag_s, found.held_back, found.dead_letters].map(|figure| figure.to_string());
        let [lag, held, dead] = figures;
        [found.endpoint_id.clone(), found.name.clone(), found.status.clone(), lag, held, dead, found.url.clone()]
    };
    output::list::<EndpointView>(format, &items, next.as_deref(), |found| {
        table(["ENDPOINT", "NAME", "STATUS", "LAG S", "HELD BACK", "DEAD", "URL"], found.iter().map(row))
    })
}

async fn deliveries(api: &Api, format: Format, id: &str, failed: bool, args: PageArgs) -> Result<()> {
    let outcome = failed.then(|| "failed".to_owned());
    let (items, next) = page(api, &["v1", "endpoints", id, "deliveries"], args, Some(("outcome", outcome))).await?;
    output::list::<DeliveryView>(format, &items, next.as_deref(), deliveries_table)
}

fn deliveries_table(found: &[DeliveryView]) -> String {
    let row = |found: &DeliveryView| {
        let outcome = if found.delivered { "delivered" } else { "failed" };
        let attempt = found.attempt.to_string();
        [
            seconds(found.at),
            found.kind.clone(),
            found.subject.clone(),
            attempt,
            outcome.to_owned(),
            or_dash(found.status),
            found.event_id.clone(),
        ]
    };
    table(["AT", "EVENT", "SUBJECT", "TRY", "OUTCOME", "STATUS", "ID"], found.iter().map(row))
}

async fn dead_letters(api: &Api, format: Format, id: &str, args: PageArgs) -> Result<()> {
    let (items, next) = page(api, &["v1", "endpoints", id, "dead-letters"], args, None).await?;
    let row = |found: &DeadEventView| {
        [
            seconds(found.dead_at),
            found.kind.clone(),
            found.subject.clone(),
            found.attempts.to_string(),
            found.event_id.clone(),
            found.why.clone(),
        ]
    };
    output::list::<DeadEventView>(format, &items, next.as_deref(), |found| {
        table(["SINCE", "EVENT", "SUBJECT", "TRIES", "ID", "WHY"], found.iter().map(row))
    })
}

fn endpoint_text(found: &EndpointView) -> String {
    let named = |some: &Option<Vec<String>>| some.as_ref().map_or_else(|| "all".to_owned(), |some| some.join(", "));
    let mut lines = vec![
        format!("{}: {} ({})", found.endpoint_id, found.name, found.status),
        found.url.clone(),
        format!(
            "types {}; facilities {}; channels {}; ordering {}",
            named(&found.types),
            named(&found.facilities),
            named(&found.channels),
            found.ordering
        ),
        format!(
            "{} delivered, {} failed, {} held back, {} dead letters, {} s behind",
            found.delivered, found.failed, found.held_back, found.dead_letters, found.lag_s
        ),
    ];
    lines.extend(found.disabled_because.as_ref().map(|why| format!("disabled: {why}")));
    lines.extend(found.last_failure.as_ref().map(|why| format!("last failure: {why}")));
    lines.extend(found.disabled_at.map(|at| format!("nothing arrives: it is disabled {}", seconds(at))));
    lines.extend(found.secrets.iter().filter(|secret| secret.secret.is_some()).map(secret_text));
    lines.join("\n")
}

fn secret_text(found: &EndpointSecretView) -> String {
    match &found.secret {
        Some(secret) => format!("{secret}\nThis is secret {}. It is shown here and never again.", found.secret_id),
        None => format!("Secret {} was made before, and shown then: rotate if that was lost.", found.secret_id),
    }
}

fn test_text(found: &EndpointTestView) -> String {
    let status = found.status.map(|status| format!(" ({status})")).unwrap_or_default();
    let outcome = if found.delivered { "delivered" } else { "failed" };
    let why = found.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("{} {outcome}{status} in {} ms{why}", found.event_id, found.took_ms)
}

fn explained_text(found: &EventAtEndpointView) -> String {
    let mut lines = vec![found.why.clone()];
    if !found.deliveries.is_empty() {
        lines.push(deliveries_table(&found.deliveries));
    }
    lines.join("\n")
}

//! `oms adapters`: companies outside, and what waits for them.

use anyhow::Result;
use clap::{Args, Subcommand};
use oms_api::provider::{ProviderView, ProviderWaitView};
use serde_json::{Value, json};

use super::{Api, order_text::seconds, paging::Paging, words::object};
use crate::output::{self, Format, or_dash, table};

/// What can be done with the adapters to companies outside.
#[derive(Debug, Subcommand)]
pub enum AdapterCommand {
    /// List the providers: whether each is asked and answers, and what waits for it since when.
    #[command(after_help = "Example:\n  oms adapters list")]
    List,
    /// List what waits for a provider, the longest first.
    #[command(after_help = "Example:\n  oms adapters waits stripe-eu --all -o jsonl")]
    Waits {
        provider: String,
        #[command(flatten)]
        page: Paging,
    },
    /// Send nothing to it any more: what is for it waits, and is done once it is resumed.
    #[command(after_help = "Example:\n  oms adapters pause stripe-eu --reason \"wrong account\"")]
    Pause(ChangeArgs),
    /// Ask it again; what waits is done at its pace.
    #[command(after_help = "Example:\n  oms adapters resume stripe-eu")]
    Resume(ChangeArgs),
    /// Give it nothing new where another can do it; what it has begun is seen through.
    #[command(after_help = "Example:\n  oms adapters drain stripe-eu --reason \"moving to another account\"")]
    Drain(ChangeArgs),
}

/// `oms adapters pause`, `resume` and `drain`
#[derive(Debug, Args)]
pub struct ChangeArgs {
    provider: String,
    /// For whoever looks at it next.
    #[arg(long)]
    reason: Option<String>,
}

impl AdapterCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let (args, word) = match self {
            Self::List => return list(api, format).await,
            Self::Waits { provider, page } => return waits(api, format, &provider, page).await,
            Self::Pause(args) => (args, "pause"),
            Self::Resume(args) => (args, "resume"),
            Self::Drain(args) => (args, "drain"),
        };
        let body = object(json!({"reason": args.reason}));
        let changed = api.post(&["v1", "adapters", &args.provider, word], &body).await?;
        output::show::<ProviderView>(format, &changed, provider_text)
    }
}

async fn list(api: &Api, format: Format) -> Result<()> {
    let answer = api.get(&["v1", "adapters"], &[]).await?;
    let items = answer.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let row = |found: &ProviderView| {
        [
            found.provider_id.clone(),
            found.port.clone(),
            found.standing.clone(),
            or_dash(found.circuit.as_ref()),
            found.in_flight.to_string(),
            found.waits.to_string(),
            or_dash(found.waits_since.map(seconds)),
        ]
    };
    let header = ["ADAPTER", "PORT", "STANDING", "CIRCUIT", "IN FLIGHT", "WAITING", "SINCE"];
    output::list::<ProviderView>(format, items, None, |all| table(header, all.iter().map(row)))
}

async fn waits(api: &Api, format: Format, provider: &str, page: Paging) -> Result<()> {
    let (items, next) = api.pages(&["v1", "adapters", provider, "waits"], &[], page.at_most()).await?;
    let row =
        |wait: &ProviderWaitView| [wait.key.clone(), wait.operation.clone(), seconds(wait.since), wait.tries.to_string(), wait.why.clone()];
    output::list::<ProviderWaitView>(format, &items, next.as_deref(), |all| {
        table(["KEY", "OPERATION", "SINCE", "TRIES", "WHY"], all.iter().map(row))
    })
}

fn provider_text(found: &ProviderView) -> String {
    let why = found.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    let since = found.waits_since.map_or_else(String::new, |since| format!(", the longest since {}", seconds(since)));
    format!(
        "{}: {} since {}{why}, circuit {}\n{} under way, {} waiting{since}",
        found.provider_id,
        found.standing,
        seconds(found.changed_at),
        or_dash(found.circuit.as_ref()),
        found.in_flight,
        found.waits,
    )
}

//! `oms inlet`: from whom messages are taken, and what became of them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use oms_api::{
    endpoint::EndpointSecretView,
    inlet::{InletMessageView, InletView},
};
use serde_json::{Value, json};

use super::{Api, order_text::seconds, paging::Paging, words::not_readable};
use crate::output::{self, Format, or_dash, table};

/// What can be done with inlets.
#[derive(Debug, Subcommand)]
pub enum InletCommand {
    /// Make an inlet; its secret is shown once.
    #[command(after_help = "Example:\n  oms inlet create ERP stock --mapping docs/mappings/erp-stock.toml")]
    Create {
        /// For people.
        name: String,
        /// What its messages are feeds of: facilities, products, stock, receipts or orders.
        kind: String,
        /// For messages that are foreign CSV: a table of columns, which `oms mapping test` tries.
        #[arg(long, value_name = "FILE")]
        mapping: Option<PathBuf>,
        /// Fetch messages there, instead of having them sent: the ARN of a queue of SQS, or s3://BUCKET/PREFIX.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
    },
    /// List inlets, the oldest first.
    #[command(after_help = "Example:\n  oms inlet list")]
    List {
        #[command(flatten)]
        page: Paging,
    },
    /// Show an inlet.
    #[command(after_help = "Example:\n  oms inlet get in-0197f3")]
    Get { inlet_id: String },
    /// Remove an inlet: nothing is taken there any more.
    #[command(after_help = "Example:\n  oms inlet remove in-0197f3")]
    Remove { inlet_id: String },
    /// Read messages by another table of columns from now on.
    #[command(after_help = "Example:\n  oms inlet map in-0197f3 erp-stock.toml")]
    Map { inlet_id: String, file: PathBuf },
    /// Make another secret and show it, once; the one before is good for a day.
    #[command(after_help = "Example:\n  oms inlet rotate in-0197f3")]
    Rotate { inlet_id: String },
    /// List messages of the last 30 days.
    #[command(after_help = "Example:\n  oms inlet messages in-0197f3 --refused")]
    Messages {
        inlet_id: String,
        /// Those that were refused alone.
        #[arg(long)]
        refused: bool,
        #[command(flatten)]
        page: Paging,
    },
    /// Deal again with a message that was refused, by the inlet's present table of columns.
    #[command(after_help = "Example:\n  oms inlet retry in-0197f3 msg-17")]
    Retry { inlet_id: String, message_id: String },
}

fn text_of(file: &Path) -> Result<String> {
    Ok(std::fs::read_to_string(file).map_err(|error| not_readable(file, &error))?)
}

impl InletCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::Create { name, kind, mapping, source } => {
                let mut body = json!({"name": name, "kind": kind});
                if let Some(file) = mapping {
                    body["mapping"] = text_of(&file)?.into();
                }
                source.into_iter().for_each(|source| body["source"] = source.into());
                output::show(format, &api.post(&["v1", "inlets"], &body).await?, inlet_text)
            }
            Self::List { page } => {
                let (items, next) = api.pages(&["v1", "inlets"], &[], page.at_most()).await?;
                output::list::<InletView>(format, &items, next.as_deref(), inlets_text)
            }
            Self::Get { inlet_id } => output::show(format, &api.get(&["v1", "inlets", &inlet_id], &[]).await?, inlet_text),
            Self::Remove { inlet_id } => api.delete(&["v1", "inlets", &inlet_id]).await.map(drop),
            Self::Map { inlet_id, file } => {
                let body = json!({"mapping": text_of(&file)?});
                output::show(format, &api.put(&["v1", "inlets", &inlet_id, "mapping"], &body).await?, inlet_text)
            }
            Self::Rotate { inlet_id } => {
                output::show(format, &api.post(&["v1", "inlets", &inlet_id, "secrets"], &json!({})).await?, secret_text)
            }
            Self::Messages { inlet_id, refused, page } => {
                let outcome = refused.then(|| "refused".to_owned());
                let (items, next) = api.pages(&["v1", "inlets", &inlet_id, "messages"], &[("outcome", outcome)], page.at_most()).await?;
                output::list::<InletMessageView>(format, &items, next.as_deref(), messages_text)
            }
            Self::Retry { inlet_id, message_id } => {
                let path = ["v1", "inlets", &inlet_id, "messages", &message_id, "retry"];
                let dealt_with: Value = api.post(&path, &json!({})).await?;
                output::show::<InletMessageView>(format, &dealt_with, |message| messages_text(std::slice::from_ref(message)))
            }
        }
    }
}

fn inlets_text(found: &[InletView]) -> String {
    let row = |inlet: &InletView| {
        [
            inlet.inlet_id.clone(),
            inlet.name.clone(),
            inlet.kind.clone(),
            inlet.refused.to_string(),
            inlet.open.to_string(),
            inlet.path.clone(),
        ]
    };
    table(["INLET", "NAME", "KIND", "REFUSED", "OPEN", "PATH"], found.iter().map(row))
}

fn inlet_text(inlet: &InletView) -> String {
    let mut lines = vec![
        format!("{}: {} ({})", inlet.inlet_id, inlet.name, inlet.kind),
        inlet.source.as_ref().map_or_else(|| format!("POST {}", inlet.path), |source| format!("from {source}")),
        format!("{} refused, {} open; table of columns {}", inlet.refused, inlet.open, inlet.mapping_version),
    ];
    if let (Some(since), Some(failure)) = (inlet.failing_since, &inlet.last_failure) {
        lines.push(format!("nothing can be fetched since {}: {failure}", seconds(since)));
    }
    lines.extend(inlet.secrets.iter().filter(|secret| secret.secret.is_some()).map(secret_text));
    lines.join("\n")
}

fn secret_text(found: &EndpointSecretView) -> String {
    match &found.secret {
        Some(secret) => format!("{secret}\nThis is secret {}. It is shown here and never again.", found.secret_id),
        None => format!("Secret {} was made before, and shown then: rotate if that was lost.", found.secret_id),
    }
}

fn messages_text(found: &[InletMessageView]) -> String {
    let row = |message: &InletMessageView| {
        let feed = or_dash(message.feed_id.as_ref());
        [
            message.message_id.clone(),
            seconds(message.received_at),
            message.status.clone(),
            message.attempts.to_string(),
            feed,
            or_dash(message.why.as_ref()),
        ]
    };
    table(["MESSAGE", "RECEIVED", "STATUS", "TRIES", "FEED", "WHY"], found.iter().map(row))
}

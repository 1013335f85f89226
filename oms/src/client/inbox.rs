//! `oms inbox`: messages that orders could not be told.

use anyhow::Result;
use clap::Subcommand;
use oms_api::inbox::DeadLetterView;

use super::Api;
use crate::output::{self, Format, table};

/// Most dead letters the API gives at a time.
const PAGE_MAX: u32 = 500;

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub enum InboxCommand {
    /// List messages to orders that are given up, oldest first, and why.
    #[command(after_help = "Example:\n  oms inbox list -o jsonl")]
    List {
        /// Go on after this message.
        #[arg(long, value_name = "MESSAGE_ID")]
        cursor: Option<i64>,
        /// Most messages to list, 1 to 500.
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_MAX)))]
        limit: u32,
    },
    /// Have messages tried again, from the first attempt.
    #[command(after_help = "Example:\n  oms inbox retry 17 18")]
    Retry {
        #[arg(required = true, value_name = "MESSAGE_ID")]
        message_ids: Vec<i64>,
    },
}

impl InboxCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::List { cursor, limit } => list(api, format, cursor, limit).await,
            Self::Retry { message_ids } => {
                for message_id in &message_ids {
                    api.post(&["v1", "inbox", "dead-letters", &message_id.to_string(), "retry"], &serde_json::json!({})).await?;
                }
                Ok(())
            }
        }
    }
}

async fn list(api: &Api, format: Format, cursor: Option<i64>, limit: u32) -> Result<()> {
    let params = [("cursor", cursor.map(|id| id.to_string())), ("limit", Some(limit.to_string()))];
    let answer = api.get(&["v1", "inbox", "dead-letters"], &params).await?;
    let items = answer.get("items").and_then(serde_json::Value::as_array).map_or(&[][..], Vec::as_slice);
    let next = answer.get("next_cursor").and_then(serde_json::Value::as_str);
    let row = |letter: &DeadLetterView| {
        [letter.message_id.to_string(), letter.dead_at.to_string(), letter.order_id.clone(), letter.kind.clone(), letter.why.clone()]
    };
    output::list::<DeadLetterView>(format, items, next, |letters| {
        table(["MESSAGE", "DEAD SINCE", "ORDER", "TYPE", "WHY"], letters.iter().map(row))
    })
}

//! `oms event`: what happens to all orders, as other systems read it.

use anyhow::Result;
use clap::Subcommand;
use oms_api::event::StreamEventView;

use super::Api;
use crate::output::{self, Format, table};

/// Most events the API gives at a time.
const PAGE_MAX: u32 = 500;

/// What can be done with the stream of events.
#[derive(Debug, Subcommand)]
pub enum EventCommand {
    /// List events of all orders, oldest first; the last position is where to go on.
    #[command(after_help = "Example:\n  oms event list --types fulfillment_shipped,delivered -o jsonl")]
    List {
        /// Go on after this position [default: from the beginning].
        #[arg(long, value_name = "POSITION")]
        after: Option<String>,
        /// Types, separated by commas [default: all].
        #[arg(long)]
        types: Option<String>,
        /// One of 16 lanes, 0 to 15, for readers side by side [default: all].
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..=15))]
        lane: Option<u8>,
        /// Most events to list, 1 to 500.
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_MAX)))]
        limit: u32,
    },
}

impl EventCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let Self::List { after, types, lane, limit } = self;
        let params = [("cursor", after), ("types", types), ("lane", lane.map(|lane| lane.to_string())), ("limit", Some(limit.to_string()))];
        let answer = api.get(&["v1", "events"], &params).await?;
        let items = answer.get("items").and_then(serde_json::Value::as_array).map_or(&[][..], Vec::as_slice);
        // For people the last row has the position to go on from.
        let next = answer.get("next_cursor").and_then(serde_json::Value::as_str).filter(|_| format != Format::Text);
        let row = |found: &StreamEventView| {
            let event = &found.event;
            [
                found.position.clone(),
                event.at.to_string(),
                found.order_id.clone().unwrap_or_default(),
                event.seq.to_string(),
                event.kind.clone(),
            ]
        };
        output::list::<StreamEventView>(format, items, next, |events| {
            table(["POSITION", "AT", "ORDER", "SEQ", "EVENT"], events.iter().map(row))
        })
    }
}

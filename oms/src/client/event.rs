//! `oms event`: what happens to orders, returns and stock, as other systems read it.

use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use oms_api::{event::StreamEventView, page::StreamPage};
use serde::Deserialize;
use serde_json::Value;

use super::{Api, order_text::seconds, watch};
use crate::{
    output::{self, Format, table},
    style,
};

/// Most events the API gives at a time.
const PAGE_MAX: u32 = 500;
/// In place of a position: whatever begins from now on.
const END: &str = "end";

/// What can be done with the stream of events.
#[derive(Debug, Subcommand)]
pub enum EventCommand {
    /// List events of orders, returns, stock and feeds, oldest first; the last position is where to go on.
    #[command(after_help = "Example:\n  oms event list --types fulfillment.shipped,parcel.delivered -o jsonl")]
    List {
        /// Go on after this position [default: from the beginning].
        #[arg(long, value_name = "POSITION")]
        after: Option<String>,
        #[command(flatten)]
        which: Which,
        /// Most events to list, 1 to 500.
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_MAX)))]
        limit: u32,
    },
    /// Print events as they happen, until Ctrl-C; whoever goes on later does so after the last position printed.
    #[command(
        after_help = "Example:\n  oms event tail\n  oms event tail --types fulfillment.shipped,parcel.delivered -o jsonl --after 1-7421-38"
    )]
    Tail {
        /// Begin after this position [default: from now on].
        #[arg(long, value_name = "POSITION", conflicts_with = "from_beginning")]
        after: Option<String>,
        /// Begin with the first event that is kept.
        #[arg(long)]
        from_beginning: bool,
        #[command(flatten)]
        which: Which,
        /// End after this many events [default: never].
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        limit: Option<u64>,
        /// How often to look.
        #[arg(long, default_value_t = 1, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
        every: u64,
    },
}

/// Which events are meant.
#[derive(Debug, Args)]
pub struct Which {
    /// Types, separated by commas [default: all].
    #[arg(long)]
    types: Option<String>,
    /// One of 16 lanes, 0 to 15, for readers side by side [default: all].
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=15))]
    lane: Option<u8>,
}

impl Which {
    async fn read(&self, api: &Api, after: Option<String>, limit: u32) -> Result<StreamPage<Value>> {
        let lane = self.lane.map(|lane| lane.to_string());
        let params = [("cursor", after), ("types", self.types.clone()), ("lane", lane), ("limit", Some(limit.to_string()))];
        let answer = api.get(&["v1", "events"], &params).await?;
        StreamPage::deserialize(answer).context("the server's answer is not a page of events")
    }
}

impl EventCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::List { after, which, limit } => {
                let read = which.read(api, after, limit).await?;
                // For people the last row has the position to go on from.
                let next = Some(read.next_cursor.as_str()).filter(|_| format != Format::Text);
                output::list::<StreamEventView>(format, &read.items, next, |events| {
                    table(["POSITION", "AT", "SUBJECT", "SEQ", "EVENT"], events.iter().map(columns))
                })
            }
            Self::Tail { after, from_beginning, which, limit, every } => {
                let after = if from_beginning { None } else { Some(after.unwrap_or_else(|| END.to_owned())) };
                tail(api, format, &which, after, (limit, Duration::from_secs(every))).await
            }
        }
    }
}

/// Page by page, and where there is no more, again after a while. A server that is away for a while is asked again.
async fn tail(api: &Api, format: Format, which: &Which, mut after: Option<String>, (limit, every): (Option<u64>, Duration)) -> Result<()> {
    let (mut left, mut has_answered) = (limit.unwrap_or(u64::MAX), false);
    while left > 0 {
        let most = u32::try_from(left).unwrap_or(PAGE_MAX).min(PAGE_MAX);
        let has_more = match which.read(api, after.clone(), most).await {
            Ok(read) => {
                print(format, &read.items)?;
                left = left.saturating_sub(read.items.len() as u64);
                (after, has_answered) = (Some(read.next_cursor), true);
                read.has_more
            }
            Err(error) if has_answered && watch::passes(&error) => {
                anstream::eprintln!("{}", style::faint(&format!("{error:#}")));
                false
            }
            Err(error) => return Err(error),
        };
        if left > 0 && !has_more {
            tokio::time::sleep(every).await;
        }
    }
    Ok(())
}

/// A line each; columns that come later cannot make earlier ones wider.
fn print(format: Format, events: &[Value]) -> Result<()> {
    for event in events {
        // One document that never ends is none: programs get a line each, too.
        let format = if format == Format::Json { Format::Jsonl } else { format };
        output::show::<StreamEventView>(format, event, |found| columns(found).join("  "))?;
    }
    Ok(())
}

fn columns(found: &StreamEventView) -> [String; 5] {
    let event = &found.event;
    [found.position.clone(), seconds(event.time), event.subject.clone(), event.sequence.to_string(), event.kind.clone()]
}

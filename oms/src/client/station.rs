//! `oms station`: places of work that people take over by their badge and PIN.

use anyhow::Result;
use clap::{Args, Subcommand};
use oms_api::station::StationView;
use serde_json::{Value, json};

use super::Api;
use crate::output::{self, Format, table};

/// Most stations the API gives at a time.
const PAGE_MAX: u32 = 500;

/// What can be done with stations.
#[derive(Debug, Subcommand)]
pub enum StationCommand {
    /// Enrol a station; the token that it shows from now on is printed once.
    #[command(after_help = "Example:\n  oms station create 'Pack bench 1' --facility LEEDS --printer zebra-2")]
    Create(CreateArgs),
    /// List stations.
    #[command(after_help = "Example:\n  oms station list -o jsonl")]
    List {
        /// Go on after this station.
        #[arg(long, value_name = "STATION_ID")]
        cursor: Option<String>,
        /// Most stations to list, 1 to 500.
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_MAX)))]
        limit: u32,
    },
    /// Show a station.
    #[command(after_help = "Example:\n  oms station get leeds-pack-1")]
    Get { station_id: String },
    /// Remove a station; whoever had taken it over is out.
    #[command(after_help = "Example:\n  oms station remove leeds-pack-1")]
    Remove { station_id: String },
}

/// `oms station create`
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// What people call it.
    name: String,
    /// Where it stands.
    #[arg(long, value_name = "FACILITY_ID")]
    facility: String,
    /// Its id [default: one is made up].
    #[arg(long, value_name = "STATION_ID")]
    id: Option<String>,
    /// What prints there, as the facility calls it.
    #[arg(long)]
    printer: Option<String>,
}

impl StationCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let answer = match self {
            Self::List { cursor, limit } => return list(api, format, cursor, limit).await,
            Self::Remove { station_id } => {
                api.delete(&["v1", "stations", &station_id]).await?;
                return Ok(());
            }
            Self::Create(args) => api.post(&["v1", "stations"], &args.body()).await?,
            Self::Get { station_id } => api.get(&["v1", "stations", &station_id], &[]).await?,
        };
        output::show(format, &answer, station_text)
    }
}

impl CreateArgs {
    fn body(self) -> Value {
        let mut body = json!({"name": self.name, "facility_id": self.facility});
        for (name, some) in [("station_id", self.id), ("printer", self.printer)] {
            if let Some(some) = some {
                body[name] = some.into();
            }
        }
        body
    }
}

async fn list(api: &Api, format: Format, cursor: Option<String>, limit: u32) -> Result<()> {
    let answer = api.get(&["v1", "stations"], &[("cursor", cursor), ("limit", Some(limit.to_string()))]).await?;
    let items = answer.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let next = answer.get("next_cursor").and_then(Value::as_str);
    let row = |station: &StationView| {
        let taken_by = station.taken_by.clone().unwrap_or_default();
        [station.station_id.clone(), station.name.clone(), station.facility_id.clone(), taken_by]
    };
    output::list::<StationView>(format, items, next, |all| table(["STATION", "NAME", "FACILITY", "TAKEN BY"], all.iter().map(row)))
}

fn station_text(station: &StationView) -> String {
    let printer = station.printer.as_ref().map_or_else(String::new, |printer| format!(", prints on {printer}"));
    let taken_by = station.taken_by.as_ref().map_or_else(|| "nobody".to_owned(), Clone::clone);
    let mut lines = vec![
        format!("{}: {} at {}{printer}", station.station_id, station.name, station.facility_id),
        format!("last taken over by {taken_by}"),
    ];
    if let Some(token) = &station.token {
        lines.push(format!("{token}\nThe station shows this token from now on. It is shown here and never again."));
    }
    lines.join("\n")
}

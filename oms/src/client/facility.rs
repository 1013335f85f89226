//! `oms facility`: warehouses and stores, one at a time; many come by feed.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use oms_api::facility::FacilityBody;

use super::{Api, words::read_json};
use crate::output::{self, Format, or_dash};

/// What can be done with facilities.
#[derive(Debug, Subcommand)]
pub enum FacilityCommand {
    /// Show a facility.
    #[command(after_help = "Example:\n  oms facility get WH-NORTH")]
    Get { facility_id: String },
    /// Create a facility or replace it.
    #[command(after_help = "Example:\n  oms facility get WH-NORTH -o json > north.json\n  oms facility put WH-NORTH -f north.json")]
    Put {
        facility_id: String,
        /// The facility as JSON; - for standard input.
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
    },
}

impl FacilityCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let facility = match self {
            Self::Get { facility_id } => api.get(&["v1", "facilities", &facility_id], &[]).await?,
            Self::Put { facility_id, file } => api.replace(&["v1", "facilities", &facility_id], &read_json(&file)?).await?,
        };
        output::show::<FacilityBody>(format, &facility, facility_text)
    }
}

fn facility_text(facility: &FacilityBody) -> String {
    let does = |does: bool, what: &'static str| if does { what } else { "" };
    let services = [does(facility.ship_enabled, "ships"), does(facility.pickup_enabled, "hands over")];
    format!(
        "{}: {}, {} in {}, {}\nworks {} in {}, cutoff {}, at most {} orders a day; {}",
        facility.facility_id,
        facility.name,
        facility.facility_type,
        facility.city,
        facility.country,
        facility.working_days,
        facility.timezone,
        facility.cutoff_local_time.strftime("%H:%M"),
        or_dash(facility.daily_order_capacity),
        services.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" and "),
    )
}

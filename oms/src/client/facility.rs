//! `oms facility`: warehouses and stores, one at a time; many come by feed.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use oms_api::{facility::FacilityBody, order::AddressBody};

use super::{Api, words::read_json};
use crate::output::{self, Format, or_dash};

/// What can be done with facilities.
#[derive(Debug, Subcommand)]
pub enum FacilityCommand {
    /// Show a facility.
    #[command(after_help = "Example:\n  oms facility get WH-NORTH")]
    Get { facility_id: String },
    /// Show the address that a facility's labels name.
    #[command(after_help = "Example:\n  oms facility address WH-NORTH")]
    Address { facility_id: String },
    /// Say what address a facility's labels name.
    #[command(
        after_help = "Example:\n  echo '{\"name\":\"Acme Ltd\",\"line1\":\"1 Dock Rd\",\"city\":\"Leeds\",\"postal_code\":\"LS1 4AP\",\"country\":\"GB\"}' | oms facility put-address WH-NORTH -f -"
    )]
    PutAddress {
        facility_id: String,
        /// The address as JSON; - for standard input.
        #[arg(short, long, value_name = "FILE")]
        file: PathBuf,
    },
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
            Self::Address { facility_id } => {
                let address = api.get(&["v1", "facilities", &facility_id, "address"], &[]).await?;
                return output::show::<AddressBody>(format, &address, address_text);
            }
            Self::PutAddress { facility_id, file } => {
                let address = api.replace(&["v1", "facilities", &facility_id, "address"], &read_json(&file)?).await?;
                return output::show::<AddressBody>(format, &address, address_text);
            }
            Self::Get { facility_id } => api.get(&["v1", "facilities", &facility_id], &[]).await?,
            Self::Put { facility_id, file } => api.replace(&["v1", "facilities", &facility_id], &read_json(&file)?).await?,
        };
        output::show::<FacilityBody>(format, &facility, facility_text)
    }
}

fn address_text(address: &AddressBody) -> String {
    let place = [address.postal_code.as_ref(), Some(&address.city), address.region.as_ref()];
    let place = place.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    let lines = [Some(&address.name), Some(&address.line1), address.line2.as_ref(), Some(&place), Some(&address.country)];
    lines.into_iter().flatten().cloned().chain(address.phone.clone()).collect::<Vec<_>>().join("\n")
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

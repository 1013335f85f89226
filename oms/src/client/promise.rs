//! `oms promise`: what could be promised for a basket.

use std::str::FromStr;

use anyhow::Result;
use clap::Args;
use jiff::civil::Date;
use oms_api::promise::{PromiseView, PromisesView};
use serde_json::{Value, json};

use super::{
    Api,
    words::{Units, object},
};
use crate::output::{self, Format, or_dash, table};

/// `oms promise`
#[derive(Debug, Args)]
pub struct PromiseArgs {
    /// SKU and units, such as 85123A=6.
    #[arg(required = true, value_name = "SKU=UNITS")]
    basket: Vec<Units>,
    /// Country it goes to, ISO 3166-1 alpha-2.
    #[arg(long, value_name = "COUNTRY")]
    country: String,
    /// Latitude and longitude in degrees [default: the dearest zone of the country].
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true)]
    at: Option<Coordinates>,
    #[arg(long)]
    channel: Option<String>,
    /// A delivery after it counts as late.
    #[arg(long, value_name = "DATE")]
    by: Option<Date>,
}

/// `LAT,LON`, such as `53.80,-1.55`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coordinates {
    pub latitude: f64,
    pub longitude: f64,
}

impl FromStr for Coordinates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is not LAT,LON, such as 53.80,-1.55");
        let (latitude, longitude) = text.split_once(',').ok_or_else(wrong)?;
        let degrees = |text: &str| text.trim().parse().map_err(|_| wrong());
        Ok(Self { latitude: degrees(latitude)?, longitude: degrees(longitude)? })
    }
}

impl PromiseArgs {
    /// Asks, and shows one option for each shipping method.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        let lines: Vec<Value> = (1..)
            .zip(&self.basket)
            .map(|(line_id, units)| json!({"line_id": line_id.to_string(), "sku": units.line_id, "quantity": units.quantity}))
            .collect();
        let (latitude, longitude) = (self.at.map(|at| at.latitude), self.at.map(|at| at.longitude));
        let address = object(json!({"country": self.country, "latitude": latitude, "longitude": longitude}));
        let body = object(json!({"lines": lines, "address": address, "channel": self.channel, "requested_delivery_date": self.by}));
        let promises = api.ask(&["v1", "promises"], &body).await?;
        output::show::<PromisesView>(format, &promises, |promises| promises.options.iter().map(option).collect::<Vec<_>>().join("\n\n"))
    }
}

fn option(option: &PromiseView) -> String {
    let units = |lines: &[oms_api::promise::PromisedUnitsView]| {
        lines.iter().map(|line| format!("{}={}", line.line_id, line.quantity)).collect::<Vec<_>>().join(" ")
    };
    let summary = format!(
        "{}: delivered {}, costs {} milli, promise {}",
        option.method,
        or_dash(option.delivery_date),
        option.cost_milli,
        option.promise_id
    );
    let row = |of: &oms_api::promise::PromisedConsignmentView| {
        [of.facility_id.clone(), of.ship_date.to_string(), of.delivery_date.to_string(), units(&of.lines)]
    };
    let rows = table(["FACILITY", "SHIPPED", "DELIVERED", "LINE=UNITS"], option.consignments.iter().map(row));
    let waits = if option.unfilled.is_empty() { String::new() } else { format!("\nnot filled: {}", units(&option.unfilled)) };
    format!("{summary}\n{rows}{waits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_two_numbers() {
        assert_eq!("53.80, -1.55".parse(), Ok(Coordinates { latitude: 53.8, longitude: -1.55 }));
        for text in ["53.8", "53.8,west", ""] {
            assert!(text.parse::<Coordinates>().is_err(), "{text}");
        }
    }
}

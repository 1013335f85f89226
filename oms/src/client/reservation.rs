//! Stock held for a checkout, as `oms stock hold` and its siblings show it.

use anyhow::Result;
use clap::Args;
use oms_api::reservation::ReservationView;
use serde_json::{Value, json};

use super::{
    Api,
    order_text::seconds,
    promise::Coordinates,
    words::{Units, object},
};
use crate::output::{self, Format, table};

/// `oms stock hold`
#[derive(Debug, Args)]
pub struct HoldArgs {
    /// An id of the caller's; the same again is the same reservation.
    reservation_id: String,
    /// SKU and units, such as 85123A=6.
    #[arg(required = true, value_name = "SKU=UNITS")]
    basket: Vec<Units>,
    /// Country it goes to, ISO 3166-1 alpha-2.
    #[arg(long, value_name = "COUNTRY", required_unless_present = "pickup_at")]
    country: Option<String>,
    /// Latitude and longitude in degrees [default: the dearest zone of the country].
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true, requires = "country")]
    at: Option<Coordinates>,
    /// `standard` or `express` [default: standard].
    #[arg(long, conflicts_with = "pickup_at")]
    method: Option<String>,
    /// The store where it is picked up.
    #[arg(long, value_name = "FACILITY")]
    pickup_at: Option<String>,
    #[arg(long)]
    channel: Option<String>,
    /// How long [default: 900, at most 7200].
    #[arg(long = "for", value_name = "SECONDS")]
    hold_s: Option<u32>,
}

impl HoldArgs {
    /// Asks for it.
    pub async fn ask(self, api: &Api) -> Result<Value> {
        let lines: Vec<Value> = (1..)
            .zip(&self.basket)
            .map(|(line_id, units)| json!({"line_id": line_id.to_string(), "sku": units.line_id, "quantity": units.quantity}))
            .collect();
        let (latitude, longitude) = (self.at.map(|at| at.latitude), self.at.map(|at| at.longitude));
        let address = self.country.map(|country| object(json!({"country": country, "latitude": latitude, "longitude": longitude})));
        let method = self.pickup_at.as_ref().map(|_| "pickup".to_owned()).or(self.method);
        let body = object(json!({
            "reservation_id": self.reservation_id, "lines": lines, "address": address, "method": method,
            "pickup_facility_id": self.pickup_at, "channel": self.channel, "hold_s": self.hold_s,
        }));
        api.post(&["v1", "reservations"], &body).await
    }
}

/// Prints a reservation.
///
/// # Errors
/// When it cannot be written, or is none.
pub fn show(format: Format, reservation: &Value) -> Result<()> {
    output::show::<ReservationView>(format, reservation, text)
}

fn text(view: &ReservationView) -> String {
    let id = &view.reservation_id;
    if let Some(order_id) = &view.order_id {
        return format!("{id}: {}, order {order_id} has taken over what it needed", view.status);
    }
    let row = |line_id: &str, sku: &str, facility: &str, quantity: u32| {
        [line_id.to_owned(), sku.to_owned(), facility.to_owned(), quantity.to_string()]
    };
    let held = view.held.iter().map(|units| row(&units.line_id, &units.sku, &units.facility_id, units.quantity));
    let not_held = view.not_held.iter().map(|units| row(&units.line_id, &units.sku, "not held", units.quantity));
    let until = if view.held.is_empty() { String::new() } else { format!(" until {}", seconds(view.expires_at)) };
    format!("{id}: {}{until}\n{}", view.status, table(["LINE", "SKU", "FACILITY", "UNITS"], held.chain(not_held)))
}

//! `oms stock`: what is where, and corrections of it.

use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use oms_api::{
    availability::AvailabilityView,
    stock::{AdjustmentsView, PositionView, StockMovementView, StockView},
};
use oms_domain::error::ErrorCode;
use serde_json::json;

use super::{
    Api,
    order_text::seconds,
    paging::Paging,
    reservation::{self, HoldArgs},
    words::object,
};
use crate::{
    exit::Coded,
    output::{self, Format, or_dash, table},
};

/// What can be done with stock.
#[derive(Debug, Subcommand)]
pub enum StockCommand {
    /// Show where a SKU is.
    #[command(after_help = "Example:\n  oms stock get 85123A")]
    Get { sku: String },
    /// Show what could be promised of SKUs now.
    #[command(after_help = "Example:\n  oms stock available 85123A 71053")]
    Available {
        #[arg(required = true)]
        skus: Vec<String>,
    },
    /// Set a position to what was counted.
    #[command(after_help = "Example:\n  oms stock set WH-NORTH 85123A --on-hand 40 --safety-stock 2")]
    Set(SetArgs),
    /// Record units that came or went.
    #[command(after_help = "Example:\n  oms stock adjust WH-NORTH 85123A --by -2 --reason damage")]
    Adjust(AdjustArgs),
    /// Take back the last count of a position, as if it had never been told; its limits stay.
    #[command(after_help = "Example:\n  oms stock uncount WH-NORTH 85123A --as-of 2010-12-01T09:00:00Z")]
    Uncount {
        facility_id: String,
        sku: String,
        /// When it was counted, by the count.
        #[arg(long, value_name = "TIME")]
        as_of: Timestamp,
    },
    /// List what moved units of a position and why, the last recorded first.
    #[command(after_help = "Example:\n  oms stock movements WH-NORTH 85123A --limit 20")]
    Movements {
        facility_id: String,
        sku: String,
        #[command(flatten)]
        page: Paging,
    },
    /// Hold units for a checkout, until an order names the reservation or its time is over.
    #[command(after_help = "Example:\n  oms stock hold CART-17 85123A=6 71053=2 --country GB --at 53.80,-1.55 --for 600")]
    Hold(HoldArgs),
    /// Show what a reservation holds.
    #[command(after_help = "Example:\n  oms stock held CART-17")]
    Held { reservation_id: String },
    /// Hold a reservation for so many seconds from now.
    #[command(after_help = "Example:\n  oms stock extend CART-17 --for 600")]
    Extend {
        reservation_id: String,
        /// Seconds from now, at most two hours after it was made.
        #[arg(long = "for", value_name = "SECONDS")]
        hold_s: u32,
    },
    /// Give a reservation's units back.
    #[command(after_help = "Example:\n  oms stock release CART-17")]
    Release { reservation_id: String },
}

/// `oms stock set`
#[derive(Debug, Args)]
pub struct SetArgs {
    facility_id: String,
    sku: String,
    /// Units on the shelf, reserved ones included.
    #[arg(long, value_name = "UNITS")]
    on_hand: u32,
    /// Units never promised [default: as before].
    #[arg(long, value_name = "UNITS")]
    safety_stock: Option<u32>,
    /// When it was counted: movements after that are added [default: now].
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
}

/// `oms stock adjust`
#[derive(Debug, Args)]
pub struct AdjustArgs {
    facility_id: String,
    sku: String,
    /// Units, signed.
    #[arg(long, allow_negative_numbers = true, value_name = "UNITS")]
    by: i64,
    /// receipt, sale, return, transfer_in, transfer_out, damage, theft or correction.
    #[arg(long)]
    reason: String,
    /// Id of the adjustment: the same id again changes nothing [default: made up].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// When it happened [default: now].
    #[arg(long, value_name = "TIME")]
    occurred_at: Option<Timestamp>,
}

impl StockCommand {
    /// Does it.
    pub async fn run(self, api: &Api, format: Format) -> Result<()> {
        match self {
            Self::Get { sku } => {
                let stock = api.get(&["v1", "skus", &sku, "availability"], &[]).await?;
                output::show::<StockView>(format, &stock, |stock| positions(&stock.positions))
            }
            Self::Available { skus } => {
                let answer = api.ask(&["v1", "availability"], &json!({"skus": skus})).await?;
                output::show::<AvailabilityView>(format, &answer, available)
            }
            Self::Set(args) => {
                let body = object(json!({"on_hand": args.on_hand, "safety_stock": args.safety_stock, "as_of": args.as_of}));
                let position = api.put(&["v1", "stock", &args.facility_id, &args.sku], &body).await?;
                output::show::<PositionView>(format, &position, |position| positions(std::slice::from_ref(position)))
            }
            Self::Adjust(args) => args.run(api, format).await,
            Self::Uncount { facility_id, sku, as_of } => {
                let position = api.delete(&["v1", "stock", &facility_id, &sku, "counts", &as_of.to_string()]).await?;
                output::show::<PositionView>(format, &position, |position| positions(std::slice::from_ref(position)))
            }
            Self::Movements { facility_id, sku, page } => {
                let (found, next) = api.pages(&["v1", "stock", &facility_id, &sku, "movements"], &[], page.at_most()).await?;
                output::list::<StockMovementView>(format, &found, next.as_deref(), movements)
            }
            Self::Hold(args) => reservation::show(format, &args.ask(api).await?),
            Self::Held { reservation_id } => reservation::show(format, &api.get(&["v1", "reservations", &reservation_id], &[]).await?),
            Self::Extend { reservation_id, hold_s } => {
                let extended = api.patch(&["v1", "reservations", &reservation_id], &json!({"hold_s": hold_s})).await?;
                reservation::show(format, &extended)
            }
            Self::Release { reservation_id } => reservation::show(format, &api.delete(&["v1", "reservations", &reservation_id]).await?),
        }
    }
}

impl AdjustArgs {
    async fn run(self, api: &Api, format: Format) -> Result<()> {
        let adjustment = object(json!({
            "adjustment_id": self.id, "facility_id": self.facility_id, "sku": self.sku, "quantity": self.by,
            "reason": self.reason, "occurred_at": self.occurred_at,
        }));
        let answer = api.post(&["v1", "stock", "adjustments"], &json!({"adjustments": [adjustment]})).await?;
        output::show::<AdjustmentsView>(format, &answer, |view| {
            view.results.iter().map(|result| result.result.clone()).collect::<Vec<_>>().join("\n")
        })?;
        let view: AdjustmentsView = serde_json::from_value(answer)?;
        match view.results.iter().find_map(|result| result.code.as_deref()) {
            None => Ok(()),
            Some(code) => {
                let code = ErrorCode::from_code(code).unwrap_or(ErrorCode::RefusedByRule);
                Err(Coded::new(code, code.title()).into())
            }
        }
    }
}

fn positions(positions: &[PositionView]) -> String {
    let row = |at: &PositionView| {
        let counts = [at.on_hand, at.reserved, at.unavailable, at.safety_stock, at.oversell_limit, at.deficit, at.available];
        let [on_hand, reserved, unavailable, safety, oversell, deficit, available] = counts.map(|units| units.to_string());
        [at.facility_id.clone(), on_hand, reserved, unavailable, safety, oversell, deficit, available]
    };
    let header = ["FACILITY", "ON HAND", "RESERVED", "UNAVAILABLE", "SAFETY", "OVERSELL", "DEFICIT", "AVAILABLE"];
    table(header, positions.iter().map(row))
}

fn movements(found: &[StockMovementView]) -> String {
    let row = |movement: &StockMovementView| {
        let units = |units: i64| if units == 0 { "-".to_owned() } else { format!("{units:+}") };
        let cause = if movement.moved { movement.cause.clone() } else { format!("{} (before the last count)", movement.cause) };
        [
            seconds(movement.occurred_at),
            cause,
            units(movement.on_hand),
            units(movement.reserved),
            units(movement.unavailable),
            or_dash(movement.order_id.clone()),
            or_dash(movement.reference.clone()),
            or_dash(movement.actor.as_ref().map(ToString::to_string)),
        ]
    };
    table(["OCCURRED", "CAUSE", "ON HAND", "RESERVED", "UNAVAILABLE", "ORDER", "REFERENCE", "BY"], found.iter().map(row))
}

fn available(answer: &AvailabilityView) -> String {
    let rows = answer.items.iter().map(|item| {
        let facilities: Vec<String> = item.facilities.iter().map(|at| format!("{} {}", at.facility_id, at.available)).collect();
        [item.sku.clone(), item.available.to_string(), facilities.join(", ")]
    });
    table(["SKU", "AVAILABLE", "WHERE"], rows)
}

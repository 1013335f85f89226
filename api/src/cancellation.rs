//! Cancellations: a record each, answered per unit.

use std::collections::BTreeMap;

use oms_domain::{
    ids::{CancellationId, LineId},
    order::{Cancellation, Request},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Node, text, units_per_line};

/// The body of `POST /orders/{id}/cancellations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancellationBody {
    /// Absent: one is made up. The same id again gets the first answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation_id: Option<String>,
    #[schema(min_length = 1, max_length = 200, examples("customer changed their mind"))]
    pub reason: String,
    /// Absent: the whole order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<LineUnits>>,
}

/// Units of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineUnits {
    pub line_id: String,
    #[schema(minimum = 1)]
    pub quantity: u32,
}

/// Units per line, as a list.
pub fn line_units(lines: &BTreeMap<LineId, u32>) -> Vec<LineUnits> {
    lines.iter().map(|(line_id, quantity)| LineUnits { line_id: line_id.to_string(), quantity: *quantity }).collect()
}

/// Reads the body into the order's request, and names the cancellation; `made_up`, if it has no id of its own.
pub fn read_cancellation(node: &Node<'_>, made_up: &str) -> Option<(CancellationId, Request)> {
    node.object(|fields| {
        let cancellation_id: Option<CancellationId> = fields.new_id("cancellation_id", made_up);
        let reason = fields.required("reason", text(200));
        let lines = fields.optional("lines", units_per_line("quantity"));
        let cancellation_id = cancellation_id?;
        Some((cancellation_id.clone(), Request::Cancel { cancellation_id, reason: reason?, lines: lines? }))
    })
}

/// What became of the units that were to be cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancellationView {
    pub cancellation_id: String,
    pub order_id: String,
    pub reason: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: jiff::Timestamp,
    /// Gone from the order; their money is given back.
    pub cancelled: Vec<CancelledUnits>,
    /// A facility has begun with them and must agree.
    pub requested: Vec<CancelledUnits>,
    pub too_late: Vec<CancelledUnits>,
}

/// Units of a line, and why they ended there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CancelledUnits {
    pub line_id: String,
    pub quantity: u32,
    pub reason: String,
}

impl CancellationView {
    pub fn of(order_id: &oms_domain::ids::OrderId, cancellation: &Cancellation) -> Self {
        let units = |lines: &BTreeMap<LineId, u32>, reason: &str| -> Vec<CancelledUnits> {
            let unit = |(line_id, quantity): (&LineId, &u32)| CancelledUnits {
                line_id: line_id.to_string(),
                quantity: *quantity,
                reason: reason.to_owned(),
            };
            lines.iter().map(unit).collect()
        };
        Self {
            cancellation_id: cancellation.cancellation_id.to_string(),
            order_id: order_id.to_string(),
            reason: cancellation.reason.clone(),
            at: cancellation.at,
            cancelled: units(&cancellation.cancelled, &cancellation.reason),
            requested: units(&cancellation.requested, "the facility has begun with them and must agree"),
            too_late: units(&cancellation.too_late, "shipped or gone before"),
        }
    }
}

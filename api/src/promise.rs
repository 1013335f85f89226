//! What checkout may tell a customer before there is an order: when a basket would come, from where, and what that costs.

use std::collections::BTreeSet;

use jiff::civil::Date;
use oms_domain::ids::{LineId, Sku};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    availability::{PlaceBody, place},
    reader::{Node, date, name, parsed, quantity},
};

/// Most lines in one question.
pub const PROMISE_LINES_MAX: usize = 500;

/// The body of `POST /promises`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromiseBody {
    #[schema(min_items = 1, max_items = 500)]
    pub lines: Vec<PromiseLineBody>,
    pub address: PlaceBody,
    /// Which groups of facilities serve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// A delivery after it counts as late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub requested_delivery_date: Option<Date>,
}

/// Units of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromiseLineBody {
    #[schema(value_type = String)]
    pub line_id: LineId,
    #[schema(value_type = String)]
    pub sku: Sku,
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: u32,
}

impl PromiseBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let lines = fields.required("lines", lines);
            let address = fields.required("address", |n| n.object(place));
            let channel = fields.optional("channel", name);
            let requested_delivery_date = fields.optional("requested_delivery_date", date);
            Some(Self { lines: lines?, address: address?, channel: channel?, requested_delivery_date: requested_delivery_date? })
        })
    }
}

/// A basket: no line twice.
pub(crate) fn lines(node: &Node<'_>) -> Option<Vec<PromiseLineBody>> {
    let mut seen = BTreeSet::new();
    node.list(1, PROMISE_LINES_MAX, |element| line(element, &mut seen))
}

fn line(node: &Node<'_>, seen: &mut BTreeSet<LineId>) -> Option<PromiseLineBody> {
    node.object(|fields| {
        let line_id = fields.required("line_id", |n| {
            let id: LineId = parsed(n)?;
            if seen.insert(id.clone()) { Some(id) } else { n.error("is used by an earlier element") }
        });
        let sku = fields.required("sku", parsed);
        let quantity = fields.required("quantity", quantity);
        Some(PromiseLineBody { line_id: line_id?, sku: sku?, quantity: quantity? })
    })
}

/// One option for each shipping method. Nothing is reserved: stock may go to others meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromisesView {
    pub options: Vec<PromiseView>,
}

/// What one shipping method would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromiseView {
    /// For the order: one that names it and no date of its own is planned for this option's date. Good for 30 days.
    pub promise_id: String,
    /// `standard` or `express`.
    pub method: String,
    /// The last delivery; absent if nothing can be shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub delivery_date: Option<Date>,
    /// What the house pays, in thousandths of the minor unit: freight, handling, picking, splits and lateness. No price for the customer.
    pub cost_milli: i64,
    pub consignments: Vec<PromisedConsignmentView>,
    /// Units that no facility has, or that are not worth a consignment of their own and would wait.
    pub unfilled: Vec<PromisedUnitsView>,
    /// Version of the rules that decided.
    pub rules_version: String,
}

/// What one facility would ship.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromisedConsignmentView {
    pub facility_id: String,
    #[schema(value_type = String, format = Date)]
    pub ship_date: Date,
    #[schema(value_type = String, format = Date)]
    pub delivery_date: Date,
    pub lines: Vec<PromisedUnitsView>,
}

/// Units of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PromisedUnitsView {
    pub line_id: String,
    pub quantity: i64,
}

//! Stock: counts, receipts, adjustments, positions, and what is available where.

use jiff::Timestamp;
use oms_domain::ids::{FacilityId, Sku};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    actor::ActorView,
    feed::FeedRecord,
    reader::{Fields, Node, choice, integer, name, parsed, quantity, timestamp},
};

/// Most units a position can hold.
const UNITS_MAX: i64 = 1_000_000_000;
/// Most adjustments in one body.
pub const ADJUSTMENTS_MAX: usize = 1_000;

/// A count of one position: a row of a stock feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockRow {
    #[schema(value_type = String)]
    pub facility_id: FacilityId,
    #[schema(value_type = String)]
    pub sku: Sku,
    #[serde(flatten)]
    pub count: StockCountBody,
}

/// What was counted, and the limits that are set with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockCountBody {
    /// Units on the shelf, including those that are reserved.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub on_hand: i64,
    /// Units never promised; absent: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_stock: Option<i64>,
    /// Units that may be promised beyond what is there; absent: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oversell_limit: Option<i64>,
    /// Units that are damaged or blocked; absent: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<i64>,
}

impl FeedRecord for StockRow {
    const REQUIRED: &'static [&'static str] = &["facility_id", "sku", "on_hand"];
    const OPTIONAL: &'static [&'static str] = &["safety_stock", "oversell_limit", "unavailable"];

    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (facility_id, sku) = (fields.required("facility_id", parsed), fields.required("sku", parsed));
            let count = count(fields);
            Some(Self { facility_id: facility_id?, sku: sku?, count: count? })
        })
    }
}

fn count(fields: &Fields<'_>) -> Option<StockCountBody> {
    let on_hand = fields.required("on_hand", integer(0..=UNITS_MAX));
    let [safety_stock, oversell_limit, unavailable] =
        ["safety_stock", "oversell_limit", "unavailable"].map(|name| fields.optional(name, integer(0..=UNITS_MAX)));
    Some(StockCountBody { on_hand: on_hand?, safety_stock: safety_stock?, oversell_limit: oversell_limit?, unavailable: unavailable? })
}

/// The body of `PUT /stock/{facility}/{sku}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PutStockBody {
    #[serde(flatten)]
    pub count: StockCountBody,
    /// When it was counted: movements after that are added. Absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
}

impl PutStockBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let count = count(fields);
            let as_of = fields.optional("as_of", timestamp);
            Some(Self { count: count?, as_of: as_of? })
        })
    }
}

/// Units that came in: a row of a receipts feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptRow {
    /// Absent: time, facility, SKU and ordinal among equal rows stand for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_id: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    #[schema(value_type = String)]
    pub facility_id: FacilityId,
    #[schema(value_type = String)]
    pub sku: Sku,
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: u32,
}

impl FeedRecord for ReceiptRow {
    const REQUIRED: &'static [&'static str] = &["received_at", "facility_id", "sku", "quantity"];
    const OPTIONAL: &'static [&'static str] = &["receipt_id"];

    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let receipt_id = fields.optional("receipt_id", name);
            let received_at = fields.required("received_at", timestamp);
            let (facility_id, sku) = (fields.required("facility_id", parsed), fields.required("sku", parsed));
            let quantity = fields.required("quantity", quantity);
            Some(Self { receipt_id: receipt_id?, received_at: received_at?, facility_id: facility_id?, sku: sku?, quantity: quantity? })
        })
    }
}

/// Why units came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentReason {
    Receipt,
    Sale,
    Return,
    TransferIn,
    TransferOut,
    Damage,
    Theft,
    Correction,
}

const REASONS: &[(&str, AdjustmentReason)] = &[
    ("receipt", AdjustmentReason::Receipt),
    ("sale", AdjustmentReason::Sale),
    ("return", AdjustmentReason::Return),
    ("transfer_in", AdjustmentReason::TransferIn),
    ("transfer_out", AdjustmentReason::TransferOut),
    ("damage", AdjustmentReason::Damage),
    ("theft", AdjustmentReason::Theft),
    ("correction", AdjustmentReason::Correction),
];

/// A movement of stock that no order makes: a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdjustmentBody {
    /// The same id again changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjustment_id: Option<String>,
    #[schema(value_type = String)]
    pub facility_id: FacilityId,
    #[schema(value_type = String)]
    pub sku: Sku,
    /// Units, signed, not 0.
    #[schema(examples(-2))]
    pub quantity: i64,
    pub reason: AdjustmentReason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub occurred_at: Option<Timestamp>,
}

/// The body of `POST /stock/adjustments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdjustmentsBody {
    #[schema(min_items = 1, max_items = 1000)]
    pub adjustments: Vec<AdjustmentBody>,
}

impl AdjustmentsBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let adjustments = fields.required("adjustments", |n| n.list(1, ADJUSTMENTS_MAX, adjustment));
            Some(Self { adjustments: adjustments? })
        })
    }
}

fn adjustment(node: &Node<'_>) -> Option<AdjustmentBody> {
    node.object(|fields| {
        let adjustment_id = fields.optional("adjustment_id", name);
        let (facility_id, sku) = (fields.required("facility_id", parsed), fields.required("sku", parsed));
        let quantity = fields.required("quantity", |n| match integer(-UNITS_MAX..=UNITS_MAX)(n)? {
            0 => n.error("must not be 0"),
            units => Some(units),
        });
        let reason = fields.required("reason", choice(REASONS));
        let occurred_at = fields.optional("occurred_at", timestamp);
        Some(AdjustmentBody {
            adjustment_id: adjustment_id?,
            facility_id: facility_id?,
            sku: sku?,
            quantity: quantity?,
            reason: reason?,
            occurred_at: occurred_at?,
        })
    })
}

/// What became of each adjustment, in the order of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdjustmentsView {
    pub results: Vec<AdjustmentResult>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AdjustmentResult {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjustment_id: Option<String>,
    /// `applied`, `duplicate` or `rejected`.
    #[schema(examples("applied"))]
    pub result: String,
    /// Why it was rejected: a code of the error table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("unknown_sku"))]
    pub code: Option<String>,
}

/// A row of the ledger: what moved at a position, in units more or less, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockMovementView {
    /// Numbers rise; some are left out.
    pub movement_id: u64,
    pub on_hand: i64,
    pub reserved: i64,
    pub unavailable: i64,
    /// `reserved`, `shipped`, `receipt`, `snapshot`, `theft`, ...
    #[schema(examples("shipped"))]
    pub cause: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<String>,
    /// What it goes back to: the id of an adjustment, a receipt, a feed, a return, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// `false`: it happened before the count that stood there when it was told, which has it in it. It is kept, and moved nothing.
    pub moved: bool,
    /// Whose doing it was; absent: nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorView>,
    /// The request in which they did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// A SKU's stock, wherever it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockView {
    pub sku: String,
    pub positions: Vec<PositionView>,
}

/// Units of a SKU at one facility.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PositionView {
    pub facility_id: String,
    pub sku: String,
    pub on_hand: i64,
    pub reserved: i64,
    pub unavailable: i64,
    pub safety_stock: i64,
    pub oversell_limit: i64,
    /// Reserved units that a fact (a count, a theft) took away, and that are being re-sourced.
    pub deficit: i64,
    /// on_hand − reserved − unavailable − safety_stock + oversell_limit, never below 0.
    pub available: i64,
}

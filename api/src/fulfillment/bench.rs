//! A pack bench: what is counted, and scans.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::FulfillmentOrderView;
use crate::{
    problem::Problem,
    reader::{Node, name, text},
};

/// Longest code that a scanner reads.
const CODE_MAX_CHARS: usize = 200;

/// The body of `POST /fulfillment-orders/{fulfillment_order_id}/scans`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScanBody {
    /// Made by whoever scans. The same id again gets the first answer and counts nothing.
    #[schema(pattern = "^[A-Za-z0-9._-]{1,64}$")]
    pub scan_id: String,
    /// A barcode or a SKU. `CMD-UNDO` twice takes the last count back; `CMD-PACK` packs when all is there; `CMD-LET-GO` and `CMD-KEEP` answer
    /// a customer who wants it otherwise.
    #[schema(min_length = 1, max_length = 200)]
    pub code: String,
}

impl ScanBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (scan_id, code) = (fields.required("scan_id", name), fields.required("code", text(CODE_MAX_CHARS)));
            Some(Self { scan_id: scan_id?, code: code? })
        })
    }
}

/// What came of a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ScanView {
    /// `counted`, `complete`, `wrong_item`, `too_many`, `unknown_code`, `undo_asked`, `undone`, `nothing_to_undo`, `not_all_there`; `stopped`: the
    /// customer wants it otherwise, which is answered first: `let_go`, `kept`; `cancelled`: what is in the box goes back; `not_now`: it is not
    /// being packed.
    #[schema(examples("counted"))]
    pub result: String,
    /// What was scanned, if it is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// It is packed, and what was to follow was refused: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    pub bench: BenchView,
}

/// What is packed, and how much of it is counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BenchView {
    pub fulfillment_order: FulfillmentOrderView,
    pub lines: Vec<BenchLineView>,
    /// All of it is counted.
    pub is_complete: bool,
    /// It can still be packed: nobody has, and nothing else has become of it.
    pub is_packable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BenchLineView {
    pub line_id: String,
    pub sku: String,
    /// Null for a product that is not in the catalog any more.
    pub title: Option<String>,
    pub quantity: u32,
    pub counted: u32,
    /// Counted, and not wanted any more: to be put back.
    pub surplus: u32,
}

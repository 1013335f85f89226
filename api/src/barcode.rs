//! What scanners read off products, and where products lie.

use oms_domain::{barcode, ids::Sku};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Fields, Node, integer, text};

/// Most codes of one product.
const BARCODES_MAX: usize = 50;
const UNITS_MAX: i64 = 1_000_000;
const BIN_MAX_CHARS: usize = 32;

/// The body of `PUT /products/{sku}/barcodes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BarcodesBody {
    /// All that it has: what is not named any more is not of it.
    #[schema(max_items = 50)]
    pub barcodes: Vec<BarcodeBody>,
}

/// A code, and how many units it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BarcodeBody {
    /// As it is scanned. A GTIN is kept with 14 digits, and its check digit must be right.
    #[schema(min_length = 1, max_length = 80, examples("4006381333931"))]
    pub code: String,
    /// Absent: one.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub units: u32,
}

fn one() -> u32 {
    1
}

impl BarcodesBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { barcodes: fields.required("barcodes", |n| n.list(0, BARCODES_MAX, read_barcode))? }))
    }
}

fn read_barcode(node: &Node<'_>) -> Option<BarcodeBody> {
    node.object(|fields| {
        let code = fields.required("code", read_code);
        let units = fields.optional("units", integer(1..=UNITS_MAX));
        Some(BarcodeBody { code: code?, units: units?.and_then(|units| u32::try_from(units).ok()).unwrap_or_else(one) })
    })
}

fn read_code(node: &Node<'_>) -> Option<String> {
    let code = text(barcode::BARCODE_MAX_CHARS)(node)?;
    match barcode::flaw(&code) {
        Some(flaw) => node.error(flaw),
        None => Some(barcode::normalised(&code)),
    }
}

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BarcodeView {
    #[schema(examples("04006381333931"))]
    pub code: String,
    #[schema(value_type = String)]
    pub sku: Sku,
    pub units: u32,
}

/// Where a position lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BinBody {
    /// As the facility calls it.
    #[schema(min_length = 1, max_length = 32, examples("A-03-2"))]
    pub bin: String,
    /// Where on the walk through the facility it comes: the lowest first.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub walk: u32,
}

impl BinBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields: &Fields<'_>| {
            let (bin, walk) = (fields.required("bin", text(BIN_MAX_CHARS)), fields.required("walk", integer(0..=UNITS_MAX)));
            Some(Self { bin: bin?, walk: u32::try_from(walk?).ok()? })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reader::read_json;

    #[test]
    fn codes_are_kept_as_they_are_compared_and_typing_errors_are_named() {
        let body = json!({"barcodes": [{"code": "4006381333931"}, {"code": "BOX-12", "units": 12}]});
        let read = read_json(body.to_string().as_bytes(), BarcodesBody::read).unwrap();
        assert_eq!(read.barcodes.iter().map(|b| (b.code.as_str(), b.units)).collect::<Vec<_>>(), [("04006381333931", 1), ("BOX-12", 12)]);
        let wrong = json!({"barcodes": [{"code": "4006381333932"}, {"code": "x", "units": 0}]});
        let problem = read_json(wrong.to_string().as_bytes(), BarcodesBody::read).unwrap_err();
        assert_eq!(
            problem.errors.iter().map(|error| error.pointer.as_str()).collect::<Vec<_>>(),
            ["/barcodes/0/code", "/barcodes/1/units"]
        );
    }
}

//! Products: what a SKU is called, costs and weighs.

use oms_domain::{ids::Sku, money::Currency};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    feed::FeedRecord,
    reader::{Fields, Node, amount_minor, integer, parsed, same_as_path, text},
};

/// Heaviest, in grams, and longest, in millimetres: a thousand tonnes, or a kilometre, is a typing error.
const SIZE_MAX: i64 = 1_000_000_000;

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProductBody {
    #[schema(value_type = String, min_length = 1, max_length = 64, examples("85123A"))]
    pub sku: Sku,
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64)]
    pub price_minor: i64,
    /// ISO 4217.
    #[schema(value_type = String, examples("GBP"))]
    pub currency: Currency,
    pub weight_g: u32,
    pub length_mm: u32,
    pub width_mm: u32,
    pub height_mm: u32,
}

impl FeedRecord for ProductBody {
    const REQUIRED: &'static [&'static str] =
        &["sku", "title", "price_minor", "currency", "weight_g", "length_mm", "width_mm", "height_mm"];
    const OPTIONAL: &'static [&'static str] = &[];

    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let sku = fields.required("sku", parsed);
            product(fields, sku)
        })
    }
}

impl ProductBody {
    /// The body of `PUT /products/{sku}`: it may leave the SKU out, and may not name another.
    pub fn read_at(node: &Node<'_>, sku: &Sku) -> Option<Self> {
        node.object(|fields| {
            let sku = same_as_path(fields, "sku", sku);
            product(fields, sku)
        })
    }
}

fn product(fields: &Fields<'_>, sku: Option<Sku>) -> Option<ProductBody> {
    let title = fields.required("title", text(300));
    let price_minor = fields.required("price_minor", amount_minor);
    let currency = fields.required("currency", parsed);
    let [weight_g, length_mm, width_mm, height_mm] =
        ["weight_g", "length_mm", "width_mm", "height_mm"].map(|name| fields.required(name, size));
    Some(ProductBody {
        sku: sku?,
        title: title?,
        price_minor: price_minor?,
        currency: currency?,
        weight_g: weight_g?,
        length_mm: length_mm?,
        width_mm: width_mm?,
        height_mm: height_mm?,
    })
}

fn size(node: &Node<'_>) -> Option<u32> {
    u32::try_from(integer(0..=SIZE_MAX)(node)?).ok()
}

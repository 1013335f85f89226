//! What could be promised now, without promising it.

use std::collections::BTreeSet;

use oms_domain::ids::Sku;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    order::{country, position},
    reader::{Fields, Node, name, parsed, text},
};

/// Most SKUs in one question.
pub const SKUS_MAX: usize = 500;

/// The body of `POST /availability`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AvailabilityBody {
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 500)]
    pub skus: Vec<Sku>,
    /// Every channel draws on the one pool of stock: it changes nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Every facility ships everywhere: it changes nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<PlaceBody>,
}

/// As much of an address as a basket knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlaceBody {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latitude: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longitude: Option<f64>,
}

impl AvailabilityBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let mut seen = BTreeSet::new();
            let sku = |n: &Node<'_>| {
                let sku: Sku = parsed(n)?;
                if seen.insert(sku.clone()) { Some(sku) } else { n.error("is asked for by an earlier element") }
            };
            let skus = fields.required("skus", |n| n.list(1, SKUS_MAX, sku));
            let channel = fields.optional("channel", name);
            let address = fields.optional("address", |n| n.object(place));
            Some(Self { skus: skus?, channel: channel?, address: address? })
        })
    }
}

pub(crate) fn place(fields: &Fields<'_>) -> Option<PlaceBody> {
    let country = fields.required("country", country);
    let city = fields.optional("city", text(100));
    let postal_code = fields.optional("postal_code", text(20));
    let position = position(fields)?;
    Some(PlaceBody {
        country: country?,
        city: city?,
        postal_code: postal_code?,
        latitude: position.map(|position| position.latitude),
        longitude: position.map(|position| position.longitude),
    })
}

/// The answer, in the order of the question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AvailabilityView {
    pub items: Vec<AvailableView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AvailableView {
    pub sku: String,
    /// Over all facilities.
    pub available: i64,
    /// Those that have some.
    pub facilities: Vec<AvailableAtView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AvailableAtView {
    pub facility_id: String,
    pub available: i64,
}

//! A picklist as it is walked: from bin to bin, with a tote for each fulfillment order.

use std::collections::BTreeMap;

use oms_domain::fulfillment::FulfillmentStatus;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{FulfillmentOrderView, PicklistView};

/// What is picked together, in the order of the walk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WalkView {
    pub picklist: PicklistView,
    pub stops: Vec<StopView>,
}

/// All units of one SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StopView {
    /// Absent: nobody has said where it lies. Such stops come last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<String>,
    pub sku: String,
    pub title: Option<String>,
    pub quantity: u32,
    pub parts: Vec<StopPart>,
}

/// Units of it for one fulfillment order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StopPart {
    /// Counted from 1, in the order in which the fulfillment orders were begun.
    pub tote: u32,
    pub fulfillment_order_id: String,
    pub line_id: String,
    pub quantity: u32,
}

impl WalkView {
    /// What is being picked of the parts, each with its tote; `bins` are the SKUs' places on the walk, and their names.
    pub fn of(picklist: PicklistView, parts: &[(usize, FulfillmentOrderView)], bins: &BTreeMap<String, (u32, String)>) -> Self {
        let mut stops: BTreeMap<&str, StopView> = BTreeMap::new();
        for (tote, part) in parts.iter().filter(|(_, part)| part.status == FulfillmentStatus::Picking.name()) {
            for line in &part.lines {
                let empty = || StopView { bin: None, sku: line.sku.clone(), title: line.title.clone(), quantity: 0, parts: Vec::new() };
                let stop = stops.entry(&line.sku).or_insert_with(empty);
                stop.quantity += line.quantity;
                stop.parts.push(StopPart {
                    tote: u32::try_from(*tote).unwrap_or(u32::MAX),
                    fulfillment_order_id: part.fulfillment_order_id.clone(),
                    line_id: line.line_id.clone(),
                    quantity: line.quantity,
                });
            }
        }
        let mut stops: Vec<StopView> = stops.into_values().collect();
        stops.sort_by_cached_key(|stop| (bins.get(&stop.sku).map_or(u32::MAX, |(walk, _)| *walk), stop.sku.clone()));
        for stop in &mut stops {
            stop.bin = bins.get(&stop.sku).map(|(_, bin)| bin.clone());
        }
        Self { picklist, stops }
    }
}

//! A fulfillment order as an associate sees it: where it goes and what is in it; no price, no email.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::{
    ids::{LineId, Sku},
    order::{FacilityRejection, FulfillmentOrder, Order, Parcel},
    placed::{Destination, PlacedOrder},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    actor::ActorView,
    cancellation::{LineUnits, line_units},
    change::ChangeAskedView,
    decision::resolution_name,
    order::{address_body, body::AddressBody},
};

/// What one facility ships of an order by one method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FulfillmentOrderView {
    #[schema(examples("536365-F1"))]
    pub fulfillment_order_id: String,
    pub order_id: String,
    /// Null while no facility has the stock.
    pub facility_id: Option<String>,
    #[schema(examples("released"))]
    pub status: String,
    /// `standard`, `express` or `pickup`.
    pub delivery_method: String,
    /// Null for a pickup without an address.
    pub ship_to: Option<AddressBody>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ship_by: Option<Timestamp>,
    /// A preorder: not before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub fulfill_at: Option<Timestamp>,
    /// Why facilities gave units back, the last one last.
    pub rejections: Vec<RejectionView>,
    pub lines: Vec<FulfillmentLineView>,
    pub parcels: Vec<ParcelView>,
    /// Units that someone asked to cancel: the facility accepts or refuses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancellation_requested: Vec<LineUnits>,
    /// A change set that needs the facility's consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_requested: Option<ChangeAskedView>,
    /// A pickup that is handed over only against the customer's code.
    #[serde(default, skip_serializing_if = "is_false")]
    pub code_required: bool,
    /// The parcel whose units it sends again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// Words for `POST /fulfillment-orders/{id}/...`.
    pub legal_actions: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FulfillmentLineView {
    pub line_id: String,
    pub sku: String,
    /// Null for a product that is not in the catalog any more.
    pub title: Option<String>,
    pub quantity: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParcelView {
    #[schema(examples("536365-F1-P1"))]
    pub parcel_id: String,
    #[schema(examples("in_transit"))]
    pub status: String,
    pub tracking_number: Option<String>,
    /// Where people follow it, as its carrier says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
    pub carrier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_g: Option<u32>,
    /// No carrier said that it arrived; time did.
    #[serde(default)]
    pub assumed_delivered: bool,
    /// Of a parcel that was lost or sent back: `replace` or `refund`, once that is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    pub lines: Vec<LineUnits>,
}

/// A time that somebody fetched a label to print it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabelPrintView {
    /// Counted from 1 for each label.
    pub number: u32,
    #[schema(examples("pdf"))]
    pub format: String,
    #[schema(value_type = String, format = DateTime)]
    pub printed_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectionView {
    pub facility_id: String,
    #[schema(examples("not_in_stock"))]
    pub reason: String,
    pub lines: Vec<LineUnits>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A fulfillment order in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FulfillmentOrderSummary {
    pub fulfillment_order_id: String,
    pub order_id: String,
    pub facility_id: Option<String>,
    pub status: String,
    pub delivery_method: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ship_by: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// With `?expand=fulfillment_order`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfillment_order: Option<Box<FulfillmentOrderView>>,
}

impl FulfillmentOrderView {
    /// `titles` are those of the order's products.
    pub fn of(placed: &PlacedOrder, order: &Order, found: &FulfillmentOrder, titles: &BTreeMap<Sku, String>) -> Self {
        let group = placed.delivery_groups.get(usize::from(found.group));
        let address = group.and_then(|group| match &group.destination {
            Destination::Address(address) => Some(address),
            Destination::Pickup { address, .. } => address.as_ref(),
        });
        let request = found.cancellation_request.as_ref();
        Self {
            fulfillment_order_id: found.fulfillment_order_id.to_string(),
            order_id: placed.order_id.to_string(),
            facility_id: found.facility_id.as_ref().map(ToString::to_string),
            status: found.shown_status().to_owned(),
            delivery_method: group.map(|group| group.method.as_str()).unwrap_or_default().to_owned(),
            ship_to: address.map(address_body),
            ship_by: found.ship_by,
            fulfill_at: found.fulfill_at,
            rejections: found.rejections.iter().map(RejectionView::from).collect(),
            lines: lines(placed, &found.lines, titles),
            parcels: found.parcels.iter().map(ParcelView::from).collect(),
            cancellation_requested: request.map(|request| line_units(&request.lines)).unwrap_or_default(),
            change_requested: ChangeAskedView::of(order, found),
            legal_actions: order.legal_actions(found).into_iter().map(str::to_owned).collect(),
            code_required: found.pickup_code_hash.is_some(),
            replaces: found.replaces.as_ref().map(ToString::to_string),
        }
    }
}

fn lines(placed: &PlacedOrder, units: &BTreeMap<LineId, u32>, titles: &BTreeMap<Sku, String>) -> Vec<FulfillmentLineView> {
    let here = placed.lines.iter().filter_map(|line| Some((line, *units.get(&line.line_id)?)));
    here.map(|(line, quantity)| FulfillmentLineView {
        line_id: line.line_id.to_string(),
        sku: line.sku.to_string(),
        title: titles.get(&line.sku).cloned(),
        quantity,
    })
    .collect()
}

impl From<&Parcel> for ParcelView {
    fn from(parcel: &Parcel) -> Self {
        Self {
            parcel_id: parcel.parcel_id.to_string(),
            status: parcel.status.name().to_owned(),
            tracking_number: parcel.tracking_number.clone(),
            tracking_url: parcel.tracking_url.clone(),
            carrier: parcel.carrier.clone(),
            weight_g: parcel.weight_g,
            assumed_delivered: parcel.assumed_delivered,
            resolution: parcel.resolution.map(|resolution| resolution_name(resolution).to_owned()),
            lines: line_units(&parcel.lines),
        }
    }
}

impl From<&FacilityRejection> for RejectionView {
    fn from(rejection: &FacilityRejection) -> Self {
        Self {
            facility_id: rejection.facility_id.to_string(),
            reason: rejection.reason.name().to_owned(),
            lines: line_units(&rejection.lines),
        }
    }
}

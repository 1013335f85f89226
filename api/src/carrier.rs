//! What carriers report, in batches.

use jiff::Timestamp;
use oms_domain::parcel::ParcelAction;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Node, name, text, timestamp};

/// Most events in one body.
pub const CARRIER_EVENTS_MAX: usize = 1_000;

/// The body of `POST /carrier-events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CarrierEventsBody {
    #[schema(min_items = 1, max_items = 1000)]
    pub events: Vec<CarrierEventBody>,
}

/// A scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CarrierEventBody {
    /// Unique with the carrier and the tracking number: the same again is a duplicate.
    pub event_id: String,
    #[schema(examples("acme"))]
    pub carrier: String,
    pub tracking_number: String,
    /// `handed_over`, `in_transit`, `out_for_delivery`, `attempted`, `exception`, `delivered`, `returned_to_sender` or `lost`.
    #[schema(examples("in_transit"))]
    pub status: String,
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: Timestamp,
}

impl CarrierEventsBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let events = fields.required("events", |n| n.list(1, CARRIER_EVENTS_MAX, event));
            Some(Self { events: events? })
        })
    }
}

fn event(node: &Node<'_>) -> Option<CarrierEventBody> {
    node.object(|fields| {
        let event_id = fields.required("event_id", text(100));
        let carrier = fields.required("carrier", name);
        let tracking_number = fields.required("tracking_number", name);
        let status = fields.required("status", status);
        let occurred_at = fields.required("occurred_at", timestamp);
        Some(CarrierEventBody {
            event_id: event_id?,
            carrier: carrier?,
            tracking_number: tracking_number?,
            status: status?,
            occurred_at: occurred_at?,
        })
    })
}

fn status(node: &Node<'_>) -> Option<String> {
    let status = name(node)?;
    if ParcelAction::from_carrier_status(&status).is_some() {
        return Some(status);
    }
    let known = ParcelAction::ALL.iter().map(|action| action.name());
    let known: Vec<&str> = known.filter(|name| ParcelAction::from_carrier_status(name).is_some()).collect();
    node.error(format!("must be one of {}", known.join(", ")))
}

/// What became of each event, in the order of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CarrierEventsView {
    pub results: Vec<CarrierEventResult>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CarrierEventResult {
    pub event_id: String,
    /// `accepted`, `duplicate`, or `parked`: the number is not known yet, and the event waits 30 days for it.
    #[schema(examples("accepted"))]
    pub result: String,
}

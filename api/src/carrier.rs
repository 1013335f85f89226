//! What carriers report, in batches.

use jiff::Timestamp;
use oms_domain::parcel::ParcelAction;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    problem::FieldError,
    reader::{Node, name, text, timestamp, tracking_number},
};

/// Most events in one body.
pub const CARRIER_EVENTS_MAX: usize = 1_000;
const EVENT_ID_MAX_CHARS: usize = 100;
const UNKNOWN_STATUS: &str = "is no status that is known here";

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
    /// The events of a batch, each read by itself: one that is wrong, or says what nobody here knows, stops no other.
    pub fn read(node: &Node<'_>) -> Option<Vec<Result<CarrierEventBody, CarrierEventResult>>> {
        node.object(|fields| {
            fields.required("events", |n| n.list(1, CARRIER_EVENTS_MAX, |element| Some(element.apart(event).map_err(refused))))
        })
    }
}

/// Why one event of a batch counts for nothing.
fn refused((value, errors): (Value, Vec<FieldError>)) -> CarrierEventResult {
    let event_id = value.get("event_id").and_then(Value::as_str).map(|id| id.chars().take(EVENT_ID_MAX_CHARS).collect());
    // Carriers add words without notice: what is otherwise right is no fault of whoever sends it.
    let ignored = errors.iter().all(|error| error.message == UNKNOWN_STATUS);
    let words: Vec<String> = errors.iter().map(|error| format!("{} {}", error.pointer, error.message)).collect();
    let result = if ignored { "ignored" } else { "rejected" };
    CarrierEventResult { event_id: event_id.unwrap_or_default(), result: result.to_owned(), detail: Some(words.join("; ")) }
}

fn event(node: &Node<'_>) -> Option<CarrierEventBody> {
    node.object(|fields| {
        let event_id = fields.required("event_id", text(EVENT_ID_MAX_CHARS));
        let carrier = fields.required("carrier", name);
        let tracking_number = fields.required("tracking_number", tracking_number);
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
    let status = text(64)(node)?;
    if ParcelAction::from_carrier_status(&status).is_some() { Some(status) } else { node.error(UNKNOWN_STATUS) }
}

/// What became of each event, in the order of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CarrierEventsView {
    pub results: Vec<CarrierEventResult>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CarrierEventResult {
    pub event_id: String,
    /// `accepted`; `duplicate`; `parked`: the number is not known yet, and the event waits 30 days for it; `ignored`: nobody here knows its
    /// status; or `rejected`: it cannot be read.
    #[schema(examples("accepted"))]
    pub result: String,
    /// Why it was ignored or rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

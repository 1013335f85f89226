//! What carriers report, in batches.

use jiff::Timestamp;
use oms_domain::parcel::ParcelAction;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    problem::FieldError,
    reader::{Node, carrier_name, text, timestamp, tracking_number},
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

/// A scan. Fields that nobody here knows are left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CarrierEventBody {
    /// Unique with the carrier and the tracking number: the same again is a duplicate.
    pub event_id: String,
    #[schema(examples("acme"))]
    pub carrier: String,
    pub tracking_number: String,
    /// `handed_over`, `in_transit`, `out_for_delivery`, `attempted`, `exception`, `delivered`, `returned_to_sender` or `lost`, in either case,
    /// with blanks, dashes or nothing between the words.
    #[schema(examples("in_transit"))]
    pub status: String,
    /// RFC 3339. A time that cannot be read, or lies ahead of now, is taken as that of the arrival, and the result says so.
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: Timestamp,
}

/// A scan as it is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    pub event_id: String,
    pub carrier: String,
    pub tracking_number: String,
    pub action: ParcelAction,
    /// None: it names no time that can be read.
    pub occurred_at: Option<Timestamp>,
}

impl CarrierEventsBody {
    /// The events of a batch, each read by itself: one that is wrong, or says what nobody here knows, stops no other.
    pub fn read(node: &Node<'_>) -> Option<Vec<Result<Scan, CarrierEventResult>>> {
        node.open_object(|fields| {
            fields.required("events", |n| n.list(1, CARRIER_EVENTS_MAX, |element| Some(element.apart(scan).map_err(refused))))
        })
    }
}

impl CarrierEventResult {
    /// What became of a scan that was read.
    pub fn of(scan: &Scan, result: &str, arrived: Option<&str>) -> Self {
        Self { event_id: scan.event_id.clone(), result: result.to_owned(), detail: arrived.map(str::to_owned) }
    }

    /// Of a scan of a carrier that whoever sends it does not speak for.
    pub fn of_another_carrier(scan: &Scan) -> Self {
        Self::of(scan, "rejected", Some("/carrier is not one of this account's"))
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

fn scan(node: &Node<'_>) -> Option<Scan> {
    node.open_object(|fields| {
        let event_id = fields.required("event_id", text(EVENT_ID_MAX_CHARS));
        let carrier = fields.required("carrier", carrier_name);
        let tracking_number = fields.required("tracking_number", tracking_number);
        let action = fields.required("status", status);
        // A carrier does not send a scan again, so none is refused for its clock.
        let occurred_at = fields.optional("occurred_at", |n| Some(n.apart(timestamp).ok()));
        Some(Scan {
            event_id: event_id?,
            carrier: carrier?,
            tracking_number: tracking_number?,
            action: action?,
            occurred_at: occurred_at?.flatten(),
        })
    })
}

fn status(node: &Node<'_>) -> Option<ParcelAction> {
    ParcelAction::from_carrier_status(&text(64)(node)?).or_else(|| node.error(UNKNOWN_STATUS))
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
    /// status; or `rejected`: it cannot be read, or is of a carrier that the account does not speak for.
    #[schema(examples("accepted"))]
    pub result: String,
    /// Why it was ignored or rejected, or counts as of its arrival.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

//! What travels between clients and a running order.

use oms_domain::{
    access::By,
    clock::BusinessClock,
    error::Rejection,
    ids::{FacilityId, FulfillmentOrderId, LineId, OrderId},
    order::{CarrierReport, Command, Fact, Grant, Order, OrderStatus, Request, Short},
    parcel::ParcelAction,
    policy::Policy,
    returns::{self, CarrierMove, ReturnCore, ReturnStatus},
    webhook::GatewayReport,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::names::Queues;

/// What an order's workflow starts with: a reference to the intake, and how time passes. The order itself stays in its store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderInput {
    pub order_id: OrderId,
    #[serde(default)]
    pub clock: BusinessClock,
    #[serde(default)]
    pub policy: Policy,
    #[serde(default)]
    pub queues: Queues,
    /// The version at which the run before has ended at rest: nothing that it began outside until then is still under way. What stands
    /// there beyond it others have begun.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub handed_over_at: u64,
    /// A run hands over to the next one beyond this many events of history.
    #[serde(default = "history_max")]
    pub history_max: u32,
    /// Who placed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(version: &u64) -> bool {
    *version == 0
}

/// A fifth of where the server begins to warn: a replay stays short.
pub fn history_max() -> u32 {
    2_000
}

/// What an order's workflow ends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderResult {
    pub status: OrderStatus,
    pub version: u64,
}

/// A request, with the id under which a repeat is recognized (it is also the update's id).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommandRequest {
    pub command_id: String,
    pub request: Request,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

impl CommandRequest {
    pub fn new(command_id: impl Into<String>, request: Request) -> Self {
        Self { command_id: command_id.into(), request, by: None }
    }

    pub fn command(&self) -> Command {
        Command::Request { command_id: self.command_id.clone(), request: self.request.clone() }
    }
}

/// The order's answer: what it is now is durable at `version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandAnswer {
    pub version: u64,
    pub status: OrderStatus,
    /// The version that this very command led to, now or when it came first. None: to nothing; or its run is of a build that does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub led_to: Option<u64>,
}

impl CommandAnswer {
    /// What an order answers that knows the command, or has just taken it, and is durable at `version`.
    pub fn of(order: &Order, command_id: &str, (version, status): (u64, OrderStatus)) -> Self {
        Self { version, status, led_to: order.commands.find(command_id).map(|taken| taken.version) }
    }
}

/// A refused command, as the update's message carries it: JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    #[serde(flatten)]
    pub rejection: Rejection,
    /// The version that was recorded, as the run knew it. One below what is recorded is a run that has not caught up.
    pub version: u64,
    /// Not a refusal for good: the run is about to be handed over, and the next one answers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub retry: bool,
}

impl Refusal {
    /// As an update's error carries it.
    pub(crate) fn into_message(self) -> Box<dyn std::error::Error + Send + Sync> {
        serde_json::to_string(&self).unwrap_or(self.rejection.message).into()
    }
}

/// What a return's workflow starts with. Nothing in it is personal data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReturnInput {
    pub core: ReturnCore,
    #[serde(default)]
    pub clock: BusinessClock,
    #[serde(default)]
    pub policy: Policy,
    #[serde(default)]
    pub queues: Queues,
    #[serde(default = "history_max")]
    pub history_max: u32,
    /// Who opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

/// What a return's workflow ends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnResult {
    pub status: ReturnStatus,
    pub version: u64,
}

/// A request to a return, with the id under which a repeat is recognized (it is also the update's id).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReturnRequest {
    pub command_id: String,
    pub request: returns::Request,
    /// Who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

impl ReturnRequest {
    pub fn new(command_id: impl Into<String>, request: returns::Request) -> Self {
        Self { command_id: command_id.into(), request, by: None }
    }

    pub fn command(&self) -> returns::Command {
        returns::Command::Request { command_id: self.command_id.clone(), request: self.request.clone() }
    }
}

/// The return's answer: what it is now is durable at `version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnAnswer {
    pub version: u64,
    pub status: ReturnStatus,
}

/// What a carrier has reported, and who told of it; None: whoever did is not kept.
pub type Reported<T> = (T, Option<By>);

/// Reads a `carrier_event` signal to a return: its events that make sense, oldest first.
pub fn carrier_moves(payload: &Value) -> Vec<Reported<CarrierMove>> {
    let moved = |report: CarrierReport| CarrierMove { action: report.action, occurred_at: report.occurred_at };
    carrier_events(payload).into_iter().map(|(report, by)| (moved(report), by)).collect()
}

/// Reads a `stock_arrived` signal. None for what is not one: a signal that failed to decode would fail the workflow task for ever.
pub fn stock_arrived(payload: &Value) -> Option<Fact> {
    let given = |kind: &str| Some(payload.get(kind)?.as_array()?.iter().filter_map(grant).collect());
    Some(Fact::StockArrived { grants: given("grants")?, offers: given("offers").unwrap_or_default() })
}

fn grant(value: &Value) -> Option<Grant> {
    let text = |field: &str| value.get(field)?.as_str();
    Some(Grant {
        grant_id: text("grant_id")?.to_owned(),
        fulfillment_order_id: FulfillmentOrderId::parse(text("fulfillment_order_id")?).ok()?,
        line_id: LineId::parse(text("line_id")?).ok()?,
        facility_id: FacilityId::parse(text("facility_id")?).ok()?,
        quantity: u32::try_from(value.get("quantity")?.as_u64()?).ok()?,
    })
}

/// Reads a `stock_shorted` signal. None for what is not one.
pub fn stock_shorted(payload: &Value) -> Option<Fact> {
    let shorts = payload.get("shorts")?.as_array()?;
    Some(Fact::StockShorted { shorts: shorts.iter().filter_map(short).collect() })
}

fn short(value: &Value) -> Option<Short> {
    let text = |field: &str| value.get(field)?.as_str();
    Some(Short {
        short_id: text("short_id")?.to_owned(),
        fulfillment_order_id: FulfillmentOrderId::parse(text("fulfillment_order_id")?).ok()?,
        line_id: LineId::parse(text("line_id")?).ok()?,
        quantity: u32::try_from(value.get("quantity")?.as_u64()?).ok()?,
    })
}

/// Reads a `carrier_event` signal: the events of it that make sense, oldest first.
pub fn carrier_events(payload: &Value) -> Vec<Reported<CarrierReport>> {
    let events = payload.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let by = |event: &Value| serde_json::from_value(event.get("by")?.clone()).ok();
    let mut reports: Vec<_> = events.iter().filter_map(|event| Some((carrier_report(event)?, by(event)))).collect();
    reports.sort_by(|(a, _), (b, _)| (a.occurred_at, &a.event_id).cmp(&(b.occurred_at, &b.event_id)));
    reports
}

fn carrier_report(value: &Value) -> Option<CarrierReport> {
    let text = |field: &str| value.get(field)?.as_str();
    Some(CarrierReport {
        event_id: text("event_id")?.to_owned(),
        tracking_number: text("tracking_number")?.to_owned(),
        action: ParcelAction::from_carrier_status(text("status")?)?,
        occurred_at: text("occurred_at")?.parse().ok()?,
    })
}

/// Reads a `gateway_event` signal. None for what is not one.
pub fn gateway_report(payload: &Value) -> Option<GatewayReport> {
    serde_json::from_value(payload.clone()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_signal_that_makes_no_sense_is_read_as_nothing() {
        assert_eq!(stock_arrived(&json!(42)), None);
        assert_eq!(stock_arrived(&json!({"grants": [{"grant_id": 7}]})), Some(Fact::StockArrived { grants: vec![], offers: vec![] }));
        assert_eq!(stock_shorted(&json!({"shorts": [{"quantity": 7}]})), Some(Fact::StockShorted { shorts: vec![] }));
        assert_eq!(carrier_events(&json!({"events": ["x", {"status": "eaten"}]})), []);
    }

    #[test]
    fn carrier_events_are_taken_in_the_carriers_order() {
        let by = json!({"kind": "machine", "id": "acme"});
        let event = |id: &str, at: &str, status: &str| json!({"event_id": id, "tracking_number": "T", "occurred_at": at, "status": status, "carrier": "c", "by": if id == "1" { by.clone() } else { json!(null) }});
        let payload =
            json!({"events": [event("2", "2011-01-02T00:00:00Z", "delivered"), event("1", "2011-01-01T00:00:00Z", "in_transit")]});
        let told = carrier_events(&payload).into_iter().map(|(report, by)| (report.event_id, by.map(|by| by.actor.id.to_string())));
        assert_eq!(told.collect::<Vec<_>>(), [("1".to_owned(), Some("acme".to_owned())), ("2".to_owned(), None)]);
    }
}

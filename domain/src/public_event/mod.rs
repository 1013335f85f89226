//! Events for others: what of all that happens is a contract, in one form for every way out. Each is at once a CloudEvents 1.0 event and a
//! payload of Standard Webhooks 1.0.0. Everything else that happens stays in the timeline of an order or a return, whose types are no contract.

mod catalogue;
mod data;
mod order_events;
mod return_events;
mod schema;
mod subject;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub use self::{
    catalogue::{Field, PublicType},
    data::Said,
    order_events::{is_public, of_order},
    return_events::of_return,
    schema::{example, schema},
    subject::Subject,
};

/// No event has more bytes than this; lists that would make it longer are left out, and `data.truncated` says so.
pub const EVENT_MAX_BYTES: usize = 20_000;

/// CloudEvents' version.
pub const SPEC_VERSION: &str = "1.0";
/// CloudEvents' `source`: events of one installation.
pub const SOURCE: &str = "oms";
/// Of `data`.
pub const CONTENT_TYPE: &str = "application/json";

/// An event as everybody gets it, whatever the way.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicEvent {
    /// Computed from what it says: the same however often it is decided, recorded, restored or sent.
    pub id: String,
    pub kind: PublicType,
    pub subject: Subject,
    /// Counts the public events of its subject from 1, without a gap.
    pub sequence: u64,
    /// Of what it is about: an order's own version, where it is an order's.
    pub version: u64,
    /// Business time.
    pub at: Timestamp,
    pub data: Map<String, Value>,
}

/// What is known of an event beside what it says, and never changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Its order's.
    pub channel: Option<String>,
    /// Its order's.
    pub currency: Option<String>,
    /// Whose fulfillment orders it is about.
    pub facility_ids: Vec<String>,
    /// What kind of one did it.
    pub actor_kind: Option<String>,
}

/// CloudEvents' attributes, and Standard Webhooks' `type`, `timestamp` and `data`.
#[derive(Serialize)]
struct Body<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    time: Timestamp,
    timestamp: Timestamp,
    subject: String,
    datacontenttype: &'static str,
    sequence: u64,
    version: u64,
    data: &'a Map<String, Value>,
}

impl PublicEvent {
    /// The one body that it has.
    pub fn body(&self) -> Value {
        let body = Body {
            specversion: SPEC_VERSION,
            id: &self.id,
            source: SOURCE,
            kind: self.kind.name(),
            time: self.at,
            timestamp: self.at,
            subject: self.subject.to_string(),
            datacontenttype: CONTENT_TYPE,
            sequence: self.sequence,
            version: self.version,
            data: &self.data,
        };
        // Texts, numbers and maps of texts: they cannot fail to be JSON.
        serde_json::to_value(body).unwrap_or_default()
    }

    /// The same with what is known of it beside what it says. Links follow from the ids.
    pub fn under(mut self, known: &Circumstances) -> Self {
        let has_money = self.data.keys().any(|name| name.ends_with("_minor"));
        let facility_id = known.facility_ids.first().filter(|_| self.kind != PublicType::FulfillmentChangeRequested);
        let more = [
            ("channel", &known.channel),
            ("currency", &known.currency.clone().filter(|_| has_money)),
            ("facility_id", &facility_id.cloned()),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                self.data.entry(name).or_insert_with(|| value.as_str().into());
            }
        }
        if self.kind == PublicType::FulfillmentChangeRequested && !self.data.contains_key("truncated") {
            self.data.insert("facility_ids".to_owned(), json!(known.facility_ids));
        }
        if let Some(kind) = &known.actor_kind {
            self.data.insert("actor".to_owned(), json!({"kind": kind}));
        }
        let links = self.subject.links(&self.data);
        self.data.insert("links".to_owned(), links.into());
        self
    }

    /// Where it happened; several for what several facilities are asked.
    pub fn facilities(&self) -> Vec<&str> {
        let one = self.data.get("facility_id").and_then(Value::as_str);
        let more = self.data.get("facility_ids").and_then(Value::as_array);
        one.into_iter().chain(more.into_iter().flatten().filter_map(Value::as_str)).collect()
    }

    /// The channel of its order, if it is an order's.
    pub fn channel(&self) -> Option<&str> {
        self.data.get("channel").and_then(Value::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Event;

    #[test]
    fn an_event_has_one_body_with_the_attributes_of_cloud_events_and_of_standard_webhooks() {
        let said = of_order(&"A1".parse().unwrap(), &Event::OrderPlaced { lines: 2, units: 3, total_minor: 765, rules: 0 }).unwrap();
        let event = PublicEvent {
            id: "caad194a-fd7c-80a6-a91a-98e9938b2a41".into(),
            kind: said.kind,
            subject: Subject::Order("A1".parse().unwrap()),
            sequence: 1,
            version: 1,
            at: "2026-12-01T10:00:00Z".parse().unwrap(),
            data: said.data,
        };
        let known = |text: &str| Some(text.to_owned());
        let circumstances =
            Circumstances { channel: known("web"), currency: known("GBP"), facility_ids: vec![], actor_kind: known("machine") };
        let event = event.under(&circumstances);
        let expected = json!({"specversion": "1.0", "id": "caad194a-fd7c-80a6-a91a-98e9938b2a41", "source": "oms", "type": "order.placed",
            "time": "2026-12-01T10:00:00Z", "timestamp": "2026-12-01T10:00:00Z", "subject": "order/A1", "datacontenttype": "application/json",
            "sequence": 1, "version": 1, "data": {"order_id": "A1", "line_count": 2, "units": 3, "total_minor": 765, "channel": "web",
            "currency": "GBP", "actor": {"kind": "machine"}, "links": {"order": "/v1/orders/A1"}}});
        assert_eq!(event.body(), expected);
        assert_eq!((event.channel(), event.facilities()), (Some("web"), vec![]));
    }

    #[test]
    fn an_event_of_an_order_of_two_thousand_lines_stays_short_and_says_that_it_was_cut() {
        let lines = (0..2_000).map(|n| (format!("{n}-{}", "x".repeat(58)).parse().unwrap(), 1_000_000)).collect();
        let event = Event::UnitsCancelled { fulfillment_order_id: None, lines, reason: String::new() };
        let said = of_order(&"A1".parse().unwrap(), &event).unwrap();
        assert!(serde_json::to_string(&said.data).unwrap().len() < 200);
        assert_eq!((said.data.get("lines"), &said.data["truncated"]), (None, &json!(true)));
    }
}

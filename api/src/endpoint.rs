//! Endpoints that events are sent to.

use std::collections::BTreeSet;

use jiff::Timestamp;
use oms_domain::{
    endpoint::{EndpointFilter, EndpointOrdering},
    ids::{FacilityId, OrderId},
    public_event::PublicType,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reader::{Fields, Node, choice, integer, name, parsed, text, timestamp};

/// Longest name, for people.
const NAME_MAX_CHARS: usize = 200;
/// Longest URL of a receiver.
pub const URL_MAX_CHARS: usize = 2_000;
/// Most facilities and channels that one endpoint names.
const NAMED_MAX: usize = 1_000;
/// Longest position that can be one of ours.
const POSITION_MAX_CHARS: usize = 200;
/// The secret before is good for so long, unless said.
const OVERLAP_S: u32 = 24 * 60 * 60;
const OVERLAP_MAX_S: i64 = 7 * 24 * 60 * 60;

/// The body of `POST /endpoints`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointBody {
    /// For people.
    #[schema(min_length = 1, max_length = 200, examples("ERP"))]
    pub name: String,
    /// Where events are sent: `https://`, and an address on the public network; or the ARN of an event bus of Amazon EventBridge, if
    /// `OMS_CLOUD_NAMES` lists it.
    #[schema(min_length = 1, max_length = 2000, examples("https://erp.example/hooks/oms"))]
    pub url: String,
    /// Types of events; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, examples(json!(["order.placed", "fulfillment.shipped"])))]
    pub types: Option<BTreeSet<PublicType>>,
    /// It is told what happens at these, and nothing that is of no facility; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 1000)]
    pub facilities: Option<BTreeSet<FacilityId>>,
    /// It is told what is of orders of these; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 1000)]
    pub channels: Option<BTreeSet<String>>,
    /// `order`: an event that fails holds back what comes after it of its subject, unless said. `none`: nothing waits for another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^(order|none)$")]
    pub ordering: Option<EndpointOrdering>,
}

/// The body of `PATCH /endpoints/{endpoint_id}`: what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointChangeBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2000)]
    pub url: Option<String>,
    /// What it is told, as a whole: types, facilities and channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<ToldBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^(order|none)$")]
    pub ordering: Option<EndpointOrdering>,
}

/// What an endpoint is told; what is absent is all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToldBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1)]
    pub types: Option<BTreeSet<PublicType>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 1000)]
    pub facilities: Option<BTreeSet<FacilityId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 1000)]
    pub channels: Option<BTreeSet<String>>,
}

fn types(fields: &Fields<'_>) -> Option<Option<BTreeSet<PublicType>>> {
    let all: Vec<(&'static str, PublicType)> = PublicType::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
    let types = fields.optional("types", |node| node.list(1, PublicType::ALL.len(), choice(&all)))?;
    Some(types.map(|types| types.into_iter().collect()))
}

fn told(fields: &Fields<'_>) -> Option<ToldBody> {
    let types = types(fields);
    let facilities = fields.optional("facilities", |node| node.list(1, NAMED_MAX, parsed));
    let channels = fields.optional("channels", |node| node.list(1, NAMED_MAX, name));
    Some(ToldBody {
        types: types?,
        facilities: facilities?.map(|ids: Vec<FacilityId>| ids.into_iter().collect()),
        channels: channels?.map(|channels| channels.into_iter().collect()),
    })
}

impl From<ToldBody> for EndpointFilter {
    fn from(told: ToldBody) -> Self {
        Self { types: told.types.unwrap_or_default(), facilities: told.facilities, channels: told.channels }
    }
}

impl EndpointBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let called = fields.required("name", text(NAME_MAX_CHARS));
            let url = fields.required("url", text(URL_MAX_CHARS));
            let told = told(fields);
            let ordering = fields.optional("ordering", choice(EndpointOrdering::NAMED));
            let ToldBody { types, facilities, channels } = told?;
            Some(Self { name: called?, url: url?, types, facilities, channels, ordering: ordering? })
        })
    }

    /// What it is told.
    pub fn filter(&self) -> EndpointFilter {
        ToldBody { types: self.types.clone(), facilities: self.facilities.clone(), channels: self.channels.clone() }.into()
    }
}

impl EndpointChangeBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let called = fields.optional("name", text(NAME_MAX_CHARS));
            let url = fields.optional("url", text(URL_MAX_CHARS));
            let told = fields.optional("told", |node| node.object(told));
            let ordering = fields.optional("ordering", choice(EndpointOrdering::NAMED));
            Some(Self { name: called?, url: url?, told: told?, ordering: ordering? })
        })
    }
}

/// The body of `POST /endpoints/{endpoint_id}/secrets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointSecretBody {
    /// For so long deliveries are signed with the secret before, too: a day unless said.
    #[serde(default)]
    #[schema(value_type = Option<u32>, maximum = 604800)]
    pub overlap_s: u32,
}

impl EndpointSecretBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let overlap = fields.optional("overlap_s", integer(0..=OVERLAP_MAX_S))?;
            Some(Self { overlap_s: overlap.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(OVERLAP_S) })
        })
    }
}

/// The body of `POST /endpoints/{endpoint_id}/test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointTestBody {
    /// An example of this type is sent; `order.placed` unless said.
    #[serde(rename = "type")]
    #[schema(value_type = Option<String>)]
    pub kind: PublicType,
}

impl EndpointTestBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        let all: Vec<(&'static str, PublicType)> = PublicType::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
        node.object(|fields| Some(Self { kind: fields.optional("type", choice(&all))?.unwrap_or(PublicType::OrderPlaced) }))
    }
}

/// The body of `POST /endpoints/{endpoint_id}/replays`: one of `position`, `from` and `order_id`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayBody {
    /// Everything after this position of the feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, examples("1-7421-38"))]
    pub position: Option<String>,
    /// Everything recorded since this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// All of an order, from its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub order_id: Option<OrderId>,
    /// Of what was sent before, these types alone; absent: all that the endpoint is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1)]
    pub types: Option<BTreeSet<PublicType>>,
}

impl ReplayBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let position = fields.optional("position", text(POSITION_MAX_CHARS));
            let from = fields.optional("from", timestamp);
            let order_id = fields.optional("order_id", parsed);
            let types = types(fields);
            let body = Self { position: position?, from: from?, order_id: order_id?, types: types? };
            let named =
                [body.position.is_some(), body.from.is_some(), body.order_id.is_some()].into_iter().filter(|is_named| *is_named).count();
            match named {
                1 if body.order_id.is_some() && body.types.is_some() => {
                    fields.error("types", "an order is sent again as a whole".to_owned())
                }
                1 => Some(body),
                0 | 2.. => fields.error("position", "name one of position, from and order_id".to_owned()),
            }
        })
    }
}

/// Where events are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointView {
    pub endpoint_id: String,
    pub name: String,
    pub url: String,
    /// Null: all.
    pub types: Option<Vec<String>>,
    /// Null: all.
    pub facilities: Option<Vec<String>>,
    /// Null: all.
    pub channels: Option<Vec<String>>,
    #[schema(examples("order"))]
    pub ordering: String,
    #[schema(examples("active"))]
    pub status: String,
    /// Of one that is disabled: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_because: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// For how long the oldest event has been there that it was not told of yet; to some seconds.
    pub lag_s: u64,
    /// Subjects, or single events, that wait for another try.
    pub held_back: u64,
    /// Events that were given up.
    pub dead_letters: u64,
    /// Deliveries that were taken, and those that were not.
    pub delivered: u64,
    pub failed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_delivered_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_failed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
    /// Nothing has arrived since `last_delivered_at`: it is disabled then, unless something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub disabled_at: Option<Timestamp>,
    /// What deliveries are signed with, without the secrets themselves; the newest first.
    pub secrets: Vec<EndpointSecretView>,
}

/// What deliveries are signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointSecretView {
    pub secret_id: String,
    /// The secret itself, `whsec_...`. Here and never again: of an answer that is repeated it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// One try at one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    pub delivery_id: u64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub event_id: String,
    pub subject: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// Counted from 1.
    pub attempt: u32,
    pub delivered: bool,
    /// Of the receiver's answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    pub took_ms: u64,
    /// Of what failed: the first 2 kB of the answer, or why there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// What became of an example that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndpointTestView {
    pub event_id: String,
    pub delivered: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    pub took_ms: u64,
    /// Why it was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The first 2 kB of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadEventView {
    pub event_id: String,
    pub subject: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub attempts: u32,
    pub why: String,
    #[schema(value_type = String, format = DateTime)]
    pub dead_at: Timestamp,
}

/// What became of an event at an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventAtEndpointView {
    pub event_id: String,
    /// In words: `delivered`, or why it was not sent or has not arrived.
    pub why: String,
    /// Tries of the last days, the newest first.
    pub deliveries: Vec<DeliveryView>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reader::read_json;

    #[test]
    fn an_endpoint_is_read_with_what_it_is_told_and_each_mistake_is_named() {
        let read = |body: serde_json::Value| read_json(body.to_string().as_bytes(), EndpointBody::read);
        let body = read(json!({"name": "ERP", "url": "https://erp.example/", "types": ["order.placed"], "ordering": "none"})).unwrap();
        assert_eq!((body.filter().types.len(), body.filter().facilities, body.ordering), (1, None, Some(EndpointOrdering::Nothing)));
        let problem = read(json!({"name": "", "types": ["order_placed"], "ordering": "fifo", "secret": "x"})).unwrap_err();
        let pointers: Vec<&str> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/url", "/types/0", "/ordering", "/secret"]);
    }

    #[test]
    fn a_replay_names_one_beginning() {
        let read = |body: serde_json::Value| read_json(body.to_string().as_bytes(), ReplayBody::read);
        for body in
            [json!({"position": "1-2-3", "types": ["stock.low"]}), json!({"from": "2026-12-01T10:00:00Z"}), json!({"order_id": "A1"})]
        {
            assert!(read(body.clone()).is_ok(), "{body}");
        }
        for body in [json!({}), json!({"position": "1-2-3", "order_id": "A1"}), json!({"order_id": "A1", "types": ["stock.low"]})] {
            assert!(read(body.clone()).is_err(), "{body}");
        }
    }
}

//! Providers: companies outside that do something for the house.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    actor::ActorView,
    reader::{Node, text},
};

const WHY_MAX_CHARS: usize = 200;

/// A company that is asked for something, as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderView {
    #[schema(examples("stripe-eu"))]
    pub provider_id: String,
    /// `payment`, `carrier` or `fraud`.
    #[schema(examples("payment"))]
    pub port: String,
    /// `running`; `paused`: nothing is sent, by somebody's word; `draining`: it gets nothing new; `denied`: it does not let the house in.
    #[schema(examples("running"))]
    pub standing: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When it came to stand so.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorView>,
    /// Whether it answers: `closed`, `open` (it does not, and is left alone for a while) or `half_open`; the worst that a worker makes of it.
    /// Null: no worker is there that asks it.
    #[schema(examples("closed"))]
    pub circuit: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub circuit_since: Option<Timestamp>,
    /// Workers that ask it, and their calls under way.
    pub workers: u32,
    pub in_flight: u32,
    /// How much waits for it, and since when the longest has.
    pub waits: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub waits_since: Option<Timestamp>,
}

/// Something that waits for a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderWaitView {
    /// Under which the provider knows it.
    #[schema(examples("536365:default:1"))]
    pub key: String,
    /// The order, the parcel or the return that it is of.
    pub reference: String,
    #[schema(examples("capture"))]
    pub operation: String,
    pub why: String,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub tried_at: Timestamp,
    pub tries: u64,
}

/// The body of what is said of a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderChangeBody {
    /// For whoever looks at it next; about the provider, and nobody's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, examples("their status page says so"))]
    pub reason: Option<String>,
}

impl ProviderChangeBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { reason: fields.optional("reason", text(WHY_MAX_CHARS))? }))
    }
}

/// What became of something that a provider has said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    /// Things in it that count here: none of what is about something else.
    pub accepted: u32,
}

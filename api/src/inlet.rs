//! Inlets that others send messages to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    endpoint::EndpointSecretView,
    mapping::Mapping,
    reader::{Node, choice, prose, text},
};

/// What an inlet's messages may be feeds of.
const KINDS: [&str; 5] = ["facilities", "products", "stock", "receipts", "orders"];
/// Longest name, for people.
const NAME_MAX_CHARS: usize = 200;
/// Longest table of columns.
const MAPPING_MAX_CHARS: usize = 50_000;
/// Longest name of a queue or a place of files.
const SOURCE_MAX_CHARS: usize = 1_000;

/// The body of `POST /inlets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InletBody {
    /// For people.
    #[schema(min_length = 1, max_length = 200, examples("ERP"))]
    pub name: String,
    /// What its messages are feeds of.
    #[schema(pattern = "^(facilities|products|stock|receipts|orders)$", examples("stock"))]
    pub kind: String,
    /// For messages that are foreign CSV: a table of columns (docs/mappings/), as TOML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 50_000)]
    pub mapping: Option<String>,
    /// Where messages are fetched, if they are not sent: the ARN of a queue of SQS, or `s3://bucket/prefix`, whose objects are messages of any
    /// size. `OMS_CLOUD_NAMES` lists what may be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1_000, examples("arn:aws:sqs:eu-west-1:123456789012:orders"))]
    pub source: Option<String>,
}

impl InletBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let called = fields.required("name", text(NAME_MAX_CHARS));
            let kinds: Vec<(&str, &'static str)> = KINDS.iter().map(|kind| (*kind, *kind)).collect();
            let kind = fields.required("kind", choice(&kinds));
            let mapping = fields.optional("mapping", mapping);
            let source = fields.optional("source", text(SOURCE_MAX_CHARS));
            let (kind, mapping) = (kind?, mapping?);
            if mapping.as_ref().is_some_and(|mapping| Mapping::parse(mapping).is_ok_and(|mapping| mapping.kind().name() != kind)) {
                return fields.error("mapping", format!("must be of kind {kind}, as the inlet is"));
            }
            Some(Self { name: called?, kind: kind.to_owned(), mapping, source: source? })
        })
    }
}

/// The body of `PUT /inlets/{inlet_id}/mapping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InletMappingBody {
    /// The table of columns, as TOML.
    #[schema(min_length = 1, max_length = 50_000)]
    pub mapping: String,
}

impl InletMappingBody {
    pub fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { mapping: fields.required("mapping", mapping)? }))
    }
}

fn mapping(node: &Node<'_>) -> Option<String> {
    let text = prose(MAPPING_MAX_CHARS)(node)?;
    match Mapping::parse(&text) {
        Ok(_) => Some(text),
        Err(why) => node.error(why.to_string()),
    }
}

/// Where messages are sent to, or fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InletView {
    pub inlet_id: String,
    pub name: String,
    pub kind: String,
    /// Where messages are sent: POST, signed as Standard Webhooks says.
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// Counts the tables of columns that it has had.
    pub mapping_version: u32,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Where messages are fetched; absent: they are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When fetching last did not fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub fetched_at: Option<Timestamp>,
    /// Since when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
    /// What the service said last, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
    /// When the last message that was fetched had been sent, if more wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub behind_since: Option<Timestamp>,
    /// Messages that were refused, in whole or in part.
    pub refused: u64,
    /// Messages that nothing was done with yet.
    pub open: u64,
    /// What messages are signed with, without the secrets themselves; the newest first.
    pub secrets: Vec<EndpointSecretView>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InletMessageView {
    pub message_id: String,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// Of one that was fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sent_at: Option<Timestamp>,
    /// Where in its bucket a file is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// `taken`: it is kept. `applied`: every row was taken. `refused`: some were not, or it cannot be read.
    #[schema(examples("applied"))]
    pub status: String,
    /// How often it was dealt with.
    pub attempts: u32,
    /// Of the table of columns that it was read by; 0: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping_version: Option<u32>,
    /// The run, which names each row that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed_id: Option<String>,
    /// Of one that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

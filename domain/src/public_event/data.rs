//! What an event says, field by field.

use std::fmt::Display;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::PublicType;
use crate::{
    ids::{FulfillmentOrderId, LineId},
    order::Lines,
};

/// Entries of a list that still fit: each has an id and a figure.
const LISTED_MAX: usize = 120;

/// A public event as far as its own timeline tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub kind: PublicType,
    pub data: Map<String, Value>,
    /// Whose facility it is about, if that is known for good.
    pub fulfillment_order_ids: Vec<FulfillmentOrderId>,
}

impl Said {
    pub(super) fn new(kind: PublicType) -> Self {
        Self { kind, data: Map::new(), fulfillment_order_ids: Vec::new() }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn id(self, name: &str, id: &impl Display) -> Self {
        self.with(name, id.to_string())
    }

    pub(super) fn maybe(self, name: &str, id: Option<impl Display>) -> Self {
        match id {
            Some(id) => self.id(name, &id),
            None => self,
        }
    }

    pub(super) fn at(self, name: &str, at: Timestamp) -> Self {
        self.id(name, &at)
    }

    /// What its facility does: it has one, and keeps it.
    pub(super) fn of_part(self, id: &FulfillmentOrderId) -> Self {
        let mut said = self.id("fulfillment_order_id", id);
        said.fulfillment_order_ids.push(id.clone());
        said
    }

    /// Units by line, unless they are too many to list.
    pub(super) fn lines(self, lines: &Lines) -> Self {
        let entries = lines.iter().map(|(id, quantity)| entry(id, *quantity));
        self.list("lines", entries.collect())
    }

    pub(super) fn list(self, name: &str, entries: Vec<Value>) -> Self {
        let size = |entry: &Value| entry.get("lines").and_then(Value::as_array).map_or(1, |lines| lines.len() + 1);
        if entries.iter().map(size).sum::<usize>() > LISTED_MAX { self.with("truncated", true) } else { self.with(name, entries) }
    }
}

pub(super) fn entry(id: &LineId, quantity: u32) -> Value {
    json!({"line_id": id, "quantity": quantity})
}

//! What an event is about: its events are counted and kept in order by it.

use std::fmt;

use serde_json::{Map, Value};

use crate::ids::{FacilityId, OrderId, ReturnId, Sku};

/// What an event is about. As a text it is CloudEvents' `subject`: `order/A1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Order(OrderId),
    Return(ReturnId),
    Position(FacilityId, Sku),
    /// A feed run.
    Feed(String),
    /// The feed of events itself.
    Events,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(id) => write!(f, "order/{id}"),
            Self::Return(id) => write!(f, "return/{id}"),
            Self::Position(facility_id, sku) => write!(f, "stock/{facility_id}/{sku}"),
            Self::Feed(id) => write!(f, "feed/{id}"),
            Self::Events => f.write_str("events"),
        }
    }
}

impl Subject {
    /// The subject that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((kind, rest)) = text.split_once('/') else { return (text == "events").then_some(Self::Events) };
        match kind {
            "order" => Some(Self::Order(OrderId::parse(rest).ok()?)),
            "return" => Some(Self::Return(ReturnId::parse(rest).ok()?)),
            "stock" => {
                let (facility_id, sku) = rest.split_once('/')?;
                Some(Self::Position(FacilityId::parse(facility_id).ok()?, Sku::parse(sku).ok()?))
            }
            "feed" => Some(Self::Feed(rest.to_owned())),
            _ => None,
        }
    }

    /// Paths of the API to what an event names.
    pub(super) fn links(&self, data: &Map<String, Value>) -> Map<String, Value> {
        let id = |name: &str| data.get(name).and_then(Value::as_str).map(segment);
        let mut links = Map::new();
        let mut add = |name: &str, path: Option<String>| path.into_iter().for_each(|path| drop(links.insert(name.to_owned(), path.into())));
        add("order", id("order_id").map(|id| format!("/v1/orders/{id}")));
        add("fulfillment_order", id("fulfillment_order_id").map(|id| format!("/v1/fulfillment-orders/{id}")));
        add("return", id("return_id").map(|id| format!("/v1/returns/{id}")));
        add("claim", id("claim_id").map(|id| format!("/v1/claims/{id}")));
        if let Self::Position(facility_id, sku) = self {
            add("stock", Some(format!("/v1/stock/{}/{}", segment(facility_id.as_str()), segment(sku.as_str()))));
        }
        add("feed", id("feed_id").map(|id| format!("/v1/feeds/{id}")));
        links
    }
}

/// As one segment of a path: whatever is not unreserved (RFC 3986) is written by its bytes.
fn segment(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_as_it_is_written() {
        for text in ["order/A1", "return/A1-R1", "stock/WH-1/AB/12 ä", "feed/0197f3", "events"] {
            assert_eq!(Subject::parse(text).map(|subject| subject.to_string()).as_deref(), Some(text));
        }
        for text in ["", "order", "order/", "parcel/A1", "stock/WH-1"] {
            assert_eq!(Subject::parse(text), None, "{text}");
        }
    }

    #[test]
    fn links_are_paths_whatever_a_sku_looks_like() {
        let subject = Subject::parse("stock/WH-1/AB/12 ä").unwrap();
        assert_eq!(subject.links(&Map::new())["stock"], "/v1/stock/WH-1/AB%2F12%20%C3%A4");
    }
}

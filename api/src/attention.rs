//! What only a person can put right, over all orders.

use jiff::Timestamp;
use oms_domain::{
    ids::OrderId,
    order::{Attention, Order},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing that needs someone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttentionItem {
    /// `<order_id>:<subject>`
    pub attention_id: String,
    pub order_id: String,
    #[serde(flatten)]
    pub attention: AttentionView,
}

/// What is to be looked at, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttentionView {
    /// An operation, a parcel, a fulfillment order.
    pub subject: String,
    pub why: String,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// The wait that is overdue, if it is one: it can be given more time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<String>,
    /// It can be tried again: `POST /attention/{id}/retry`.
    pub retryable: bool,
}

impl AttentionView {
    pub fn of(order: &Order, attention: &Attention) -> Self {
        Self {
            subject: attention.subject.clone(),
            why: attention.why.clone(),
            since: attention.since,
            wait: attention.wait.map(|wait| wait.key().to_owned()),
            retryable: attention.wait.is_none() && order.may_be_retried(&attention.subject),
        }
    }
}

impl AttentionItem {
    /// All that an order needs someone for.
    pub fn all_of(order: &Order) -> Vec<Self> {
        let order_id = &order.core.order_id;
        let item = |attention: &Attention| Self {
            attention_id: format!("{order_id}:{}", attention.subject),
            order_id: order_id.to_string(),
            attention: AttentionView::of(order, attention),
        };
        order.attention.iter().map(item).collect()
    }
}

/// The order and the subject of an attention's id, if it is one.
pub fn parse_attention_id(id: &str) -> Option<(OrderId, &str)> {
    let (order_id, subject) = id.split_once(':')?;
    Some((OrderId::parse(order_id).ok()?, subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attention_is_named_by_its_order_and_what_it_is_about() {
        let (order_id, subject) = parse_attention_id("A1:A1-F1-P1:label:2").unwrap();
        assert_eq!((order_id.as_str(), subject), ("A1", "A1-F1-P1:label:2"));
        assert!(parse_attention_id("A1").is_none() && parse_attention_id("A 1:capture card").is_none());
    }
}

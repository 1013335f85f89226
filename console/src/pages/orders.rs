//! Lists of orders.

use askama::Template;
use axum::extract::Query;
use oms_api::{order::OrderSummary, page::Page};
use oms_domain::order::{HoldReason, OrderStatus};
use serde::Deserialize;

use crate::{
    api::{at, with_query},
    frame::{Frame, Shown},
    visitor::{self, Visitor},
};

/// What a list is narrowed to; what is empty narrows nothing.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Filter {
    status: String,
    hold_reason: String,
    email: String,
    customer_id: String,
    sku: String,
    facility_id: String,
    needs_attention: String,
    cursor: String,
}

impl Filter {
    fn pairs(&self) -> [(&str, &str); 7] {
        [
            ("status", self.status.trim()),
            ("hold_reason", self.hold_reason.trim()),
            ("email", self.email.trim()),
            ("customer_id", self.customer_id.trim()),
            ("sku", self.sku.trim()),
            ("facility_id", self.facility_id.trim()),
            ("needs_attention", self.needs_attention.trim()),
        ]
    }
}

#[derive(Template)]
#[template(path = "orders.html")]
struct Orders<'a> {
    f: &'a Frame,
    filter: Filter,
    statuses: Vec<&'static str>,
    holds: Vec<&'static str>,
    orders: Vec<OrderSummary>,
    next: Option<String>,
}

pub(crate) async fn page(mut visitor: Visitor, Query(filter): Query<Filter>) -> Shown {
    let query: Vec<(&str, &str)> = filter.pairs().into_iter().chain([("cursor", filter.cursor.as_str())]).collect();
    let found: Page<OrderSummary> = match visitor.api.get(with_query(&at(&["orders"]), &query)).await {
        Ok(found) => found,
        Err(problem) => {
            visitor.frame.problem = Some(problem);
            Page::whole(Vec::new())
        }
    };
    let further = |cursor: String| {
        let query: Vec<(&str, &str)> = filter.pairs().into_iter().chain([("cursor", cursor.as_str())]).collect();
        with_query("/console/orders", &query)
    };
    let next = found.next_cursor.map(further);
    let (statuses, holds) =
        (OrderStatus::ALL.iter().map(|s| s.name()).collect(), HoldReason::NAMED.iter().map(|(name, _)| *name).collect());
    visitor::page(&visitor, &Orders { f: &visitor.frame, filter, statuses, holds, orders: found.items, next })
}

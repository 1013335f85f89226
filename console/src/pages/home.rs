//! Where everybody begins: what waits for them.

use askama::Template;
use oms_api::{attention::AttentionItem, fulfillment::QueueView, order::OrderSummary, page::Page};

use super::find::all_facilities;
use crate::{
    api::{at, with_query},
    frame::{Frame, Shown, Stop},
    visitor::{self, Visitor},
};

/// A facility's queue in two numbers.
struct Queue {
    facility_id: String,
    open: u64,
    late: u64,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    f: &'a Frame,
    queues: Vec<Queue>,
    attention: Option<String>,
    recent: Vec<OrderSummary>,
}

/// Facilities whose queues are counted: who works at more has a page of them all.
const QUEUES_MAX: usize = 12;

pub(crate) async fn page(visitor: Visitor) -> Shown {
    let queues = queues(&visitor).await?;
    let attention: Option<Page<AttentionItem>> =
        visitor.see("handle_attention", with_query(&at(&["attention"]), &[("limit", "100")])).await?;
    let recent: Option<Page<OrderSummary>> = visitor.see("find_orders", with_query(&at(&["orders"]), &[("limit", "10")])).await?;
    let count = |page: Page<AttentionItem>| format!("{}{}", page.items.len(), if page.has_more { "+" } else { "" });
    let home =
        Home { f: &visitor.frame, queues, attention: attention.map(count), recent: recent.map(|page| page.items).unwrap_or_default() };
    visitor::page(&visitor, &home)
}

async fn queues(visitor: &Visitor) -> Result<Vec<Queue>, Stop> {
    if !visitor.frame.may("work_fulfillment") {
        return Ok(Vec::new());
    }
    let mut queues = Vec::new();
    for facility in all_facilities(visitor).await?.into_iter().take(QUEUES_MAX) {
        let found: QueueView = visitor.need(at(&["facilities", facility.facility_id.as_str(), "queue"])).await?;
        let sum = |of: fn(&oms_api::fulfillment::QueueCountView) -> u64| found.items.iter().map(of).sum();
        queues.push(Queue { facility_id: found.facility_id.clone(), open: sum(|count| count.count), late: sum(|count| count.late) });
    }
    Ok(queues)
}

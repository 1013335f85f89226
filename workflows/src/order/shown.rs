//! What the Temporal UI shows of an order: search attributes to find it by, and details that explain it.

use oms_domain::{
    money::Money,
    order::{Order, OrderStatus},
};
use temporalio_workflow::WorkflowContext;

use super::OrderWorkflow;
use crate::names::{FACILITY_IDS, FACILITY_IDS_MAX, ORDER_STATUS};

/// What was shown last; an attribute is written only when it differs, since each write is an event.
#[derive(Default, Clone, PartialEq)]
pub(super) struct Shown {
    status: &'static str,
    facilities: Vec<String>,
}

pub(super) fn show(ctx: &WorkflowContext<OrderWorkflow>) {
    let Some((next, details)) = ctx.state(|s| s.run.line.this().map(|order| (Shown::of(order), details(order)))) else { return };
    ctx.set_current_details(details);
    // The starter has set Created; Approved passes within a task and is never seen.
    let last = ctx.state(|s| s.shown.clone());
    if next == last || next.status == OrderStatus::Created.name() {
        return;
    }
    let mut changed = Vec::new();
    if next.status != last.status {
        changed.push(ORDER_STATUS.value_set(next.status.to_owned()));
    }
    if next.facilities != last.facilities {
        changed.push(FACILITY_IDS.value_set(next.facilities.clone()));
    }
    ctx.upsert_search_attributes(changed);
    ctx.state_mut(|s| s.shown = next);
}

impl Shown {
    fn of(order: &Order) -> Self {
        let facilities = order.facilities().into_iter().take(FACILITY_IDS_MAX).map(String::from).collect();
        Self { status: order.status.name(), facilities }
    }
}

/// Markdown: what an operator asks first. No personal data.
fn details(order: &Order) -> String {
    let total = Money::new(order.total_minor(), order.core.currency);
    let units = order.all_units();
    let mut text = format!(
        "**{}** · {total} · {} units: {} open, {} waiting, {} allocated, {} shipped, {} delivered, {} cancelled\n",
        order.status,
        units.ordered,
        units.open,
        units.backordered,
        units.allocated,
        units.shipped,
        units.delivered + units.picked_up,
        units.cancelled
    );
    for found in &order.fulfillment_orders {
        let place = found.facility_id.as_ref().map_or("no facility", |id| id.as_str());
        text.push_str(&format!("\n- `{}` {place}: **{}**, {} units", found.fulfillment_order_id, found.shown_status(), found.units()));
    }
    for attention in &order.attention {
        text.push_str(&format!("\n- ⚠ {}: {}", attention.subject, attention.why));
    }
    if let Some(next) = order.deadlines().first() {
        text.push_str(&format!("\n\nNext deadline: {} of `{}` at {}", next.wait.key(), next.subject, next.due));
    }
    text
}

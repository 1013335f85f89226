//! What the Temporal UI shows of an order: search attributes to find it by, and details that explain it.

use oms_domain::{money::Money, order::Order};
use temporalio_workflow::WorkflowContext;

use super::OrderWorkflow;
use crate::names::{FACILITY_IDS, FACILITY_IDS_MAX, NEEDS_ATTENTION, ORDER_STATUS};

/// What was shown last; an attribute is written only when it differs, since each write is an event.
#[derive(Default)]
pub(super) struct Shown {
    status: &'static str,
    facilities: Vec<String>,
    needs_attention: bool,
}

impl Shown {
    pub(super) fn show(&mut self, ctx: &WorkflowContext<OrderWorkflow>) {
        let Some((next, details)) = ctx.state(|s| s.order.as_ref().map(|order| (Self::of(order), details(order)))) else { return };
        ctx.set_current_details(details);
        let mut changed = Vec::new();
        // The starter has set Created; Approved passes within a task and is never seen.
        if next.status != self.status && next.status != "created" {
            changed.push(ORDER_STATUS.value_set(next.status.to_owned()));
        }
        if next.facilities != self.facilities && next.status != "created" {
            changed.push(FACILITY_IDS.value_set(next.facilities.clone()));
        }
        if next.needs_attention != self.needs_attention {
            changed.push(NEEDS_ATTENTION.value_set(next.needs_attention));
        }
        if !changed.is_empty() {
            ctx.upsert_search_attributes(changed);
            *self = next;
        }
    }

    fn of(order: &Order) -> Self {
        let facilities = order.facilities().into_iter().take(FACILITY_IDS_MAX).map(String::from).collect();
        Self { status: order.status.name(), facilities, needs_attention: !order.attention.is_empty() }
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

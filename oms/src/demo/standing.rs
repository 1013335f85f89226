//! Where an order stands at the end: over, waiting for a reason that can be told, or neither.

use std::collections::BTreeMap;

use oms_domain::{
    fulfillment::FulfillmentStatus,
    order::{Order, OrderStatus, Wait},
};

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Over(OrderStatus),
    /// With what it waits for, and until when.
    Waiting(String),
    /// With what it is doing.
    Busy(String),
}

impl Standing {
    pub fn of(order: &Order) -> Self {
        if order.is_closed() {
            return Self::Over(order.status);
        }
        let units = order.all_units();
        let moving = units.open + units.allocated + units.in_transit;
        if !order.holds.is_empty() {
            let reasons: Vec<_> = order.holds.iter().map(|hold| hold.reason.name()).collect();
            return Self::Waiting(format!(
                "on hold: {}{}",
                reasons.join(", "),
                until(order, &[Wait::Hold, Wait::HoldReview, Wait::Payment])
            ));
        }
        if units.backordered > 0 && moving == 0 && order.pending_effects().is_empty() {
            let deadline = until(order, &[Wait::Backorder]);
            return Self::Waiting(format!("Backordered: {} of {} units wait for stock{deadline}", units.backordered, units.ordered));
        }
        Self::Busy(busy(order))
    }
}

/// The end of the wait, from the order's own list of deadlines.
fn until(order: &Order, waits: &[Wait]) -> String {
    let deadlines = order.deadlines();
    let next = deadlines.iter().find(|deadline| waits.contains(&deadline.wait));
    next.map(|deadline| format!(" until {}, then {}", deadline.due.strftime("%-d %b %Y %H:%M"), deadline.wait.overdue()))
        .unwrap_or_default()
}

fn busy(order: &Order) -> String {
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    let here = order.fulfillment_orders.iter().filter(|found| found.status != FulfillmentStatus::Cancelled);
    here.for_each(|found| *states.entry(found.shown_status()).or_default() += 1);
    let states: Vec<_> = states.into_iter().map(|(state, count)| format!("{count} {state}")).collect();
    let attention: Vec<_> = order.attention.iter().map(|attention| format!("{}: {}", attention.subject, attention.why)).collect();
    let effects: Vec<_> = order.pending_effects().iter().map(|effect| effect.key()).collect();
    let mut text =
        format!("{}, fulfillment orders: {}", order.status, if states.is_empty() { "none".to_owned() } else { states.join(", ") });
    if !effects.is_empty() {
        text.push_str(&format!("; under way: {}", effects.join(", ")));
    }
    if !attention.is_empty() {
        text.push_str(&format!("; needs attention: {}", attention.join("; ")));
    }
    text
}

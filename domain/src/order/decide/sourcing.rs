//! Who is asked next for units that a facility gave back, and when nobody is.

use super::Draft;
use crate::{
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, LineId},
    order::{Event, FulfillmentOrder, Lines},
};

impl Draft {
    /// Units that facilities gave back, or that need not wait any longer, are sourced again.
    pub(super) fn source_again(&mut self) {
        self.stop_asking();
        let sourcing = self.order.sourcing;
        if sourcing.asked == sourcing.answered && !self.order.sourceable().is_empty() {
            self.emit(Event::SourcingAsked { round: sourcing.asked + 1, reallocation: None });
        }
    }

    /// Units that were given back too often wait for stock instead, if the order waits at all.
    fn stop_asking(&mut self) {
        let max = self.order.policy.resource_rounds_max;
        let too_often = |id: &LineId| self.order.lines.get(id).is_some_and(|line| line.given_back > max);
        let over = |f: &FulfillmentOrder| -> Lines {
            let whole = !self.order.core.allow_split && f.lines.keys().any(too_often);
            f.lines.iter().filter(|(id, _)| whole || too_often(id)).map(|(id, units)| (id.clone(), *units)).collect()
        };
        let incomplete = self.order.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Incomplete);
        let found: Vec<_> = incomplete.map(|f| (f.fulfillment_order_id.clone(), over(f), f.units())).collect();
        for (id, lines, all) in found.into_iter().filter(|(_, lines, _)| !lines.is_empty()) {
            let some = lines.values().map(|units| u64::from(*units)).sum::<u64>() < all;
            self.stop_asking_for(id, lines, some);
        }
    }

    fn stop_asking_for(&mut self, id: FulfillmentOrderId, lines: Lines, some: bool) {
        if !self.order.core.allow_backorder {
            return self.cancel_some(Some(id), lines, "given back too often, and the order does not wait");
        }
        let fulfillment_order_id = if some { self.order.next_id() } else { id.clone() };
        if some {
            let (into, parcels) = (fulfillment_order_id.clone(), Vec::new());
            self.emit(Event::FulfillmentSplit { from: id, into, lines, parcels });
        }
        self.emit(Event::FulfillmentBackordered { fulfillment_order_id });
    }
}

//! Where events move units to.

use jiff::Timestamp;

use crate::{
    fulfillment::FulfillmentStatus,
    ids::FulfillmentOrderId,
    order::{FacilityRejection, FulfillmentOrder, Lines, Order, ROUND_NUMBERS, SourcedPackage, WaitingPackage, lines},
};

impl Order {
    /// A round of sourcing gets numbers of its own: what else opens fulfillment orders meanwhile takes later ones.
    pub(super) fn ask_sourcing(&mut self, round: u32, at: Timestamp) {
        self.sourcing.asked = round;
        self.sourcing.since = Some(at);
        self.sourcing.first_number = self.next_number;
        self.next_number = self.next_number.saturating_add(ROUND_NUMBERS);
    }

    pub(super) fn answer_sourcing(&mut self, round: u32, packages: &[SourcedPackage], waiting: &[WaitingPackage], at: Timestamp) {
        self.sourcing.answered = round;
        if self.next_number == self.sourcing.first_number.saturating_add(ROUND_NUMBERS) {
            // Nobody took a number meanwhile, so those that the answer left over can be given out after all.
            self.next_number = self.sourcing.first_number;
        }
        for package in packages {
            self.take_open(&package.lines, at);
            self.push_sourced(package, at);
        }
        for package in waiting {
            self.take_open(&package.lines, at);
            self.push_waiting(package, at);
        }
        let seeking = self.sourceable();
        for (id, line) in &mut self.lines {
            line.waiting_since = line.waiting_since.filter(|_| seeking.contains_key(id));
        }
    }

    fn push_sourced(&mut self, package: &SourcedPackage, at: Timestamp) {
        let fulfill_at = package.lines.keys().filter_map(|id| self.core_line(id)?.fulfill_at).max();
        let status = match fulfill_at {
            Some(due) if due > at => FulfillmentStatus::Scheduled,
            Some(_) | None => FulfillmentStatus::Open,
        };
        let mut opened = FulfillmentOrder::new(&package.fulfillment_order_id, package.group, &package.lines, status, at);
        opened.facility_id = Some(package.facility_id.clone());
        opened.fulfill_at = fulfill_at;
        opened.ship_by = package.ship_by;
        self.push(opened);
    }

    fn push_waiting(&mut self, package: &WaitingPackage, at: Timestamp) {
        let id = &package.fulfillment_order_id;
        let mut waiting = FulfillmentOrder::new(id, package.group, &package.lines, FulfillmentStatus::Backordered, at);
        waiting.whole = package.whole;
        waiting.on_purpose = package.on_purpose;
        waiting.waiting_since = package.lines.keys().filter_map(|line_id| self.lines.get(line_id)?.waiting_since).min();
        self.push(waiting);
    }

    fn push(&mut self, mut opened: FulfillmentOrder) {
        let number = opened.fulfillment_order_id.number().unwrap_or(0);
        self.next_number = self.next_number.max(number.saturating_add(1));
        opened.version = self.version;
        self.fulfillment_orders.push(opened);
    }

    /// Takes units that look for a facility: those in no fulfillment order first, then those of Incomplete ones, oldest first.
    pub(super) fn take_open(&mut self, wanted: &Lines, at: Timestamp) {
        let mut left = wanted.clone();
        for (id, units) in &mut left {
            if let Some(line) = self.lines.get_mut(id) {
                let taken = line.open.min(*units);
                line.open -= taken;
                *units -= taken;
            }
        }
        let version = self.version;
        for incomplete in self.fulfillment_orders.iter_mut().filter(|f| f.status == FulfillmentStatus::Incomplete) {
            let taken = lines::take(&mut left, &incomplete.lines);
            if !taken.is_empty() {
                incomplete.remove(&taken, at);
                incomplete.version = version;
            }
        }
    }

    /// Waiting units leave their fulfillment order for one of the granting facility.
    pub(super) fn grant(&mut self, from: &FulfillmentOrderId, package: &SourcedPackage, at: Timestamp) {
        self.touch(from, |f| f.remove(&package.lines, at));
        self.push_sourced(package, at);
    }

    /// Waiting units are open again, and remember since when they have been waiting.
    pub(super) fn end_waiting(&mut self, id: &FulfillmentOrderId, at: Timestamp) {
        let Some(found) = self.fulfillment_order(id) else { return };
        let (units, since) = (found.lines.clone(), found.waiting_since.unwrap_or(found.since));
        self.touch(id, |f| f.remove(&units, at));
        for (line_id, units) in &units {
            if let Some(line) = self.lines.get_mut(line_id) {
                line.open = line.open.saturating_add(*units);
                line.waiting_since = Some(line.waiting_since.map_or(since, |earlier| earlier.min(since)));
            }
        }
    }

    /// A facility gave units back. All of them: the fulfillment order is Incomplete itself; some: they go `into` one that is.
    pub(super) fn reject(
        &mut self,
        id: &FulfillmentOrderId,
        rejection: &FacilityRejection,
        reopened: &Lines,
        into: Option<&FulfillmentOrderId>,
        at: Timestamp,
    ) {
        let Some(group) = self.fulfillment_order(id).map(|f| f.group) else { return };
        self.touch(id, |f| {
            f.rejections.push(rejection.clone());
            match into {
                Some(_) => f.remove(reopened, at),
                None if reopened.is_empty() => {}
                None => {
                    f.void_parcels(at);
                    f.enter(FulfillmentStatus::Incomplete, at);
                }
            }
        });
        if let Some(into) = into {
            self.push(FulfillmentOrder::new(into, group, reopened, FulfillmentStatus::Incomplete, at));
        }
    }

    pub(super) fn cancel_units(&mut self, id: Option<&FulfillmentOrderId>, units: &Lines, at: Timestamp) {
        self.number(units);
        match id {
            Some(id) => self.touch(id, |f| f.remove(units, at)),
            None => self.take_open(units, at),
        }
        for (line_id, units) in units {
            if let Some(line) = self.lines.get_mut(line_id) {
                line.cancelled = line.cancelled.saturating_add(*units);
            }
        }
    }

    pub(super) fn ship(&mut self, id: &FulfillmentOrderId, amount_minor: i64, at: Timestamp) {
        self.shipped_minor = self.shipped_minor.saturating_add(amount_minor);
        let units = self.fulfillment_order(id).map(|f| f.lines.clone()).unwrap_or_default();
        self.number(&units);
        self.touch(id, |f| f.ship_requested = false);
        self.advance_to(id, FulfillmentStatus::Shipped, at);
    }
}

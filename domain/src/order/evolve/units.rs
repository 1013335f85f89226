//! Where events move units to.

use jiff::Timestamp;

use crate::{
    fulfillment::FulfillmentStatus,
    ids::{FacilityId, FulfillmentOrderId, ParcelId},
    money::share_minor,
    order::{
        FacilityRejection, FulfillmentOrder, Lines, Order, ROUND_NUMBERS, RejectionReason, Resolution, SourcedPackage, WaitingPackage,
        lines,
    },
    parcel::ParcelStatus,
};

/// So many grants are known at least, and all of so many versions.
const GRANTS_KEPT: usize = 1_000;
const GRANTS_KEPT_VERSIONS: u64 = 1_000;

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
        self.pooled.asked = None;
        self.outdated_groups.clear();
        if self.next_number == self.sourcing.first_number.saturating_add(ROUND_NUMBERS) {
            // Nobody took a number meanwhile, so those that the answer left over can be given out after all.
            self.next_number = self.sourcing.first_number;
        }
        for package in packages {
            let replaces = self.take_open(&package.lines, at);
            self.push_sourced(package, replaces, at);
        }
        for package in waiting {
            let replaces = self.take_open(&package.lines, at);
            self.push_waiting(package, replaces, at);
        }
        let seeking = self.sourceable();
        for (id, line) in &mut self.lines {
            line.waiting_since = line.waiting_since.filter(|_| seeking.contains_key(id));
        }
    }

    fn push_sourced(&mut self, package: &SourcedPackage, replaces: Option<ParcelId>, at: Timestamp) {
        let fulfill_at = package.lines.keys().filter_map(|id| self.core_line(id)?.fulfill_at).max();
        let status = match fulfill_at {
            Some(due) if due > at => FulfillmentStatus::Scheduled,
            Some(_) | None => FulfillmentStatus::Open,
        };
        let mut opened = FulfillmentOrder::new(&package.fulfillment_order_id, package.group, &package.lines, status, at);
        opened.facility_id = Some(package.facility_id.clone());
        opened.fulfill_at = fulfill_at;
        opened.ship_by = package.ship_by;
        opened.replaces = replaces;
        self.push(opened);
    }

    fn push_waiting(&mut self, package: &WaitingPackage, replaces: Option<ParcelId>, at: Timestamp) {
        let id = &package.fulfillment_order_id;
        let mut waiting = FulfillmentOrder::new(id, package.group, &package.lines, FulfillmentStatus::Backordered, at);
        waiting.whole = package.whole;
        waiting.on_purpose = package.on_purpose;
        waiting.replaces = replaces;
        waiting.waiting_since = package.lines.keys().filter_map(|line_id| self.lines.get(line_id)?.waiting_since).min();
        self.push(waiting);
    }

    fn push(&mut self, mut opened: FulfillmentOrder) {
        let number = opened.fulfillment_order_id.number().unwrap_or(0);
        self.next_number = self.next_number.max(number.saturating_add(1));
        opened.version = self.version;
        self.fulfillment_orders.push(opened);
    }

    /// Takes units that look for a facility: those in no fulfillment order first, then those of Incomplete ones, oldest first. Says
    /// which parcel's units are among them, if they are to be sent again.
    pub(super) fn take_open(&mut self, wanted: &Lines, at: Timestamp) -> Option<ParcelId> {
        let mut left = wanted.clone();
        for (id, units) in &mut left {
            if let Some(line) = self.lines.get_mut(id) {
                let taken = line.open.min(*units);
                line.open -= taken;
                *units -= taken;
            }
        }
        let (version, mut replaces) = (self.version, None);
        for incomplete in self.fulfillment_orders.iter_mut().filter(|f| f.status == FulfillmentStatus::Incomplete) {
            let taken = lines::take(&mut left, &incomplete.lines);
            if !taken.is_empty() {
                replaces = replaces.or_else(|| incomplete.replaces.clone());
                incomplete.remove(&taken, at);
                incomplete.version = version;
            }
        }
        replaces
    }

    /// Grants are kept as long as their messages may come again. What a record is still to keep of them is never forgotten.
    pub(super) fn see_grants(&mut self, ids: &[String]) {
        let version = self.version;
        self.grants_seen.extend(ids.iter().map(|id| (id.clone(), version)));
        let over = self.grants_seen.len().saturating_sub(GRANTS_KEPT);
        if over > 0 {
            let oldest = version.saturating_sub(GRANTS_KEPT_VERSIONS);
            let mut old: Vec<(u64, String)> =
                self.grants_seen.iter().filter(|(_, seen)| **seen <= oldest).map(|(id, seen)| (*seen, id.clone())).collect();
            old.sort();
            for (_, id) in old.iter().take(over) {
                self.grants_seen.remove(id);
            }
        }
    }

    /// Waiting units leave their fulfillment order for one of the granting facility.
    pub(super) fn grant(&mut self, from: &FulfillmentOrderId, package: &SourcedPackage, at: Timestamp) {
        let replaces = self.fulfillment_order(from).and_then(|f| f.replaces.clone());
        self.touch(from, |f| f.remove(&package.lines, at));
        self.push_sourced(package, replaces, at);
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
        for line_id in reopened.keys() {
            if let Some(line) = self.lines.get_mut(line_id) {
                line.given_back = line.given_back.saturating_add(1);
            }
        }
        self.touch(id, |f| f.rejections.push(rejection.clone()));
        self.reopen(id, reopened, into, at);
    }

    /// Units look for another place. All of them: the fulfillment order is Incomplete itself; some: they go `into` one that is.
    pub(super) fn reopen(&mut self, id: &FulfillmentOrderId, reopened: &Lines, into: Option<&FulfillmentOrderId>, at: Timestamp) {
        let Some((group, replaces)) = self.fulfillment_order(id).map(|f| (f.group, f.replaces.clone())) else { return };
        self.touch(id, |f| match into {
            Some(_) => f.remove(reopened, at),
            None if reopened.is_empty() => {}
            None => {
                f.void_parcels(at);
                f.enter(FulfillmentStatus::Incomplete, at);
            }
        });
        if let Some(into) = into {
            let mut part = FulfillmentOrder::new(into, group, reopened, FulfillmentStatus::Incomplete, at);
            part.replaces = replaces;
            self.push(part);
        }
    }

    /// Units leave a fulfillment order, or what looks for a facility.
    pub(super) fn take_out(&mut self, id: Option<&FulfillmentOrderId>, units: &Lines, at: Timestamp) {
        match id {
            Some(id) => self.touch(id, |f| f.remove(units, at)),
            None => {
                self.take_open(units, at);
            }
        }
    }

    pub(super) fn cancel_units(&mut self, id: Option<&FulfillmentOrderId>, units: &Lines, at: Timestamp) {
        self.take_out(id, units, at);
        for (line_id, units) in units {
            if let Some(line) = self.lines.get_mut(line_id) {
                line.forgo(*units);
                line.cancelled = line.cancelled.saturating_add(*units);
            }
        }
    }

    /// Units go on under another number, in the same status and for the same place, with the parcels that hold them.
    pub(super) fn split(
        &mut self,
        (from, into): (&FulfillmentOrderId, &FulfillmentOrderId),
        units: &Lines,
        parcels: &[ParcelId],
        at: Timestamp,
    ) {
        let Some(part) = self.fulfillment_order(from).map(|f| f.part(into, units, parcels, at)) else { return };
        self.touch(from, |f| f.leave(units, parcels, at));
        self.push(part);
    }

    /// Its units look for another facility under another number. The one that lets go is not asked again.
    pub(super) fn move_away(
        &mut self,
        (from, into): (&FulfillmentOrderId, &FulfillmentOrderId),
        wanted: Option<&FacilityId>,
        at: Timestamp,
    ) {
        let Some(found) = self.fulfillment_order(from).cloned() else { return };
        let mut moved = FulfillmentOrder::new(into, found.group, &found.lines, FulfillmentStatus::Incomplete, at);
        moved.wanted_facility_id = wanted.cloned();
        moved.replaces = found.replaces;
        self.touch(from, |f| {
            if let Some(facility_id) = f.facility_id.clone() {
                f.rejections.push(FacilityRejection { facility_id, reason: RejectionReason::Other, lines: f.lines.clone(), at });
            }
            f.remove(&found.lines, at);
        });
        if !moved.lines.is_empty() {
            self.push(moved);
        }
    }

    pub(super) fn merge(&mut self, from: &FulfillmentOrderId, into: &FulfillmentOrderId, at: Timestamp) {
        let units = self.fulfillment_order(from).map(|f| f.lines.clone()).unwrap_or_default();
        self.touch(from, |f| f.remove(&units, at));
        self.touch(into, |f| lines::add(&mut f.lines, &units));
    }

    /// Its units leave the house, one way or the other.
    pub(super) fn hand_out(&mut self, id: &FulfillmentOrderId, amount_minor: i64, status: FulfillmentStatus, at: Timestamp) {
        self.shipped_minor = self.shipped_minor.saturating_add(amount_minor);
        let Some((lines, sent_again)) = self.fulfillment_order(id).map(|f| (f.lines.clone(), f.replaces.is_some())) else { return };
        let (mut charged_minor, mut free_lines) = (Vec::with_capacity(lines.len()), Lines::new());
        for (line_id, units) in lines {
            let charged = self.lines.get_mut(&line_id).map(|line| line.charge(units, sent_again)).unwrap_or_default();
            charged_minor.push(charged.minor);
            if charged.units < units {
                free_lines.insert(line_id, units - charged.units);
            }
        }
        self.touch(id, |f| (f.ship_requested, f.charged_minor, f.free_lines) = (false, charged_minor, free_lines));
        self.advance_to(id, status, at);
    }

    /// Packed again, as it was: its labels are void, so its parcels are new ones.
    pub(super) fn unship(&mut self, id: &FulfillmentOrderId, given_before_minor: i64, at: Timestamp) {
        let Some(found) = self.fulfillment_order(id).cloned() else { return };
        let worth = |minor: i64| minor.max(0).unsigned_abs();
        let all: u64 = found.charges().map(|(_, _, charged)| worth(charged.minor)).sum();
        let mut before = 0;
        for (line_id, units, charged) in found.charges() {
            let upto = before + worth(charged.minor);
            let given_before = if upto > before { share_minor(given_before_minor, before, upto, all) } else { 0 };
            before = upto;
            if let Some(line) = self.lines.get_mut(line_id) {
                line.unship(units, charged, given_before);
            }
        }
        self.touch(id, |f| {
            f.forget_charges();
            let again = f.contents(|p| p.status != ParcelStatus::Voided);
            f.void_parcels(at);
            f.pack(&again, at);
        });
        self.advance_to(id, FulfillmentStatus::Packed, at);
    }

    /// Units of a parcel that did not arrive are sent again, or given back (which the refund's own event does).
    pub(super) fn resolve_parcel(&mut self, id: &ParcelId, resolution: Resolution, into: Option<&FulfillmentOrderId>, at: Timestamp) {
        self.touch_parcel(id, |p| p.resolution = Some(resolution));
        let Some(into) = into else { return };
        let owner = id.fulfillment_order_id().and_then(|owner| self.fulfillment_order(&owner));
        let Some((group, parcel)) = owner.and_then(|f| Some((f.group, f.parcels.iter().find(|p| p.parcel_id == *id)?))) else { return };
        let mut again = FulfillmentOrder::new(into, group, &parcel.lines, FulfillmentStatus::Incomplete, at);
        again.replaces = Some(id.clone());
        for (line_id, units) in &again.lines {
            if let Some(line) = self.lines.get_mut(line_id) {
                line.replaced = line.replaced.saturating_add(*units);
                line.prepaid = line.prepaid.saturating_add(*units);
            }
        }
        self.push(again);
    }
}

//! What the world reports. Facts are never refused: what cannot be used changes nothing here and stays on record in the store.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Draft;
use crate::{
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    ids::{FacilityId, FulfillmentOrderId, ParcelId},
    order::{CarrierReport, Event, FulfillmentOrder, Grant, Lines, Parcel, Short, SourcedPackage, deadlines::later, lines::take},
    parcel::{ParcelAction, ParcelStatus},
};

const NEVER_HAD_IT: &str = "the carrier says that it is lost or comes back, and never had it: unship it, or find it";
const LOST_BEFORE: &str = "the carrier says that it was lost before it was last scanned: ask where it is";
const NOT_LEFT: &str = "the carrier has it, and here it has not left: ship it, or unpack it";
const LABEL_VOID: &str = "the carrier has a parcel under its label, which is void here: find out what was sent";

/// What a scan means to a parcel.
enum Step {
    /// A legal step; `skips`: the hand-over was not scanned.
    Moves { skips: bool },
    /// It cannot be so. Somebody must look.
    Doubtful(&'static str),
}

impl Step {
    fn of(found: &FulfillmentOrder, parcel: &Parcel, action: ParcelAction, occurred_at: Timestamp) -> Option<Self> {
        match found.status {
            _ if parcel.status == ParcelStatus::Voided => Some(Self::Doubtful(LABEL_VOID)),
            FulfillmentStatus::Shipped => Self::on_its_way(parcel, action, occurred_at),
            FulfillmentStatus::PickedUp | FulfillmentStatus::Cancelled => None,
            _ => Some(Self::Doubtful(NOT_LEFT)),
        }
    }

    /// Only a legal step counts, and none that is older than the last one, unless it is the last word. What is in trouble was with the
    /// carrier, whoever forgot to scan it; but it cannot lose or send back what it never had.
    fn on_its_way(parcel: &Parcel, action: ParcelAction, occurred_at: Timestamp) -> Option<Self> {
        let is_last_word = matches!(action, ParcelAction::Deliver | ParcelAction::ReturnToSender);
        let is_stale = parcel.reported_at.is_some_and(|last| last > occurred_at);
        let is_legal = parcel.status.after(action).is_some();
        if is_stale && !is_last_word {
            // Some carriers give dates only.
            return (is_legal && action == ParcelAction::Lose).then_some(Self::Doubtful(LOST_BEFORE));
        }
        if is_legal {
            return Some(Self::Moves { skips: false });
        }
        parcel.status.after(ParcelAction::HandOver)?.after(action)?;
        let unseen = matches!(action, ParcelAction::Lose | ParcelAction::ReturnToSender);
        Some(if unseen { Self::Doubtful(NEVER_HAD_IT) } else { Self::Moves { skips: true } })
    }
}

impl Draft {
    /// Waiting units were granted stock, or are offered some. What is for units that wait no more is left out: the store gives it back.
    pub(super) fn stock_arrived(&mut self, grants: &[Grant], offers: &[Grant]) {
        let mut new: Vec<&Grant> = grants.iter().filter(|g| !self.order.grants_seen.contains_key(&g.grant_id)).collect();
        if new.is_empty() && !grants.is_empty() {
            // All of it was told before, the offers too.
            return;
        }
        // Stock may be quicker than the answer that says who waits for it: whoever records that answer is told once more.
        let answered = self.order.sourcing.asked <= self.order.sourcing.answered;
        new.retain(|grant| answered || self.order.fulfillment_order(&grant.fulfillment_order_id).is_some());
        if !new.is_empty() {
            self.emit(Event::GrantsSeen { grant_ids: new.iter().map(|g| g.grant_id.clone()).collect() });
        }
        let mut granted: BTreeMap<(&FulfillmentOrderId, &FacilityId), Lines> = BTreeMap::new();
        for grant in new {
            let units = granted.entry((&grant.fulfillment_order_id, &grant.facility_id)).or_default();
            let sum = units.entry(grant.line_id.clone()).or_default();
            *sum = sum.saturating_add(grant.quantity);
        }
        for ((from, facility_id), units) in granted {
            self.grant(from, facility_id, &units);
        }
        self.plan_waiting_again(&offers.iter().map(|offer| &offer.fulfillment_order_id).collect());
    }

    fn grant(&mut self, from: &FulfillmentOrderId, facility_id: &FacilityId, units: &Lines) {
        let waiting = self.order.fulfillment_order(from).filter(|f| f.status == FulfillmentStatus::Backordered);
        let Some(waiting) = waiting else { return };
        let lines = take(&mut waiting.lines.clone(), units);
        if lines.is_empty() {
            return;
        }
        let fulfillment_order_id = self.order.next_id();
        let (facility_id, group) = (facility_id.clone(), waiting.group);
        let package = SourcedPackage { fulfillment_order_id, facility_id, group, lines, ship_by: None };
        self.emit(Event::StockGranted { from: from.clone(), package });
    }

    /// Reserved units are not there. A short of units that went on meanwhile is left out: whoever chose it looks for others.
    pub(super) fn stock_shorted(&mut self, shorts: &[Short]) {
        let new: Vec<&Short> = shorts.iter().filter(|s| !self.order.grants_seen.contains_key(&s.short_id)).collect();
        if new.is_empty() {
            return;
        }
        self.emit(Event::GrantsSeen { grant_ids: new.iter().map(|s| s.short_id.clone()).collect() });
        let mut missing: BTreeMap<&FulfillmentOrderId, Lines> = BTreeMap::new();
        for short in new {
            let sum = missing.entry(&short.fulfillment_order_id).or_default().entry(short.line_id.clone()).or_default();
            *sum = sum.saturating_add(short.quantity);
        }
        for (id, mut units) in missing {
            let found = self.order.fulfillment_order(id).filter(|f| f.status.after(FulfillmentAction::Short).is_some()).cloned();
            let Some(found) = found else { continue };
            let lines = take(&mut units, &found.lines);
            if !lines.is_empty() {
                self.short(&found, &lines);
            }
        }
    }

    /// What is offered stock is planned again, and with it what ships only as a whole or waits on purpose: it may go along.
    fn plan_waiting_again(&mut self, offered: &BTreeSet<&FulfillmentOrderId>) {
        let waiting = self.order.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Backordered);
        if !waiting.clone().any(|f| offered.contains(&f.fulfillment_order_id)) {
            return;
        }
        let waiting = waiting.filter(|f| f.whole || f.on_purpose || offered.contains(&f.fulfillment_order_id));
        for fulfillment_order_id in waiting.map(|f| f.fulfillment_order_id.clone()).collect::<Vec<_>>() {
            self.emit(Event::WaitingEnded { fulfillment_order_id });
        }
    }

    /// Events come late, twice, out of order, and by clocks that are wrong. A number that stands for several parcels moves them all.
    pub(super) fn carrier_reported(&mut self, report: &CarrierReport) {
        if self.order.has_heard(report) {
            return;
        }
        // What has been told has happened.
        let occurred_at = report.occurred_at.min(self.at);
        let meant = self.meant_by(report, occurred_at).into_iter();
        let steps = meant.filter_map(|(f, p)| Some((p.parcel_id.clone(), Step::of(f, p, report.action, occurred_at)?)));
        for (parcel_id, step) in steps.collect::<Vec<_>>() {
            match step {
                Step::Doubtful(why) => self.doubt(&parcel_id, why, &report.event_id),
                Step::Moves { skips } => {
                    if skips {
                        self.parcel_moved(&parcel_id, ParcelAction::HandOver, occurred_at, None);
                    }
                    self.parcel_moved(&parcel_id, report.action, occurred_at, Some(&report.event_id));
                }
            }
        }
    }

    /// The parcels with the number. One whose label is void is meant only where no other goes under the number instead.
    fn meant_by(&self, report: &CarrierReport, occurred_at: Timestamp) -> Vec<(&FulfillmentOrder, &Parcel)> {
        let parcels = self.order.fulfillment_orders.iter().flat_map(|f| f.parcels.iter().map(move |p| (f, p)));
        let numbered = parcels.filter(|(_, p)| p.has_number(&report.tracking_number));
        let meant = numbered.filter(|(f, p)| self.is_of_this_parcel(f, p, occurred_at));
        let (void, live): (Vec<_>, Vec<_>) = meant.partition(|(_, p)| p.status == ParcelStatus::Voided);
        if live.is_empty() { void } else { live }
    }

    /// Somebody must look; the same event is not doubted again, nor believed later.
    fn doubt(&mut self, parcel_id: &ParcelId, why: &str, event_id: &str) {
        let (subject, why, event_id) = (parcel_id.to_string(), why.to_owned(), Some(event_id.to_owned()));
        if !self.order.attention.iter().any(|known| known.subject == subject && known.why == why) {
            self.emit(Event::AttentionRaised { subject, why, wait: None, event_id });
        }
    }

    /// Numbers come again: what was scanned long before the parcel shipped, or long after its way had ended, is of another one.
    fn is_of_this_parcel(&self, found: &FulfillmentOrder, parcel: &Parcel, occurred_at: Timestamp) -> bool {
        let policy = &self.order.policy;
        let arrived = !parcel.status.is_in_transit();
        let shipped_at = (found.status == FulfillmentStatus::Shipped && parcel.status != ParcelStatus::Voided).then_some(found.since);
        let too_early = shipped_at.is_some_and(|at| occurred_at < later(at, policy.scan_before_ms.saturating_neg()));
        let too_late = arrived && occurred_at > later(parcel.since, policy.scan_after_ms);
        !too_early && !too_late
    }

    /// A parcel has moved, by the carrier's event with this id, or by somebody's word.
    pub(super) fn parcel_moved(&mut self, parcel_id: &ParcelId, action: ParcelAction, occurred_at: Timestamp, event_id: Option<&str>) {
        let event_id = event_id.map(str::to_owned);
        self.emit(Event::ParcelMoved { parcel_id: parcel_id.clone(), action, occurred_at, assumed: false, event_id });
        if matches!(action, ParcelAction::Lose | ParcelAction::ReturnToSender) {
            return self.attend(parcel_id.as_str(), &format!("it is {}: send it again, or give the money back", action.name()));
        }
        self.settle(parcel_id.as_str());
        if action == ParcelAction::Deliver {
            let parcels = self.order.fulfillment_orders.iter().flat_map(|f| &f.parcels);
            if parcels.into_iter().any(|p| p.parcel_id == *parcel_id && p.resolution.is_some()) {
                self.attend(parcel_id.as_str(), "it was found and delivered, after it had been replaced or refunded");
            }
        }
    }
}

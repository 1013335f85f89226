//! What must be true of an order at all times (LIFECYCLE.md), worked out here from the events, apart from the code under test.

use std::collections::{BTreeMap, BTreeSet};

use oms_domain::{
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    ids::{FulfillmentOrderId, LineId},
    order::{ChangeStatus, Effect, Event, FulfillmentOrder, Order, OrderStatus, RefundOf, Wait},
    parcel::ParcelStatus,
    payment::{OperationStatus, Payment},
    placed::PaymentMethod,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::support::Lines;

pub fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let json = serde_json::to_string(value).unwrap();
    let back: T = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{e}: {json}"));
    assert_eq!(back, *value, "{json}");
}

/// Each machine moves by its table, event by event.
pub fn legal_steps(before: &Order, after: &Order, event: &Event) {
    if before.status != after.status {
        let legal = OrderStatus::TABLE.iter().any(|(from, _, to)| (*from, *to) == (before.status, after.status));
        assert!(legal, "{event:?}: {} to {}", before.status, after.status);
    }
    for (was, is) in before.fulfillment_orders.iter().zip(&after.fulfillment_orders) {
        assert_eq!(was.fulfillment_order_id, is.fulfillment_order_id);
        let legal = FulfillmentStatus::TABLE.iter().any(|(from, _, to)| (*from, *to) == (was.status, is.status));
        assert!(legal || was.status == is.status, "{event:?}: {} to {}", was.status, is.status);
        for (was, is) in was.parcels.iter().zip(&is.parcels) {
            let legal = ParcelStatus::TABLE.iter().any(|(from, _, to)| (*from, *to) == (was.status, is.status));
            assert!(legal || was.status == is.status, "{event:?}: {} to {}", was.status, is.status);
        }
    }
    for (was, is) in before.payments.iter().zip(&after.payments) {
        for (was, is) in was.operations.iter().zip(&is.operations) {
            let legal = OperationStatus::TABLE.iter().any(|(from, _, to)| (*from, *to) == (was.status, is.status));
            assert!(legal || was.status == is.status, "{event:?}: {} to {}", was.status, is.status);
        }
    }
    for (was, is) in before.change_requests.iter().zip(&after.change_requests) {
        let legal = ChangeStatus::TABLE.iter().any(|(from, _, to)| (*from, *to) == (was.status, is.status));
        assert!(legal || was.status == is.status, "{event:?}: {} to {}", was.status, is.status);
    }
    assert_eq!(after.version, before.version + 1);
}

pub fn hold(order: &Order) {
    for (id, units) in order.units() {
        assert!(units.add_up(), "line {id}: {units:?}");
    }
    let ids: BTreeSet<_> = order.fulfillment_orders.iter().map(|f| &f.fulfillment_order_id).collect();
    assert_eq!(ids.len(), order.fulfillment_orders.len(), "an id was given twice");
    order.fulfillment_orders.iter().for_each(fulfillment_order);
    assert!(order.attention.iter().all(|known| known.why != "the rules do not come to rest"), "{:?}", order.attention);
    cancellations(order);
    changes(order);
    money(order);
    let keys: BTreeSet<String> = order.pending_effects().iter().map(Effect::key).collect();
    assert_eq!(keys.len(), order.pending_effects().len(), "two effects share a key");
}

fn fulfillment_order(found: &FulfillmentOrder) {
    let name = &found.fulfillment_order_id;
    assert_eq!(found.lines.is_empty(), found.status == FulfillmentStatus::Cancelled, "{name}: {found:?}");
    assert!(found.lines.values().all(|units| *units > 0), "{name} keeps a line without units");
    let mut packed = Lines::new();
    for parcel in found.parcels.iter().filter(|p| p.status != ParcelStatus::Voided) {
        for (id, units) in &parcel.lines {
            *packed.entry(id.clone()).or_default() += units;
        }
    }
    match found.status {
        FulfillmentStatus::Packed | FulfillmentStatus::Shipped => assert_eq!(packed, found.lines, "{name}: parcels hold other units"),
        // Collected with or without a parcel around it.
        FulfillmentStatus::ReadyForPickup | FulfillmentStatus::PickedUp => assert!(packed.is_empty() || packed == found.lines, "{name}"),
        _ => assert!(packed.is_empty(), "{name} is {} and has parcels", found.status),
    }
    if let Some(request) = &found.cancellation_request {
        let fits = request.lines.iter().all(|(id, units)| found.lines.get(id).is_some_and(|held| units <= held));
        assert!(fits && !request.parts.is_empty(), "{name}: more is asked for than it holds");
        let begun = [FulfillmentStatus::Accepted, FulfillmentStatus::Picking, FulfillmentStatus::Packed, FulfillmentStatus::ReadyForPickup];
        assert!(begun.contains(&found.status), "{name} is {}: nobody needs to be asked", found.status);
    }
}

/// A cancellation answers for exactly the units that it asked for, and waits only where a facility was asked.
fn cancellations(order: &Order) {
    let mut asked: BTreeMap<_, Lines> = BTreeMap::new();
    for part in order.fulfillment_orders.iter().filter_map(|f| f.cancellation_request.as_ref()).flat_map(|r| &r.parts) {
        for (id, units) in &part.lines {
            *asked.entry(&part.cancellation_id).or_default().entry(id.clone()).or_default() += units;
        }
    }
    for record in &order.cancellations {
        let open = asked.remove(&record.cancellation_id).unwrap_or_default();
        assert_eq!(record.requested, open, "{record:?}");
        if let Some(wanted) = &record.asked {
            let mut answered = Lines::new();
            for (id, units) in record.cancelled.iter().chain(&record.requested).chain(&record.too_late) {
                *answered.entry(id.clone()).or_default() += units;
            }
            assert_eq!(answered, *wanted, "{record:?}");
        }
    }
    assert!(asked.is_empty());
}

/// One change set waits at a time, for facilities that have begun and have not all agreed, and until its deadline.
fn changes(order: &Order) {
    let open = order.change_requests.iter().filter(|known| known.status == ChangeStatus::Requested);
    assert!(open.count() <= 1 && !(order.status.is_final() && order.open_change().is_some()));
    for known in &order.change_requests {
        assert_eq!(known.ended_at.is_some(), known.status != ChangeStatus::Requested, "{known:?}");
        assert_eq!(order.change(&known.change_id).is_some(), known.status == ChangeStatus::Confirmed, "{known:?}");
    }
    let Some(open) = order.open_change() else { return };
    assert!(!open.asked.iter().all(|asked| asked.agreed), "{open:?}");
    for asked in &open.asked {
        let found = order.fulfillment_order(&asked.fulfillment_order_id).unwrap();
        assert!(found.status.after(FulfillmentAction::RequestChange).is_some(), "{found:?} cannot answer {open:?}");
    }
    assert!(order.deadlines().iter().any(|known| known.wait == Wait::ChangeRequest && known.subject == open.change_id.as_str()));
}

fn money(order: &Order) {
    for payment in &order.payments {
        let open = payment.operations.iter().filter(|op| op.is_open()).count();
        assert!(open <= 1, "one operation at a time: {payment:?}");
        assert!(payment.operations.iter().all(|op| op.amount_minor > 0), "{payment:?}");
        let used = payment.charged_minor() + payment.voided_minor() + payment.lapsed_minor();
        assert!(used <= payment.authorized_minor(), "{payment:?}");
        assert!(payment.credited_minor >= 0 && payment.capturable_minor() >= 0, "{payment:?}");
        assert!(payment.refunded_minor() <= payment.captured_minor(), "{payment:?}");
        let numbers: BTreeSet<u32> = payment.operations.iter().map(|op| op.number).collect();
        assert_eq!(numbers.len(), payment.operations.len());
    }
}

/// Nothing stays reserved for, or waiting in, an order that has ended.
pub fn nothing_reserved(order: &Order) {
    let left: Vec<_> = order.stock_targets_since(0).into_iter().filter(|t| t.allocated + t.waiting > 0).collect();
    assert_eq!(left, []);
}

/// What instruments answer for and was neither charged nor spent on what has left before.
fn covered(order: &Order) -> i128 {
    let elsewhere: i64 = order.payments.iter().filter(|p| p.method == PaymentMethod::External).map(|p| p.amount_minor).sum();
    let good_for: i64 = order.payments.iter().filter(|p| p.method != PaymentMethod::External).map(Payment::good_for_minor).sum();
    i128::from(good_for + (elsewhere - order.shipped_minor).max(0) - order.uncaptured_minor())
}

/// The money as the events alone tell it: what each line owes, and which of its units are spoken for.
pub struct Ledger {
    due_minor: BTreeMap<LineId, i128>,
    ordered: BTreeMap<LineId, i128>,
    spoken_for: BTreeMap<LineId, i128>,
    /// Units spoken for when a change set last touched the line, and their worth: the rest is shared by the others.
    settled: BTreeMap<LineId, (i128, i128)>,
    /// Units that came back before the carrier had them, and what they had cost: they cost it again.
    again: BTreeMap<LineId, (i128, i128)>,
    /// Units that are sent in place of lost ones, and cost nothing.
    prepaid: BTreeMap<LineId, i128>,
    /// What each line of what left was charged for, in case it comes back.
    charged: BTreeMap<FulfillmentOrderId, BTreeMap<LineId, (i128, i128)>>,
    shipped_minor: i128,
    unshipped_minor: i128,
    /// Of that: what had been given back before, and is not charged again.
    forgiven_minor: i128,
    refunds_minor: i128,
    /// Of those: what pays for other orders.
    credits_minor: i128,
}

impl Ledger {
    pub fn new(order: &Order) -> Self {
        let total: i128 = order.lines.values().map(|line| i128::from(line.due_minor)).sum();
        assert_eq!(total, i128::from(order.core.total_minor()), "the lines carry the whole order");
        assert!(order.lines.values().all(|line| line.due_minor >= 0));
        Self {
            due_minor: order.lines.iter().map(|(id, line)| (id.clone(), i128::from(line.due_minor))).collect(),
            ordered: order.lines.iter().map(|(id, line)| (id.clone(), i128::from(line.ordered))).collect(),
            spoken_for: BTreeMap::new(),
            settled: BTreeMap::new(),
            again: BTreeMap::new(),
            prepaid: BTreeMap::new(),
            charged: BTreeMap::new(),
            shipped_minor: 0,
            unshipped_minor: 0,
            forgiven_minor: 0,
            refunds_minor: 0,
            credits_minor: 0,
        }
    }

    /// The next units of a line, as far as there are so many, and their worth.
    fn next(&mut self, id: &LineId, units: i128) -> (i128, i128) {
        let from = self.spoken_for.get(id).copied().unwrap_or(0);
        let upto = (from + units).min(self.ordered[id]);
        self.spoken_for.insert(id.clone(), upto);
        (upto - from, self.worth(id, upto) - self.worth(id, from))
    }

    /// Units that came back, to go again, and what they had cost.
    fn once_more(&mut self, id: &LineId, units: i128) -> (i128, i128) {
        let Some((all, minor)) = self.again.get_mut(id).filter(|(all, _)| *all > 0) else { return (0, 0) };
        let taken = units.min(*all);
        let part = (*minor * taken).div_euclid(*all);
        (*all, *minor) = (*all - taken, *minor - part);
        (taken, part)
    }

    /// What leaves costs its share; what is sent in place of something lost costs nothing.
    fn leaves(&mut self, found: &FulfillmentOrder) -> i128 {
        let mut charged = BTreeMap::new();
        for (id, units) in &found.lines {
            let (units, prepaid) = (i128::from(*units), self.prepaid.get(id).copied().unwrap_or(0));
            let back = self.again.get(id).map_or(0, |(units, _)| *units);
            let unpaid = self.ordered[id] - self.spoken_for.get(id).copied().unwrap_or(0) + back;
            let free = prepaid.min(if found.replaces.is_some() { units } else { (units - unpaid).max(0) });
            self.prepaid.insert(id.clone(), prepaid - free);
            let (again, again_minor) = self.once_more(id, units - free);
            let (next, next_minor) = self.next(id, units - free - again);
            assert_eq!(free + again + next, units, "units of line {id} leave for which nobody pays: {found:?}");
            charged.insert(id.clone(), (again + next, again_minor + next_minor));
        }
        let minor = charged.values().map(|(_, minor)| minor).sum();
        self.charged.insert(found.fulfillment_order_id.clone(), charged);
        minor
    }

    /// What comes back before the carrier has it was charged for, or was not; exactly that is owed back, as far as it was not given back
    /// before: what was, it will not cost again.
    fn comes_back(&mut self, found: &FulfillmentOrder) -> i128 {
        let charged = self.charged.remove(&found.fulfillment_order_id).expect("what has left");
        let all: i128 = charged.values().map(|(_, minor)| minor).sum();
        let given_before = (all - (self.shipped_minor - self.refunds_minor)).max(0);
        self.forgiven_minor += given_before;
        let mut upto = 0;
        for (id, (units, minor)) in &charged {
            let part = |upto: i128| (given_before * upto).checked_div_euclid(all).unwrap_or(0);
            let minor_again = minor - (part(upto + minor) - part(upto));
            upto += minor;
            *self.prepaid.entry(id.clone()).or_default() += i128::from(found.lines[id]) - units;
            let spoken_for = self.spoken_for.get(id).copied().unwrap_or(0);
            let settled = self.settled.get(id).map_or(0, |(units, _)| *units);
            if spoken_for - units >= settled && self.worth(id, spoken_for) - self.worth(id, spoken_for - units) == minor_again {
                self.spoken_for.insert(id.clone(), spoken_for - units);
            } else {
                let again = self.again.entry(id.clone()).or_default();
                *again = (again.0 + units, again.1 + minor_again);
            }
        }
        all
    }

    /// What nobody has paid for goes first.
    fn cancelled(&mut self, lines: &Lines) {
        for (id, units) in lines {
            let units = i128::from(*units);
            let (next, _) = self.next(id, units);
            let (again, _) = self.once_more(id, units - next);
            *self.prepaid.entry(id.clone()).or_default() -= units - next - again;
            assert!(self.prepaid[id] >= 0, "more units of line {id} are cancelled than there are");
        }
    }

    /// Of the first `n` units of a line, as far as that many are not settled.
    fn worth(&self, id: &LineId, n: i128) -> i128 {
        let (units, minor) = self.settled.get(id).copied().unwrap_or((0, 0));
        let (due, of) = (self.due_minor[id] - minor, self.ordered[id] - units);
        if of == 0 { minor } else { minor + (due * (n - units)).div_euclid(of) }
    }

    /// A line is of other units, for another amount, from now on. What is spoken for is settled.
    fn reorder(&mut self, id: &LineId, units: i128, minor: i128) {
        let spoken_for = self.spoken_for.get(id).copied().unwrap_or(0);
        self.settled.insert(id.clone(), (spoken_for, self.worth(id, spoken_for)));
        *self.ordered.get_mut(id).unwrap() += units;
        *self.due_minor.get_mut(id).unwrap() += minor;
    }

    /// What is not spoken for bears it, by its worth, or by its units where nothing is worth anything.
    fn price_shipping(&mut self, minor: i128) {
        let rest = |(id, ordered): (&LineId, &i128)| {
            let spoken_for = self.spoken_for.get(id).copied().unwrap_or(0);
            (id.clone(), ordered - spoken_for, self.due_minor[id] - self.worth(id, spoken_for))
        };
        let rests: Vec<(LineId, i128, i128)> = self.ordered.iter().map(rest).filter(|(_, units, _)| *units > 0).collect();
        let by_worth = rests.iter().any(|(_, _, worth)| *worth > 0);
        let weight = |units: i128, worth: i128| if by_worth { worth.max(0) } else { units };
        let all: i128 = rests.iter().map(|(_, units, worth)| weight(*units, *worth)).sum();
        let mut before = 0;
        for (id, units, worth) in rests {
            let upto = before + weight(units, worth);
            if upto > before {
                self.reorder(&id, 0, (minor * upto).div_euclid(all) - (minor * before).div_euclid(all));
            }
            before = upto;
        }
    }

    /// What goes is worth what it would have cost next.
    fn remove(&mut self, id: &LineId, units: i128) {
        let spoken_for = self.spoken_for.get(id).copied().unwrap_or(0);
        let minor = self.worth(id, spoken_for + units) - self.worth(id, spoken_for);
        self.reorder(id, -units, -minor);
    }

    pub fn follow(&mut self, before: &Order, event: &Event) {
        match event {
            Event::UnitsCancelled { lines, .. } => self.cancelled(lines),
            Event::LineAdded(line) => {
                self.due_minor.insert(line.line_id.clone(), i128::from(line.total_minor));
                self.ordered.insert(line.line_id.clone(), i128::from(line.quantity));
            }
            Event::UnitsAdded { line_id, quantity, due_minor } => self.reorder(line_id, i128::from(*quantity), i128::from(*due_minor)),
            Event::ShippingPriced { by_minor, .. } => self.price_shipping(i128::from(*by_minor)),
            Event::UnitsRemoved { lines, .. } => lines.iter().for_each(|(id, units)| self.remove(id, i128::from(*units))),
            Event::FulfillmentShipped { fulfillment_order_id, amount_minor }
            | Event::FulfillmentPickedUp { fulfillment_order_id, amount_minor } => {
                let share = self.leaves(before.fulfillment_order(fulfillment_order_id).unwrap());
                assert_eq!(share, i128::from(*amount_minor), "the exact share of what ships: {event:?}");
                assert!(share == 0 || share <= covered(before), "it leaves and nobody pays: {event:?}");
                self.shipped_minor += i128::from(*amount_minor);
            }
            Event::FulfillmentUnshipped { fulfillment_order_id, amount_minor, .. } => {
                let share = self.comes_back(before.fulfillment_order(fulfillment_order_id).unwrap());
                assert_eq!(share, i128::from(*amount_minor), "what was charged for it: {event:?}");
                self.unshipped_minor += i128::from(*amount_minor);
            }
            Event::ParcelResolved { parcel_id, into: Some(_), .. } => {
                let parcels = before.fulfillment_orders.iter().flat_map(|f| &f.parcels);
                for (id, units) in &parcels.into_iter().find(|p| p.parcel_id == *parcel_id).unwrap().lines {
                    *self.prepaid.entry(id.clone()).or_default() += i128::from(*units);
                }
            }
            Event::CreditGranted { amount_minor, .. } => self.credits_minor += i128::from(*amount_minor),
            Event::CreditReleased { return_id, amount_minor, .. } if before.returned(return_id).unwrap().is_settled() => {
                self.credits_minor -= i128::from(*amount_minor);
            }
            Event::RefundAsked(refund) if refund.of != RefundOf::Unused => self.refunds_minor += i128::from(refund.amount_minor),
            _ => {}
        }
    }

    pub fn agrees(&self, order: &Order) {
        let gone: i128 = order.lines.values().map(|line| i128::from(line.gone.minor)).sum();
        let everywhere = self.shipped_minor - self.unshipped_minor + self.forgiven_minor + gone + i128::from(order.remaining_minor());
        assert_eq!(i128::from(order.total_minor()), everywhere, "a penny is nowhere");
        let now: i128 = order.lines.values().map(|line| i128::from(line.due_minor)).sum();
        assert_eq!(now, self.due_minor.values().sum::<i128>(), "a change costs another amount");
        for (id, line) in &order.lines {
            let again = self.again.get(id).copied().unwrap_or((0, 0));
            let prepaid = self.prepaid.get(id).copied().unwrap_or(0);
            assert_eq!((i128::from(line.free_again.units), i128::from(line.free_again.minor)), again, "line {id}");
            assert_eq!(
                (i128::from(line.prepaid), i128::from(line.numbered)),
                (prepaid, self.spoken_for.get(id).copied().unwrap_or(0)),
                "line {id}"
            );
        }
        let charged: i128 = order.payments.iter().map(|p| i128::from(p.charged_minor())).sum();
        assert!(charged + i128::from(order.invoiced_minor) <= self.shipped_minor, "more is charged than was shipped");
        assert!(self.refunds_minor <= self.shipped_minor, "more is given back than was taken");
        for line in order.lines.values() {
            assert!(line.gone.minor >= 0 && line.free_again.minor >= 0 && line.refunded.minor >= 0, "{line:?}");
        }
    }

    /// Of a closed order: what shipped is paid, to the penny, what is owed back is given back, and no authorization is left.
    pub fn nets_out(&self, order: &Order) {
        let elsewhere = order.payments.iter().filter(|p| p.method == PaymentMethod::External);
        let all_elsewhere = elsewhere.map(|p| i128::from(p.amount_minor)).sum::<i128>();
        let elsewhere = all_elsewhere.min(self.shipped_minor);
        let credited: i128 = order.payments.iter().map(|p| i128::from(p.credited_minor)).sum();
        let paid = i128::from(order.net_captured_minor() + order.invoiced_minor) + elsewhere - credited;
        let still_owed: i128 = order.refunds.iter().map(|refund| i128::from(order.outstanding_minor(refund))).sum();
        assert!(still_owed == 0 || !order.attention.is_empty(), "{:?}", order.refunds);
        assert_eq!(
            paid,
            self.shipped_minor - self.refunds_minor + still_owed + self.credits_minor,
            "{:?} {:?}",
            order.payments,
            order.refunds
        );
        for payment in order.payments.iter().filter(|p| p.method == PaymentMethod::External) {
            assert!(payment.unused_minor >= 0 && payment.unused_minor + payment.credited_minor <= payment.amount_minor, "{payment:?}");
        }
        let unused: i128 = order.payments.iter().map(|p| i128::from(p.unused_minor)).sum();
        assert_eq!(elsewhere + unused, all_elsewhere, "what was paid elsewhere bought something, or is owed back: {:?}", order.payments);
        for payment in order.payments.iter().filter(|p| p.uses_gateway()) {
            let left = payment.authorized_minor() - payment.captured_minor() - payment.voided_minor() - payment.lapsed_minor();
            assert!(left == 0 || !order.attention.is_empty(), "{payment:?}");
        }
    }
}

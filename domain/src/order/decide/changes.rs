//! A change set is made as a whole, or refused with what is illegal in it and what would be legal. What a facility has accepted is
//! changed once the facility lets go of it (see `asking`).

mod legal;

pub(super) use self::legal::CHANGES_MAX;

use std::collections::BTreeSet;

use super::Draft;
use crate::{
    address::AddressFlaw,
    error::{ErrorCode, RefusedPart, Rejection},
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    ids::{ChangeId, FulfillmentOrderId, LineId, PaymentId},
    order::{
        ConfirmedChange, CoreChange, CoreGroup, Event, FulfillmentOrder, Lines, Order,
        lines::{add, take},
    },
    payment::{Decline, Payment},
    placed::PaymentMethod,
};

impl Draft {
    /// All of it, at once.
    pub(super) fn confirm(&mut self, id: &ChangeId, reason: &str, changes: &[CoreChange]) -> Result<(), Rejection> {
        self.order.may_change(changes)?;
        let (before_minor, groups) = (self.order.total_minor(), self.order.groups_to_reissue(changes));
        (0..).zip(changes).try_for_each(|(index, change)| self.make(index, change))?;
        if changes.iter().any(|change| change.group().is_some()) {
            self.review_addresses();
        }
        self.reissue(&groups);
        let difference_minor = self.order.total_minor() - before_minor;
        self.raise_payment(difference_minor);
        self.emit(Event::ChangeConfirmed(ConfirmedChange {
            change_id: id.clone(),
            reason: reason.to_owned(),
            at: self.at,
            changes: changes.to_vec(),
            difference_minor,
            reissued_groups: groups.into_iter().collect(),
        }));
        Ok(())
    }

    /// Changes are made one after the other; a price that what is left by then cannot bear is refused, and the set with it.
    fn make(&mut self, index: usize, change: &CoreChange) -> Result<(), Rejection> {
        match change {
            CoreChange::Increase { line_id, quantity, due_minor } => {
                self.emit(Event::UnitsAdded { line_id: line_id.clone(), quantity: *quantity, due_minor: *due_minor });
            }
            CoreChange::Decrease { line_id, quantity } => self.remove(line_id, *quantity),
            CoreChange::Remove { line_id } => self.remove(line_id, self.order.changeable(line_id)),
            CoreChange::Add { line } => self.emit(Event::LineAdded(line.clone())),
            CoreChange::Substitute { line_id, by } => {
                self.remove(line_id, by.quantity);
                self.emit(Event::LineAdded(by.clone()));
            }
            CoreChange::Redirect { group, address_flaw } => self.redirect(*group, *address_flaw),
            CoreChange::Method { group, to } => return self.deliver_by(index, *group, to),
        }
        Ok(())
    }

    fn deliver_by(&mut self, index: usize, group: u16, to: &CoreGroup) -> Result<(), Rejection> {
        let by_minor = self.order.repriced_minor(group, to);
        let rest_minor = self.order.unsettled_minor();
        if rest_minor.saturating_add(by_minor) < 0 || (by_minor != 0 && self.order.lines.values().all(|line| line.unsettled().units == 0)) {
            let why = format!("what is still to ship is worth {rest_minor} minor units: shipping cannot cost {by_minor} more");
            let parts = vec![RefusedPart { pointer: format!("/changes/{index}/price_minor"), why: why.clone() }];
            return Err(Rejection { parts, ..Rejection::new(ErrorCode::RefusedByRule, why) });
        }
        let known = self.order.core.groups.get(usize::from(group)).and_then(|known| known.price_minor);
        self.emit(Event::DeliveryChanged { group, to: CoreGroup { price_minor: to.price_minor.or(known), ..to.clone() } });
        if by_minor != 0 {
            self.emit(Event::ShippingPriced { group, by_minor });
        }
        Ok(())
    }

    /// The address itself is kept elsewhere; what is known of it here is what looks wrong about it.
    fn redirect(&mut self, group: u16, address_flaw: Option<AddressFlaw>) {
        let Some(now) = self.order.core.groups.get(usize::from(group)) else { return };
        if now.address_flaw != address_flaw {
            self.emit(Event::DeliveryChanged { group, to: CoreGroup { address_flaw, ..now.clone() } });
        }
    }

    /// Units that are furthest from the customer go first, as with a cancellation.
    fn remove(&mut self, line_id: &LineId, quantity: u32) {
        let mut wanted = Lines::from([(line_id.clone(), quantity)]);
        let open = self.order.lines.get(line_id).map_or(0, |line| line.open);
        let units = take(&mut wanted, &Lines::from([(line_id.clone(), open)]));
        self.remove_some(None, units);
        for (id, _) in self.by_progress() {
            let Some(found) = self.order.fulfillment_order(&id).filter(|found| self.order.is_changeable(found)) else { continue };
            let units = take(&mut wanted, &found.unasked());
            self.remove_some(Some(id), units);
        }
    }

    fn remove_some(&mut self, fulfillment_order_id: Option<FulfillmentOrderId>, lines: Lines) {
        if !lines.is_empty() {
            self.emit(Event::UnitsRemoved { fulfillment_order_id, lines });
        }
    }

    /// What no facility has accepted of these groups, or lets go of, is called back, and looks for a facility anew.
    pub(super) fn reissue(&mut self, groups: &BTreeSet<u16>) {
        let issued = |f: &&FulfillmentOrder| f.status != FulfillmentStatus::Incomplete && self.order.is_free(f);
        let touched = self.order.fulfillment_orders.iter().filter(|f| groups.contains(&f.group)).filter(issued);
        for found in touched.cloned().collect::<Vec<_>>() {
            if self.settle_asked(&found) {
                let (from, into) = (found.fulfillment_order_id, self.order.next_id());
                self.emit(Event::FulfillmentReissued { from, into });
            }
        }
    }

    /// What is owed beyond what the instruments were given to pay is put to the first that can pay more; without one the order waits
    /// for another payment.
    fn raise_payment(&mut self, difference_minor: i64) {
        let given_minor: i64 = self.order.payments.iter().map(|payment| payment.amount_minor).sum();
        let owed_minor = self.order.shipped_minor.saturating_add(self.order.remaining_minor());
        let by_minor = difference_minor.min(owed_minor.saturating_sub(given_minor));
        let payment_id: Option<PaymentId> = self.order.payments.iter().find(|p| self.can_pay_more(p)).map(|p| p.payment_id.clone());
        if let (Some(payment_id), true) = (payment_id, by_minor > 0) {
            self.emit(Event::PaymentRaised { payment_id, by_minor });
        }
    }

    /// An authorization that the checkout made came without anything that another could be asked for with.
    fn can_pay_more(&self, payment: &Payment) -> bool {
        let taken_over = self.order.core.payments.iter().any(|p| p.payment_id == payment.payment_id && p.authorization.is_some());
        let declined = super::money::refused(payment, Decline::Soft) || super::money::refused(payment, Decline::Hard);
        match payment.method {
            PaymentMethod::Card => !taken_over && !declined,
            PaymentMethod::Terms => true,
            PaymentMethod::GiftCard | PaymentMethod::External | PaymentMethod::Credit => false,
        }
    }
}

impl Order {
    /// No facility has accepted it, or the facility lets go of it for the change set that is open.
    pub(super) fn is_free(&self, found: &FulfillmentOrder) -> bool {
        let lets_go = || found.status.after(FulfillmentAction::AcceptChange).is_some() && self.has_agreed(found);
        found.status.after(FulfillmentAction::Cancel).is_some() || lets_go()
    }

    /// Its units are not sent again for others.
    fn is_changeable(&self, found: &FulfillmentOrder) -> bool {
        found.replaces.is_none() && self.is_free(found)
    }

    /// Units of a line that can leave the order at once: those that are free, and whose share nobody has had.
    pub fn changeable(&self, id: &LineId) -> u32 {
        let Some(line) = self.lines.get(id) else { return 0 };
        let mut free = Lines::from([(id.clone(), line.open)]);
        self.fulfillment_orders.iter().filter(|found| self.is_changeable(found)).for_each(|found| add(&mut free, &found.unasked()));
        free.get(id).copied().unwrap_or(0).min(line.ordered.saturating_sub(line.numbered))
    }
}

//! What can be changed now, and why the rest cannot.

use std::collections::BTreeSet;

use crate::{
    error::{ErrorCode, RefusedPart, Rejection},
    fulfillment::FulfillmentStatus,
    ids::LineId,
    order::{CoreChange, CoreGroup, CoreLine, FulfillmentOrder, Order},
    placed::{AMOUNT_MAX_MINOR, DeliveryMethod, LINES_MAX, QUANTITY_MAX},
};

/// Most change sets of one order: each is read again whenever its lines or addresses are.
pub(in crate::order::decide) const CHANGES_MAX: usize = 100;
/// Most legal changes that a refusal lists.
const LEGAL_MAX: usize = 100;

impl Order {
    /// All of it can be done, or everything that cannot is named.
    pub(super) fn may_change(&self, changes: &[CoreChange]) -> Result<(), Rejection> {
        if changes.is_empty() || self.changes.len() >= CHANGES_MAX {
            let why = format!("a change set changes something, and an order has at most {CHANGES_MAX} of them");
            return Err(Rejection::new(ErrorCode::RefusedByRule, why));
        }
        let mut seen = BTreeSet::new();
        let mut why_not = |change: &CoreChange| {
            let twice = !subjects(change).into_iter().all(|subject| seen.insert(subject));
            self.why_not(change).or_else(|| twice.then(|| "another change of this set is about the same line or delivery group".to_owned()))
        };
        let part = |(index, change)| Some(RefusedPart { pointer: format!("/changes/{index}"), why: why_not(change)? });
        let parts: Vec<RefusedPart> = changes.iter().enumerate().filter_map(part).collect();
        if parts.is_empty() {
            return self.stays_within_bounds(changes);
        }
        let message = parts.iter().map(|part| part.why.as_str()).collect::<Vec<_>>().join("; ");
        let (status, legal_actions) = (Some(self.status.name().to_owned()), self.legal_changes());
        Err(Rejection { code: ErrorCode::IllegalTransition, message, status, legal_actions, parts })
    }

    fn stays_within_bounds(&self, changes: &[CoreChange]) -> Result<(), Rejection> {
        let more = |change: &CoreChange| match change {
            CoreChange::Increase { due_minor, .. } => *due_minor,
            CoreChange::Add { line } | CoreChange::Substitute { by: line, .. } => line.total_minor,
            CoreChange::Method { group, to } => self.repriced_minor(*group, to).max(0),
            CoreChange::Decrease { .. } | CoreChange::Remove { .. } | CoreChange::Redirect { .. } => 0,
        };
        let total_minor = changes.iter().map(more).fold(self.total_minor(), i64::saturating_add);
        let lines = self.lines.len() + changes.iter().filter_map(CoreChange::new_line).count();
        if lines > LINES_MAX || total_minor > AMOUNT_MAX_MINOR {
            let why = format!("an order has at most {LINES_MAX} lines, and costs at most {AMOUNT_MAX_MINOR} minor units");
            return Err(Rejection::new(ErrorCode::RefusedByRule, why));
        }
        Ok(())
    }

    fn why_not(&self, change: &CoreChange) -> Option<String> {
        match change {
            CoreChange::Increase { line_id, quantity, .. } => self.why_no_more(line_id, *quantity),
            CoreChange::Decrease { line_id, quantity } => self.why_no_less(line_id, *quantity),
            CoreChange::Remove { line_id } => {
                let live = self.lines.get(line_id).map_or(0, |line| (line.ordered + line.replaced).saturating_sub(line.cancelled));
                self.why_no_less(line_id, live)
            }
            CoreChange::Add { line } => self.why_no_line(line),
            CoreChange::Substitute { line_id, by } => self.why_no_less(line_id, by.quantity).or_else(|| self.why_no_line(by)),
            CoreChange::Redirect { group, .. } => {
                let collected = self.core.groups.get(usize::from(*group)).is_some_and(|known| known.method == DeliveryMethod::Pickup);
                let pickup = || collected.then(|| "it is collected at a store: change the method to have it delivered".to_owned());
                self.why_not_moved(*group).or_else(pickup)
            }
            CoreChange::Method { group, to } => {
                let known = self.core.groups.get(usize::from(*group));
                let same = known.is_some_and(|known| *known == CoreGroup { price_minor: known.price_minor, ..to.clone() });
                let unpriced = to.price_minor.is_some() && known.is_some_and(|known| known.price_minor.is_none());
                let why = || "the order was placed before its shipping price was kept: leave it as it is".to_owned();
                let already = || same.then(|| "it goes by this method already".to_owned());
                self.why_not_moved(*group).or_else(already).or_else(|| unpriced.then(why))
            }
        }
    }

    /// What the customer would pay more for shipping.
    pub(super) fn repriced_minor(&self, group: u16, to: &CoreGroup) -> i64 {
        let known = self.core.groups.get(usize::from(group)).and_then(|known| known.price_minor);
        known.zip(to.price_minor).map_or(0, |(was, is)| is.saturating_sub(was))
    }

    fn why_no_more(&self, id: &LineId, quantity: u32) -> Option<String> {
        let (Some(line), Some(placed)) = (self.lines.get(id), self.core_line(id)) else { return Some(unknown(id)) };
        if line.ordered == 0 {
            return Some(format!("line {id} was removed: add a line with an id of its own"));
        }
        if line.ordered.saturating_add(quantity) > QUANTITY_MAX || quantity == 0 {
            return Some(format!("line {id}: from 1 unit more up to {QUANTITY_MAX} in all"));
        }
        self.why_not_together(placed.group)
    }

    fn why_no_less(&self, id: &LineId, quantity: u32) -> Option<String> {
        if !self.lines.contains_key(id) {
            return Some(unknown(id));
        }
        let free = self.changeable(id);
        let why = || {
            format!("line {id}: {free} units can still be changed, not {quantity}; the others are with a facility, or gone: cancel them")
        };
        match (free, quantity) {
            (0, _) | (_, 0) => Some(format!("line {id}: no unit can be changed any more; cancel what a facility has begun with")),
            _ => (quantity > free).then(why),
        }
    }

    fn why_no_line(&self, line: &CoreLine) -> Option<String> {
        if self.lines.contains_key(&line.line_id) {
            return Some(format!("this order has a line {} already", line.line_id));
        }
        if line.quantity == 0 || line.quantity > QUANTITY_MAX || line.total_minor < 0 {
            return Some(format!("line {}: 1 to {QUANTITY_MAX} units, worth no less than nothing", line.line_id));
        }
        self.why_not_together(line.group)
    }

    /// What must stay together is planned together: not once a facility has begun with some of it.
    fn why_not_together(&self, group: u16) -> Option<String> {
        if usize::from(group) >= self.core.groups.len() {
            return Some("the order has no such delivery group".to_owned());
        }
        let parted = !self.core.allow_split && self.has_begun(group);
        parted.then(|| "the order must not be split, and a facility has begun with it".to_owned())
    }

    fn why_not_moved(&self, group: u16) -> Option<String> {
        if usize::from(group) >= self.core.groups.len() {
            return Some("the order has no such delivery group".to_owned());
        }
        self.has_begun(group).then(|| "a facility has begun with it, or it has shipped: where and how it goes cannot be changed".to_owned())
    }

    /// Some facility has accepted some of the group, or more, and does not let go.
    fn has_begun(&self, group: u16) -> bool {
        let begun = |found: &FulfillmentOrder| found.status != FulfillmentStatus::Cancelled && !self.is_free(found);
        self.fulfillment_orders.iter().any(|found| found.group == group && begun(found))
    }

    /// Where the fulfillment orders must be planned anew: elsewhere, otherwise, or with more in one package.
    pub(super) fn groups_to_reissue(&self, changes: &[CoreChange]) -> BTreeSet<u16> {
        let grown = |change: &CoreChange| match change {
            CoreChange::Increase { line_id, .. } => self.core_line(line_id).map(|line| line.group),
            CoreChange::Add { line } | CoreChange::Substitute { by: line, .. } => Some(line.group),
            CoreChange::Decrease { .. } | CoreChange::Remove { .. } | CoreChange::Redirect { .. } | CoreChange::Method { .. } => None,
        };
        let together = changes.iter().filter_map(grown).filter(|_| !self.core.allow_split);
        changes.iter().filter_map(CoreChange::group).chain(together).collect()
    }

    /// What a change set may do now, in words: `decrease 1 (at most 2)`.
    pub fn legal_changes(&self) -> Vec<String> {
        if self.status.is_final() {
            return Vec::new();
        }
        let groups = || (0..).zip(&self.core.groups).map(|(group, _)| group);
        let mut legal = Vec::new();
        if groups().any(|group| self.why_not_together(group).is_none()) {
            legal.push("add".to_owned());
        }
        for line in &self.core.lines {
            let (id, free) = (&line.line_id, self.changeable(&line.line_id));
            if self.why_no_more(id, 1).is_none() {
                legal.push(format!("increase {id}"));
            }
            if free > 0 {
                legal.push(format!("decrease {id} (at most {free})"));
            }
        }
        for group in groups().filter(|group| !self.has_begun(*group)) {
            legal.push(format!("address or method of delivery group {group}"));
        }
        legal.truncate(LEGAL_MAX);
        legal
    }
}

fn unknown(id: &LineId) -> String {
    format!("this order has no line {id}")
}

/// What a change is about, and what it brings: no two changes of a set may share one.
fn subjects(change: &CoreChange) -> Vec<String> {
    let lines = change.line_id().into_iter().chain(change.new_line().map(|line| &line.line_id)).map(|id| format!("line {id}"));
    lines.chain(change.group().map(|group| format!("group {group}"))).collect()
}

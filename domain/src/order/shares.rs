//! What a line's units are worth, to the penny, however they are shipped, cancelled, unshipped, sent again or refunded.
//!
//! Units are numbered in the order in which they are shipped or cancelled; units a..b of q are worth ⌊T·b/q⌋ − ⌊T·a/q⌋
//! (LIFECYCLE.md, Payment). What leaves that order, because it came back or was lost, is kept beside it with its exact worth.

use serde::{Deserialize, Serialize};

use super::LineState;
use crate::money::share_minor;

/// Units, and what they are worth together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub units: u32,
    pub minor: i64,
}

impl Share {
    /// No units, and no worth.
    pub fn is_none(&self) -> bool {
        self.units == 0 && self.minor == 0
    }

    pub(super) fn add(&mut self, other: Self) {
        self.units = self.units.saturating_add(other.units);
        self.minor = self.minor.saturating_add(other.minor);
    }

    /// Takes up to `units` of it, with their part of the worth.
    fn take(&mut self, units: u32) -> Self {
        let units = units.min(self.units);
        let minor = self.part_minor(units);
        self.units -= units;
        self.minor -= minor;
        Self { units, minor }
    }

    /// The worth of the first `units` of it.
    fn part_minor(&self, units: u32) -> i64 {
        if self.units == 0 {
            return 0;
        }
        share_minor(self.minor, 0, u64::from(units.min(self.units)), u64::from(self.units))
    }
}

impl LineState {
    /// The worth of the first `numbered` units.
    fn upto_minor(&self, numbered: u32) -> i64 {
        let settled = self.settled;
        if numbered < settled.units {
            return settled.part_minor(numbered);
        }
        let (units, of) = (numbered.min(self.ordered).saturating_sub(settled.units), self.ordered.saturating_sub(settled.units));
        if of == 0 {
            return settled.minor;
        }
        settled.minor + share_minor(self.due_minor - settled.minor, 0, u64::from(units), u64::from(of))
    }

    /// Units that nobody has shipped or cancelled are not ordered any more. As many as were not numbered go, with their shares.
    pub(super) fn order_less(&mut self, units: u32) {
        let gone = self.clone().next(units);
        self.reorder(self.ordered.saturating_sub(gone.units), self.due_minor.saturating_sub(gone.minor));
    }

    /// More units are ordered, for so much together.
    pub(super) fn order_more(&mut self, units: u32, due_minor: i64) {
        self.reorder(self.ordered.saturating_add(units), self.due_minor.saturating_add(due_minor));
    }

    /// What is numbered keeps its worth, and what is not is shared anew (LIFECYCLE.md: a change set re-bases only what is not captured).
    fn reorder(&mut self, ordered: u32, due_minor: i64) {
        self.settled = Share { units: self.numbered, minor: self.upto_minor(self.numbered) };
        (self.ordered, self.due_minor) = (ordered, due_minor);
    }

    /// Numbers the next units, as far as there are so many.
    fn next(&mut self, units: u32) -> Share {
        let before_minor = self.upto_minor(self.numbered);
        let units = units.min(self.ordered.saturating_sub(self.numbered));
        self.numbered += units;
        Share { units, minor: self.upto_minor(self.numbered) - before_minor }
    }

    /// The units that nobody has shipped or cancelled, with their worth.
    pub(super) fn unsettled(&self) -> Share {
        Share { units: self.ordered.saturating_sub(self.numbered), minor: self.due_minor.saturating_sub(self.upto_minor(self.numbered)) }
    }

    /// What `units` that are shipped now are charged for, and how many of them. Those that are sent again cost nothing; others do, unless
    /// there are no such any more.
    pub(super) fn charge(&mut self, units: u32, sent_again: bool) -> Share {
        let unpaid = self.ordered.saturating_sub(self.numbered).saturating_add(self.free_again.units);
        let free = self.prepaid.min(if sent_again { units } else { units.saturating_sub(unpaid) });
        self.prepaid -= free;
        let mut charged = self.free_again.take(units - free);
        charged.add(self.next(units - free - charged.units));
        charged
    }

    /// Gives up `units`: those not paid for first. What is left were paid for, and their worth is owed back.
    pub(super) fn forgo(&mut self, units: u32) -> Share {
        let mut unpaid = self.next(units);
        unpaid.add(self.free_again.take(units - unpaid.units));
        self.gone.add(unpaid);
        let prepaid = self.prepaid.min(units - unpaid.units);
        self.prepaid -= prepaid;
        let paid = self.refund_share(prepaid);
        self.refunded.add(paid);
        paid
    }

    /// What was charged for the units that customers have, had or will have.
    fn charged(&self) -> Share {
        let not = Share { units: self.gone.units + self.free_again.units, minor: self.gone.minor + self.free_again.minor };
        Share { units: self.numbered.saturating_sub(not.units), minor: self.upto_minor(self.numbered) - not.minor }
    }

    /// Units that were shipped are not: exactly what was `charged` for them is owed back, and charged again when they ship, but for what
    /// had been given back before. The others cost nothing, and will cost nothing again.
    pub(super) fn unship(&mut self, units: u32, charged: Share, given_before_minor: i64) {
        self.prepaid = self.prepaid.saturating_add(units.saturating_sub(charged.units));
        let again = Share { units: charged.units, minor: charged.minor - given_before_minor };
        let before = self.numbered.saturating_sub(again.units);
        let is_last = before >= self.settled.units && self.upto_minor(self.numbered) - self.upto_minor(before) == again.minor;
        if is_last {
            self.numbered = before;
        } else {
            self.free_again.add(again);
        }
    }

    /// What was charged and not given back, as units or as shipping.
    pub(super) fn kept(&self) -> Share {
        let charged = self.charged();
        Share { units: charged.units.saturating_sub(self.refunded.units), minor: charged.minor - self.refunded.minor }
    }

    /// So much of what was charged went back for no unit: those that come back from now on share the rest.
    pub(super) fn worth_less(&mut self, minor: i64) {
        self.refunded.minor = self.refunded.minor.saturating_add(minor);
        self.refund_base = self.refunded;
    }

    /// The worth of `units` that come back for good, or never arrived: their exact share of what was not given back before.
    pub(super) fn refund_share(&self, units: u32) -> Share {
        let (charged, base) = (self.charged(), self.refund_base);
        let shared = Share { units: charged.units.saturating_sub(base.units), minor: charged.minor - base.minor };
        let upto = self.refunded.units.saturating_add(units).min(charged.units);
        let upto_minor = base.minor + shared.part_minor(upto.saturating_sub(base.units));
        Share { units: upto.saturating_sub(self.refunded.units), minor: (upto_minor - self.refunded.minor).max(0) }
    }
}

//! What units cost: their exact share of the line's and the order's money (LIFECYCLE.md, Payment).

use super::{CoreLine, LineState, Lines, Order};
use crate::{ids::LineId, money::share_minor, payment::Payment, placed::PaymentMethod};

impl Order {
    /// What these units are worth if they are the next to be shipped or cancelled. Units sent again cost nothing.
    pub fn share_minor(&self, lines: &Lines) -> i64 {
        lines.iter().map(|(id, units)| self.lines.get(id).map_or(0, |line| line.share_minor(*units))).sum()
    }

    /// The shares of these units are spoken for.
    pub(super) fn number(&mut self, lines: &Lines) {
        for (id, units) in lines {
            if let Some(line) = self.lines.get_mut(id) {
                line.numbered += line.unnumbered(*units);
            }
        }
    }

    /// The line as placed.
    pub fn core_line(&self, id: &LineId) -> Option<&CoreLine> {
        self.core.lines.get(usize::from(self.lines.get(id)?.position))
    }

    /// What is still to be captured: the shares that are not spoken for.
    pub fn remaining_minor(&self) -> i64 {
        self.lines.values().map(|line| line.share_minor(u32::MAX)).sum()
    }

    pub(super) fn payment_mut(&mut self, id: &crate::ids::PaymentId) -> Option<&mut Payment> {
        self.payments.iter_mut().find(|payment| payment.payment_id == *id)
    }

    /// Authorized, on terms, paid elsewhere, or nothing due.
    pub fn is_paid_for(&self) -> bool {
        let mut owed = self.remaining_minor();
        for payment in &self.payments {
            owed -= if payment.uses_gateway() { payment.capturable_minor().max(0) } else { payment.amount_minor };
        }
        owed <= 0 && self.payments.iter().all(|payment| payment.open_operation().is_none())
    }

    /// Shares of shipped units that no instrument was charged or invoiced for yet. What was paid elsewhere pays first.
    pub fn uncaptured_minor(&self) -> i64 {
        let elsewhere = self.payments.iter().filter(|p| p.method == PaymentMethod::External);
        let elsewhere_minor: i64 = elsewhere.map(|p| p.amount_minor).sum();
        let asked: i64 = self.payments.iter().map(Payment::charged_minor).sum();
        (self.shipped_minor - elsewhere_minor).max(0) - asked - self.invoiced_minor
    }

    /// Captured less refunded, over all instruments.
    pub fn net_captured_minor(&self) -> i64 {
        self.payments.iter().map(|p| p.captured_minor() - p.refunded_minor()).sum()
    }
}

impl LineState {
    /// What the next `units` are worth, as far as there are so many.
    fn share_minor(&self, units: u32) -> i64 {
        if self.ordered == 0 {
            return 0;
        }
        let upto = self.numbered + self.unnumbered(units);
        share_minor(self.due_minor, u64::from(self.numbered), u64::from(upto), u64::from(self.ordered))
    }

    /// How many of these units have a share left.
    fn unnumbered(&self, units: u32) -> u32 {
        units.min(self.ordered.saturating_sub(self.numbered))
    }
}

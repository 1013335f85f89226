//! What units cost: their exact share of the line's and the order's money (LIFECYCLE.md, Payment).

use std::collections::BTreeMap;

use super::{CoreLine, Order};
use crate::{ids::LineId, money::share_minor, payment::Payment, placed::PaymentMethod};

impl Order {
    /// What these units are worth if they are the next to be captured or cancelled. Units sent again cost nothing.
    pub fn share_minor(&self, lines: &BTreeMap<LineId, u32>) -> i64 {
        let of_lines: i64 = lines.iter().filter_map(|(id, units)| self.line_share_minor(id, *units)).sum();
        let units: u64 = lines.iter().map(|(id, units)| u64::from(self.unnumbered(id, *units))).sum();
        let of_order = match self.core.units() {
            0 => 0,
            all => share_minor(self.core.order_level_minor, self.numbered_units, self.numbered_units + units, all),
        };
        of_lines + of_order
    }

    fn line_share_minor(&self, id: &LineId, units: u32) -> Option<i64> {
        let (line, state) = (self.core_line(id)?, self.lines.get(id)?);
        let (from, units) = (u64::from(state.numbered), u64::from(self.unnumbered(id, units)));
        Some(share_minor(line.total_minor, from, from + units, u64::from(line.quantity)))
    }

    /// How many of these units have a share left.
    fn unnumbered(&self, id: &LineId, units: u32) -> u32 {
        self.lines.get(id).map_or(0, |state| units.min(state.ordered.saturating_sub(state.numbered)))
    }

    /// The shares of these units are spoken for.
    pub(super) fn number(&mut self, lines: &BTreeMap<LineId, u32>) {
        for (id, units) in lines {
            let numbered = self.unnumbered(id, *units);
            if let Some(state) = self.lines.get_mut(id) {
                state.numbered += numbered;
                self.numbered_units += u64::from(numbered);
            }
        }
    }

    /// The line as placed.
    pub fn core_line(&self, id: &LineId) -> Option<&CoreLine> {
        self.core.lines.get(usize::from(self.lines.get(id)?.position))
    }

    /// What is still to be captured: the total less the shares spoken for.
    pub fn remaining_minor(&self) -> i64 {
        let rest: BTreeMap<LineId, u32> = self.lines.iter().map(|(id, state)| (id.clone(), state.ordered - state.numbered)).collect();
        self.share_minor(&rest)
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

    /// Shares of shipped units that no instrument was charged or invoiced for yet.
    pub fn uncaptured_minor(&self) -> i64 {
        let elsewhere = |p: &&Payment| p.method == PaymentMethod::External;
        if self.payments.iter().any(|p| elsewhere(&p)) {
            return 0;
        }
        let asked: i64 = self.payments.iter().map(Payment::charged_minor).sum();
        self.shipped_minor - asked - self.invoiced_minor
    }

    /// Captured less refunded, over all instruments.
    pub fn net_captured_minor(&self) -> i64 {
        self.payments.iter().map(|p| p.captured_minor() - p.refunded_minor()).sum()
    }
}

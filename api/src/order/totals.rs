//! Money adds up: per line, per order, and with what the body itself states.

use oms_domain::placed::{AMOUNT_MAX_MINOR, PlacedLine, PlacedOrder};

use crate::reader::{Fields, Node, amount_minor};

/// A line's price is within the house's bound and not below its discount.
pub(super) fn line_in_bounds(fields: &Fields<'_>, line: &PlacedLine) -> Option<()> {
    let price_minor = i128::from(line.unit_price_minor) * i128::from(line.quantity);
    if price_minor > i128::from(AMOUNT_MAX_MINOR) {
        return fields.error("unit_price_minor", format!("times quantity must not be more than {AMOUNT_MAX_MINOR}"));
    }
    if i128::from(line.discount_minor) > price_minor {
        return fields.error("discount_minor", "must not be more than the line's price");
    }
    Some(())
}

/// What the order comes to. Every term is bounded by now, so that 2,000 lines of the largest amount stay within an i64.
pub(super) fn total_minor(fields: &Fields<'_>, order: &PlacedOrder) -> Option<i64> {
    match order.total_minor() {
        below if below < 0 => fields.error("discounts", "must not be more than what they are taken from"),
        total if total > AMOUNT_MAX_MINOR => fields.error("lines", format!("must come to a total of at most {AMOUNT_MAX_MINOR}")),
        total => Some(total),
    }
}

/// The total that the body states is the one it comes to.
pub(super) fn stated(node: &Node<'_>, total_minor: Option<i64>) -> Option<()> {
    let stated_minor = amount_minor(node)?;
    match total_minor? {
        total if total == stated_minor => Some(()),
        total => node.error(format!("must be {total}: lines, shipping and tax, less discounts")),
    }
}

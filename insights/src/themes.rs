//! What figures are about: those of one theme are looked at together.

use crate::{FIGURES, Figure};

/// What a figure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// How much is ordered, how far it comes, and what is cancelled.
    Orders,
    /// How long each stage takes.
    Speed,
    /// Whether customers get what they were promised, in how many pieces.
    Promises,
    /// What is not there.
    Stock,
    Money,
}

const ORDERS: &[&str] = &[
    "orders",
    "lines",
    "units",
    "value",
    "lines_per_order",
    "stage_approved",
    "stage_sourced",
    "stage_released",
    "stage_packed",
    "stage_shipped",
    "stage_delivered",
    "cancellation_rate",
    "cancellation_success",
];
const SPEED: &[&str] = &[
    "cycle_time",
    "approve_time",
    "source_time",
    "accept_time",
    "pick_time",
    "pack_time",
    "hand_over_time",
    "deliver_time",
    "capture_lag",
    "return_refund_time",
];
const PROMISES: &[&str] = &[
    "unit_fill_rate",
    "line_fill_rate",
    "order_fill_rate",
    "on_time_ship_rate",
    "on_time_delivery_rate",
    "otif_rate",
    "perfect_order_rate",
    "promise_slip",
    "split_rate",
    "avoidable_split_rate",
    "shipments_per_order",
    "return_rate",
];
const STOCK: &[&str] =
    &["backordered_units", "backorder_age", "backorder_filled_by_date", "rejection_rate", "short_pick_rate", "hops_per_unit"];
const MONEY: &[&str] = &[
    "shipped_value",
    "captured_value",
    "refunded_value",
    "captured_not_shipped",
    "shipped_not_captured",
    "authorization_rate",
    "ledger_mismatches",
];

impl Theme {
    /// Every one by its name, in the order in which people look at them.
    pub const NAMED: &[(&str, Self)] =
        &[("orders", Self::Orders), ("speed", Self::Speed), ("promises", Self::Promises), ("stock", Self::Stock), ("money", Self::Money)];

    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Speed => "speed",
            Self::Promises => "promises",
            Self::Stock => "stock",
            Self::Money => "money",
        }
    }

    fn ids(self) -> &'static [&'static str] {
        match self {
            Self::Orders => ORDERS,
            Self::Speed => SPEED,
            Self::Promises => PROMISES,
            Self::Stock => STOCK,
            Self::Money => MONEY,
        }
    }

    /// Its figures, in the order of the table.
    pub fn figures(self) -> impl Iterator<Item = &'static Figure> {
        FIGURES.iter().filter(move |figure| self.ids().contains(&figure.id))
    }
}

impl Figure {
    /// What it is about; a test sees to it that each is about something.
    pub fn theme(&self) -> Theme {
        let named = Theme::NAMED.iter().find(|(_, theme)| theme.ids().contains(&self.id));
        named.map_or(Theme::Orders, |(_, theme)| *theme)
    }
}

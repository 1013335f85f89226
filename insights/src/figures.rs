//! The one table of figures: what docs, tooltips, the API and the views in SQL say of them comes from here.

use crate::Measure::{self, *};

/// What a figure is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Orders,
    Lines,
    Units,
    /// A currency's minor unit.
    Minor,
    /// Of 1.
    Share,
    /// So many of one for each of another.
    Ratio,
    /// Milliseconds.
    Ms,
}

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Lines => "lines",
            Self::Units => "units",
            Self::Minor => "minor",
            Self::Share => "share",
            Self::Ratio => "ratio",
            Self::Ms => "ms",
        }
    }
}

/// What of a measure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// How many counts there are.
    Number(Measure),
    /// What they come to together.
    Sum(Measure),
}

/// How a figure is made of measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Total(Part),
    Quotient {
        of: Part,
        by: Part,
    },
    /// The 50th, 90th and 99th percentile.
    Times(Measure),
}

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    pub id: &'static str,
    pub title: &'static str,
    pub text: &'static str,
    pub unit: Unit,
    pub how: How,
    /// What is not counted in it, and is counted beside.
    pub left_out: Option<Measure>,
}

impl Part {
    pub fn measure(self) -> Measure {
        match self {
            Self::Number(measure) | Self::Sum(measure) => measure,
        }
    }
}

impl Figure {
    /// What it counts: the upper part of a quotient.
    pub fn counted(&self) -> Measure {
        match self.how {
            How::Total(part) | How::Quotient { of: part, .. } => part.measure(),
            How::Times(measure) => measure,
        }
    }

    /// What a quotient divides by.
    pub fn divisor(&self) -> Option<Measure> {
        match self.how {
            How::Quotient { by, .. } => Some(by.measure()),
            How::Total(_) | How::Times(_) => None,
        }
    }

    /// All it is made of.
    pub fn measures(&self) -> impl Iterator<Item = Measure> {
        [Some(self.counted()), self.divisor(), self.left_out].into_iter().flatten()
    }

    /// It can be told for each facility, and to those who know of some alone.
    pub fn is_by_facility(&self) -> bool {
        self.measures().all(Measure::is_by_facility)
    }

    /// It is told for each currency: no two are ever added.
    pub fn is_money(&self) -> bool {
        self.counted().is_money()
    }

    /// It can be told for each reason.
    pub fn has_reason(&self) -> bool {
        self.counted().has_reason()
    }
}

/// The figure with this id.
pub fn figure(id: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.id == id)
}

const fn total(id: &'static str, title: &'static str, text: &'static str, unit: Unit, part: Part) -> Figure {
    Figure { id, title, text, unit, how: How::Total(part), left_out: None }
}

const fn share(id: &'static str, title: &'static str, text: &'static str, of: Part, by: Part) -> Figure {
    Figure { id, title, text, unit: Unit::Share, how: How::Quotient { of, by }, left_out: None }
}

const fn ratio(id: &'static str, title: &'static str, text: &'static str, of: Part, by: Part) -> Figure {
    Figure { id, title, text, unit: Unit::Ratio, how: How::Quotient { of, by }, left_out: None }
}

const fn times(id: &'static str, title: &'static str, text: &'static str, measure: Measure) -> Figure {
    Figure { id, title, text, unit: Unit::Ms, how: How::Times(measure), left_out: None }
}

const fn without(left_out: Measure, figure: Figure) -> Figure {
    Figure { left_out: Some(left_out), ..figure }
}

use Part::{Number as N, Sum as S};

/// Every figure, in the order in which people read them.
pub const FIGURES: &[Figure] = &[
    total("orders", "Orders", "Orders placed.", Unit::Orders, N(Orders)),
    total("lines", "Lines", "Lines of orders as they were placed.", Unit::Lines, S(OrderLines)),
    total("units", "Units", "Units of orders as they were placed.", Unit::Units, S(OrderUnits)),
    total("value", "Order value", "What customers owed for orders as they were placed, with tax and shipping.", Unit::Minor, S(OrderValue)),
    ratio("lines_per_order", "Lines per order", "Lines as placed by orders placed.", S(OrderLines), N(Orders)),
    share(
        "unit_fill_rate",
        "Unit fill rate",
        "Units in the first shipment, if it left by its date, of units ordered less those that customers cancelled. Counted when an order first ships, or ends without.",
        S(FilledUnits),
        S(FillableUnits),
    ),
    share(
        "line_fill_rate",
        "Line fill rate",
        "Lines that the first shipment had whole, if it left by its date, of lines less those that customers cancelled.",
        S(FilledLines),
        S(FillableLines),
    ),
    share(
        "order_fill_rate",
        "Order fill rate",
        "Orders that the first shipment had whole, if it left by its date, of orders less those that customers cancelled.",
        N(FilledOrders),
        N(FillableOrders),
    ),
    share(
        "split_rate",
        "Split rate",
        "Orders that left from more than one facility, of orders of which something left.",
        N(SplitOrders),
        N(ShippedOrders),
    ),
    share(
        "avoidable_split_rate",
        "Avoidable splits",
        "Orders of which one facility had all units, and time for them, when it was first decided where they come from, of orders that left from more than one facility.",
        N(AvoidableSplits),
        N(SplitOrders),
    ),
    ratio(
        "shipments_per_order",
        "Shipments per order",
        "Shipments of orders by orders of which something left.",
        S(Shipments),
        N(ShippedOrders),
    ),
    times("cycle_time", "Cycle time", "From placing an order to its first shipment.", CycleTime),
    times("approve_time", "Time to approve", "From taking an order in to its approval: payment and fraud check.", ApproveTime),
    times("source_time", "Time to source", "From first asking where units can come from to the answer.", SourceTime),
    times("accept_time", "Time to accept", "From a fulfillment order's release to its acceptance by the facility.", AcceptTime),
    times("pick_time", "Time to pick", "From a fulfillment order's acceptance to its being packed.", PickTime),
    times(
        "pack_time",
        "Time to pack",
        "From a fulfillment order's being packed to its leaving, label included, of those that are sent.",
        PackTime,
    ),
    times("hand_over_time", "Time to hand over", "From a fulfillment order's leaving to the carrier's first word of it.", HandOverTime),
    times(
        "deliver_time",
        "Time to deliver",
        "From the carrier's first word of a fulfillment order, or its leaving, to the delivery of its last parcel, of those that are sent.",
        DeliverTime,
    ),
    share("stage_approved", "Approved", "Of orders placed: those that were approved.", N(ApprovedOrders), N(Orders)),
    share("stage_sourced", "Sourced", "Of orders placed: those of which sourcing has found units.", N(SourcedOrders), N(Orders)),
    share(
        "stage_released",
        "Released",
        "Of orders placed: those of which something was released to a facility.",
        N(ReleasedOrders),
        N(Orders),
    ),
    share("stage_packed", "Packed", "Of orders placed: those of which something was packed.", N(PackedOrders), N(Orders)),
    share("stage_shipped", "Shipped", "Of orders placed: those of which something left.", N(LeftOrders), N(Orders)),
    share("stage_delivered", "Delivered", "Of orders placed: those of which something was delivered.", N(DeliveredOrders), N(Orders)),
    without(
        UndatedShipments,
        share(
            "on_time_ship_rate",
            "On-time shipping",
            "Fulfillment orders that left by their date, of those that left and had one. Left out: those without a date.",
            N(PunctualShipments),
            N(DatedShipments),
        ),
    ),
    without(
        UndatedDeliveries,
        share(
            "on_time_delivery_rate",
            "On-time delivery",
            "Orders whose last units were delivered by the end of the promised date (UTC), of those that were delivered and had one. Left out: those without a date.",
            N(PunctualDeliveries),
            N(DatedDeliveries),
        ),
    ),
    without(
        UndatedOrders,
        share(
            "otif_rate",
            "On time, in full",
            "Orders that were delivered whole and by the promised date, of those that were delivered or ended and had one. What customers cancelled is not missing. Left out: those without a date.",
            N(OtifOrders),
            N(DatedOrders),
        ),
    ),
    without(
        UndatedOrders,
        share(
            "perfect_order_rate",
            "Perfect orders",
            "On time, in full, and no facility gave units back, nothing was lost, claimed or returned. Left out: those without a date.",
            N(PerfectOrders),
            N(DatedOrders),
        ),
    ),
    times("promise_slip", "Promise slip", "From the end of the promised date to the last delivery, of orders that were late.", PromiseSlip),
    total("backordered_units", "Backordered units", "Units that began to wait for stock.", Unit::Units, S(BackorderedUnits)),
    times(
        "backorder_age",
        "Backorder age",
        "From beginning to wait to getting stock, for each fulfillment order that got some.",
        BackorderTime,
    ),
    share(
        "backorder_filled_by_date",
        "Backorders filled by date",
        "Of units that got stock after waiting, and whose order had a promised date: those that got it by that date.",
        S(PunctualBackorders),
        S(DatedBackorders),
    ),
    share(
        "rejection_rate",
        "Rejection rate",
        "Units that facilities gave back before they had begun to pick, of units released to them, by their reason.",
        S(RejectedUnits),
        S(ReleasedUnits),
    ),
    share(
        "short_pick_rate",
        "Short-pick rate",
        "Units that facilities gave back once they had begun to pick, of units released to them, by their reason.",
        S(ShortPickedUnits),
        S(ReleasedUnits),
    ),
    ratio("hops_per_unit", "Hops per unit", "How often a unit was released to a facility: 1 is best.", S(UnitReleases), S(UnitsReleased)),
    share(
        "cancellation_rate",
        "Cancellation rate",
        "Units cancelled, of units placed, by how far they were and who wanted it: somebody (`request`) or the house (`house`: no payment, no stock, no time).",
        S(CancelledUnits),
        S(OrderUnits),
    ),
    share(
        "cancellation_success",
        "Cancellations that succeeded",
        "Units that were cancelled, of units that somebody asked to cancel.",
        S(CancellationUnitsDone),
        S(CancellationUnitsAsked),
    ),
    share(
        "return_rate",
        "Return rate",
        "Of the units delivered in the period: those that have come back for good since.",
        S(ReturnedUnits),
        S(DeliveredUnits),
    ),
    times("return_refund_time", "Time to refund", "From opening a return to its money's reaching the customer.", ReturnRefundTime),
    total(
        "shipped_value",
        "Shipped value",
        "What customers owed for units that left, with their tax and their share of shipping.",
        Unit::Minor,
        S(ShippedValue),
    ),
    total(
        "refunded_value",
        "Refunds",
        "Money that reached customers back: by gateways, on invoices, or set off.",
        Unit::Minor,
        S(RefundedValue),
    ),
    total("captured_value", "Captured", "What gateways captured.", Unit::Minor, S(CapturedValue)),
    total(
        "captured_not_shipped",
        "Captured, not shipped",
        "Of the orders placed in the period: what was captured beyond the worth of what left.",
        Unit::Minor,
        S(CapturedNotShipped),
    ),
    total(
        "shipped_not_captured",
        "Shipped, not captured",
        "Of the orders placed in the period: the worth of what left and was neither captured, invoiced nor paid elsewhere.",
        Unit::Minor,
        S(ShippedNotCaptured),
    ),
    share(
        "authorization_rate",
        "Authorization rate",
        "Authorizations that were given, of those that were answered.",
        N(AuthorizationsGiven),
        N(AuthorizationsAsked),
    ),
    times("capture_lag", "Capture lag", "From a shipment to the next capture of its order.", CaptureLag),
    total(
        "ledger_mismatches",
        "Ledger mismatches",
        "Orders that are closed, and whose charges are not the worth of what left. Should be 0.",
        Unit::Orders,
        N(LedgerMismatches),
    ),
];

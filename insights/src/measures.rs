//! What is counted of each order. A figure is one of these, or one by another.

macro_rules! measures {
    ($( $(#[$doc:meta])* $variant:ident = $name:literal, $what:literal $(, $trait:ident)*; )+) => {
        /// One thing that is counted. The name is what it is kept under.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum Measure { $( $(#[$doc])* #[serde(rename = $name)] $variant, )+ }

        impl Measure {
            /// Every one.
            pub const ALL: &[Self] = &[ $( Self::$variant, )+ ];

            pub fn name(self) -> &'static str { match self { $( Self::$variant => $name, )+ } }

            /// What is counted, and when.
            pub fn what(self) -> &'static str { match self { $( Self::$variant => $what, )+ } }

            fn traits(self) -> &'static [Trait] { match self { $( Self::$variant => &[ $( Trait::$trait, )* ], )+ } }
        }
    };
}

/// What else is known of each count of a measure.
#[derive(PartialEq, Eq)]
enum Trait {
    /// Where it was.
    Facility,
    /// It is money.
    Money,
    /// It is a duration.
    Time,
    /// Why it was, or how.
    Reason,
    /// An order may have several in one cell and place: its `n` counts other things than orders.
    Many,
}

measures! {
    Orders = "orders", "orders, when they were placed";
    OrderLines = "order_lines", "lines as placed, when their order was placed";
    OrderUnits = "order_units", "units as placed, when their order was placed";
    OrderValue = "order_value", "what was owed for orders as placed, when they were placed", Money;

    ApproveTime = "approve_time", "from taking an order in to its approval, when it was approved", Time;
    SourceTime = "source_time", "from first asking where units can come from to the answer, at the answer", Time;
    CycleTime = "cycle_time", "from placing an order to its first shipment, when that left", Time;
    AcceptTime = "accept_time", "from release to acceptance of a fulfillment order, when it was accepted", Facility, Time, Many;
    PickTime = "pick_time", "from acceptance to packing of a fulfillment order, when it was packed", Facility, Time, Many;
    PackTime = "pack_time", "from packing to leaving of a fulfillment order that is sent, when it left", Facility, Time, Many;
    HandOverTime = "hand_over_time", "from leaving to the carrier's first word, at that word", Facility, Time, Many;
    DeliverTime = "deliver_time", "from the carrier's first word of a fulfillment order, or its leaving, to its last parcel's delivery, at that", Facility, Time, Many;

    ApprovedOrders = "approved_orders", "approved orders, when they were placed";
    SourcedOrders = "sourced_orders", "orders of which sourcing has found units, when they were placed";
    ReleasedOrders = "released_orders", "orders of which something was released, when they were placed";
    PackedOrders = "packed_orders", "orders of which something was packed, when they were placed";
    LeftOrders = "left_orders", "orders of which something left, when they were placed";
    DeliveredOrders = "delivered_orders", "orders of which something was delivered, when they were placed";

    FillableUnits = "fillable_units", "units ordered less those that their customer cancelled, at the first shipment, or at the end of an order that had none";
    FilledUnits = "filled_units", "of those: units in the first shipment, if it left by its date";
    FillableLines = "fillable_lines", "lines with such units, then";
    FilledLines = "filled_lines", "of those: lines that the first shipment had whole, if it left by its date";
    FillableOrders = "fillable_orders", "orders with such units, then";
    FilledOrders = "filled_orders", "of those: orders that the first shipment had whole, if it left by its date";

    ShippedOrders = "shipped_orders", "orders of which something left, at their first shipment";
    SplitOrders = "split_orders", "of those: orders that left from more than one facility";
    AvoidableSplits = "avoidable_splits", "of those: orders of which one facility had all units, and time for them, when it was decided where they come from";
    Shipments = "shipments", "shipments of those orders";

    DatedShipments = "dated_shipments", "fulfillment orders that left and had a date to leave by, when they left", Facility, Many;
    PunctualShipments = "punctual_shipments", "of those: fulfillment orders that left by that date", Facility, Many;
    UndatedShipments = "undated_shipments", "fulfillment orders that left and had no date to leave by", Facility, Many;
    DatedDeliveries = "dated_deliveries", "orders with a promised date whose last units were delivered, then";
    PunctualDeliveries = "punctual_deliveries", "of those: orders that were delivered by the end of that date, in UTC";
    UndatedDeliveries = "undated_deliveries", "orders without a promised date whose last units were delivered, then";
    DatedOrders = "dated_orders", "orders with a promised date that were delivered or ended, then";
    OtifOrders = "otif_orders", "of those: orders that were delivered whole and by that date";
    PerfectOrders = "perfect_orders", "of those: orders of which no facility gave units back, and nothing was lost, claimed or returned";
    UndatedOrders = "undated_orders", "orders without a promised date that were delivered or ended, then";
    PromiseSlip = "promise_slip", "from the end of the promised date to the last delivery of orders that were late, at that delivery", Time;

    BackorderedUnits = "backordered_units", "units that began to wait for stock, then", Many;
    BackorderTime = "backorder_time", "from beginning to wait to getting stock, when that came", Time, Many;
    DatedBackorders = "dated_backorders", "units that got stock after waiting and whose order had a promised date, when that came", Many;
    PunctualBackorders = "punctual_backorders", "of those: units that got it by that date", Many;

    ReleasedUnits = "released_units", "units released to a facility, when they were released", Facility, Many;
    RejectedUnits = "rejected_units", "of those: units that the facility gave back before it had begun to pick, by its reason", Facility, Reason, Many;
    ShortPickedUnits = "short_picked_units", "of those: units that the facility gave back once it had begun to pick, by its reason", Facility, Reason, Many;
    UnitReleases = "unit_releases", "how often units were released to any facility, at their order's first release";
    UnitsReleased = "units_released", "units that were released, at their order's first release";

    CancelledUnits = "cancelled_units", "units cancelled, when their order was placed, by how far they were and who wanted it", Reason, Many;
    CancellationUnitsAsked = "cancellation_units_asked", "units that somebody asked to cancel, then", Many;
    CancellationUnitsDone = "cancellation_units_done", "of those: units that were cancelled", Many;

    DeliveredUnits = "delivered_units", "units that reached their customer, then", Facility, Many;
    ReturnedUnits = "returned_units", "of those: units that came back for good, at the time they had been delivered", Facility, Many;
    ReturnRefundTime = "return_refund_time", "from opening a return to its money's reaching the customer, then", Time, Many;

    ShippedValue = "shipped_value", "what was owed for units that left, when they left", Facility, Money, Many;
    RefundedValue = "refunded_value", "what reached customers of the money that was owed back, then", Money, Many;
    CapturedValue = "captured_value", "what gateways captured, then", Money, Many;
    CapturedNotShipped = "captured_not_shipped", "what was captured beyond the worth of what left, when the order was placed", Money;
    ShippedNotCaptured = "shipped_not_captured", "what left and was neither captured, invoiced nor paid elsewhere, when the order was placed", Money;
    AuthorizationsAsked = "authorizations_asked", "authorizations that were answered, then", Reason, Many;
    AuthorizationsGiven = "authorizations_given", "of those: authorizations that were given", Many;
    CaptureLag = "capture_lag", "from a shipment to the next capture of its order, at the capture", Time, Many;
    LedgerMismatches = "ledger_mismatches", "orders that are closed and do not add up, when they ended", Money;
}

impl Measure {
    /// The measure with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|measure| measure.name() == name)
    }

    /// Each count is of a facility.
    pub fn is_by_facility(self) -> bool {
        self.traits().contains(&Trait::Facility)
    }

    /// Each count is of a currency, and its sum in the currency's minor unit.
    pub fn is_money(self) -> bool {
        self.traits().contains(&Trait::Money)
    }

    /// Each count is of a duration, and its sum in milliseconds.
    pub fn is_time(self) -> bool {
        self.traits().contains(&Trait::Time)
    }

    /// Each count has a reason.
    pub fn has_reason(self) -> bool {
        self.traits().contains(&Trait::Reason)
    }

    /// An order has one count of it at most: so many counts are so many orders.
    pub fn is_once_an_order(self) -> bool {
        !self.traits().contains(&Trait::Many)
    }
}

//! The paths on which every step occurs.

use oms_domain::ids::Sku;
use serde_json::{Value, json};

use crate::support::{Basket, basket::unique, system::LEEDS};

/// Units of every order.
pub const UNITS: u32 = 3;

/// What the world does to an order.
#[derive(Debug, Clone)]
pub enum Deed {
    /// An associate acts on the n-th fulfillment order, once that is legal.
    Act(u32, &'static str, fn() -> Value),
    /// The customer cancels everything once the n-th fulfillment order has this status.
    Cancel(u32, &'static str),
    /// The card is authorized for the n-th time, or the customer has cancelled before.
    Authorized(usize),
    /// Units come in once the n-th fulfillment order waits.
    Receive(u32),
    /// The carrier reports on the n-th fulfillment order's parcel.
    Scan(u32, &'static str),
    /// The customer announces that everything comes back, once the order has ended.
    Return,
    /// The customer wants the same again for everything, once the order has ended.
    Exchange,
    /// The exchange is cancelled once its goods are with a facility.
    CancelExchange,
    /// Somebody acts on the return once it has this status.
    ActOnReturn(&'static str, &'static str, fn() -> Value),
}

/// An order's life as it goes when nothing goes wrong.
pub struct Scenario {
    pub name: &'static str,
    pub token: &'static str,
    /// Whom the fraud check is asked about; none: it is not asked.
    pub screened: Option<&'static str>,
    /// Units in stock when the order is placed.
    pub in_stock: i64,
    pub deeds: &'static [Deed],
    /// The statuses in which the order, and its return and exchange if there are any, end.
    pub ends: &'static str,
}

impl Scenario {
    pub fn basket(&self, sku: &Sku) -> Basket {
        let basket = Basket::of(sku, UNITS, 255).token(self.token);
        match self.screened {
            Some(customer) => basket.with("/customer/customer_id", customer),
            None => basket,
        }
    }
}

fn nothing() -> Value {
    json!({})
}

/// With a number of the facility's own, so that no carrier is asked.
fn own_number() -> Value {
    json!({"carrier": "van", "tracking_number": unique("MX")})
}

fn at_leeds() -> Value {
    json!({"receipt_id": "dock-1", "facility_id": LEEDS, "lines": [{"line_id": "1", "quantity": UNITS}]})
}

fn keeps_it() -> Value {
    json!({"reason": "keeps it"})
}

fn as_new() -> Value {
    json!({"lines": [{"line_id": "1", "quantity": UNITS, "verdict": "Accepted", "disposition": "restock"}]})
}

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "delivered",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[Deed::Act(1, "ship", own_number), Deed::Act(1, "deliver", nothing)],
        ends: "Completed",
    },
    Scenario { name: "declined", token: "tok_decline_hard", screened: None, in_stock: 10, deeds: &[], ends: "Rejected" },
    Scenario {
        name: "cancelled after authorization",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[Deed::Cancel(1, "Released")],
        ends: "Cancelled",
    },
    Scenario {
        name: "shipped with the carrier's label",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[Deed::Act(1, "ship", nothing), Deed::Act(1, "deliver", nothing)],
        ends: "Completed",
    },
    Scenario {
        name: "label voided, then cancelled",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[
            Deed::Act(1, "ship", nothing),
            Deed::Act(1, "unship", nothing),
            Deed::Authorized(2),
            Deed::Cancel(1, "Packed"),
            Deed::Act(1, "accept-cancellation", nothing),
        ],
        ends: "Cancelled",
    },
    Scenario {
        name: "backorder served",
        token: "tok_fine",
        screened: None,
        in_stock: 0,
        deeds: &[Deed::Receive(1), Deed::Act(2, "ship", own_number), Deed::Act(2, "deliver", nothing)],
        ends: "Completed",
    },
    Scenario {
        name: "lost and refunded",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[Deed::Act(1, "ship", own_number), Deed::Scan(1, "handed_over"), Deed::Scan(1, "lost")],
        ends: "Cancelled",
    },
    Scenario {
        name: "returned and paid back",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[
            Deed::Act(1, "ship", own_number),
            Deed::Act(1, "deliver", nothing),
            Deed::Return,
            Deed::ActOnReturn("LabelSent", "receive", at_leeds),
            Deed::ActOnReturn("Received", "inspect", as_new),
        ],
        ends: "Completed, return Closed",
    },
    Scenario {
        name: "return given up",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[
            Deed::Act(1, "ship", own_number),
            Deed::Act(1, "deliver", nothing),
            Deed::Return,
            Deed::ActOnReturn("LabelSent", "cancel", keeps_it),
        ],
        ends: "Completed, return Cancelled",
    },
    Scenario {
        name: "exchanged, and the exchange cancelled",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[
            Deed::Act(1, "ship", own_number),
            Deed::Act(1, "deliver", nothing),
            Deed::Exchange,
            Deed::ActOnReturn("LabelSent", "receive", at_leeds),
            Deed::ActOnReturn("Received", "inspect", as_new),
            Deed::CancelExchange,
        ],
        ends: "Completed, return Closed, exchange Cancelled",
    },
    Scenario {
        name: "authorized out of sight",
        token: "tok_timeout",
        screened: None,
        in_stock: 10,
        deeds: &[Deed::Act(1, "ship", own_number), Deed::Act(1, "deliver", nothing)],
        ends: "Completed",
    },
    Scenario {
        name: "screened and delivered",
        token: "tok_fine",
        screened: Some("C-honest"),
        in_stock: 10,
        deeds: &[Deed::Act(1, "ship", own_number), Deed::Act(1, "deliver", nothing)],
        ends: "Completed",
    },
    Scenario {
        name: "declined by the fraud check",
        token: "tok_fine",
        screened: Some("C-fraudster"),
        in_stock: 10,
        deeds: &[],
        ends: "Rejected",
    },
];

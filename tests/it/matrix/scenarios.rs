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
    json!({"lines": [{"line_id": "1", "quantity": UNITS, "verdict": "accepted", "disposition": "restock"}]})
}

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "delivered",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[Deed::Act(1, "ship", own_number), Deed::Act(1, "deliver", nothing)],
        ends: "completed",
    },
    Scenario { name: "declined", token: "tok_decline_hard", screened: None, in_stock: 10, deeds: &[], ends: "rejected" },
    Scenario {
        name: "cancelled after authorization",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[Deed::Cancel(1, "released")],
        ends: "cancelled",
    },
    Scenario {
        name: "shipped with the carrier's label",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[Deed::Act(1, "ship", nothing), Deed::Act(1, "deliver", nothing)],
        ends: "completed",
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
            Deed::Cancel(1, "packed"),
            Deed::Act(1, "accept-cancellation", nothing),
        ],
        ends: "cancelled",
    },
    Scenario {
        name: "backorder served",
        token: "tok_fine",
        screened: None,
        in_stock: 0,
        deeds: &[Deed::Receive(1), Deed::Act(2, "ship", own_number), Deed::Act(2, "deliver", nothing)],
        ends: "completed",
    },
    Scenario {
        name: "lost and refunded",
        token: "tok_fine",
        screened: None,
        in_stock: 10,
        deeds: &[Deed::Act(1, "ship", own_number), Deed::Scan(1, "handed_over"), Deed::Scan(1, "lost")],
        ends: "cancelled",
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
            Deed::ActOnReturn("label_sent", "receive", at_leeds),
            Deed::ActOnReturn("received", "inspect", as_new),
        ],
        ends: "completed, return closed",
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
            Deed::ActOnReturn("label_sent", "cancel", keeps_it),
        ],
        ends: "completed, return cancelled",
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
            Deed::ActOnReturn("label_sent", "receive", at_leeds),
            Deed::ActOnReturn("received", "inspect", as_new),
            Deed::CancelExchange,
        ],
        ends: "completed, return closed, exchange cancelled",
    },
    Scenario {
        name: "authorized out of sight",
        token: "tok_timeout",
        screened: None,
        in_stock: 10,
        deeds: &[Deed::Act(1, "ship", own_number), Deed::Act(1, "deliver", nothing)],
        ends: "completed",
    },
    Scenario {
        name: "screened and delivered",
        token: "tok_fine",
        screened: Some("C-honest"),
        in_stock: 10,
        deeds: &[Deed::Act(1, "ship", own_number), Deed::Act(1, "deliver", nothing)],
        ends: "completed",
    },
    Scenario {
        name: "declined by the fraud check",
        token: "tok_fine",
        screened: Some("C-fraudster"),
        in_stock: 10,
        deeds: &[],
        ends: "rejected",
    },
];

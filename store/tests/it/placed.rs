//! Orders as placed.

use oms_domain::{
    carried::{Carried, CarriedLine},
    ids::{LineId, Sku},
    placed::{Address, Customer, DeliveryGroup, DeliveryMethod, Destination, Instrument, PaymentMethod, PlacedLine, PlacedOrder, Position},
};

use crate::support::{at, order};

/// An order of so many lines, each of another SKU, with every text as long as real ones are.
pub fn placed_order(id: &str, lines: usize) -> PlacedOrder {
    let address = Address {
        name: "Customer 17850".into(),
        line1: "94 High Street".into(),
        line2: None,
        city: "Leeds".into(),
        region: None,
        postal_code: Some("LS1 4DY".into()),
        country: "GB".into(),
        phone: None,
        position: Some(Position { latitude: 53.79648, longitude: -1.54785 }),
    };
    PlacedOrder {
        order_id: order(id),
        channel: "web".into(),
        placed_at: at("2010-12-01T08:26:00Z"),
        currency: "GBP".parse().unwrap(),
        customer: Customer {
            customer_id: "17850".parse().unwrap(),
            name: "Customer 17850".into(),
            email: Some("customer-17850@example.com".into()),
        },
        delivery_groups: vec![DeliveryGroup {
            delivery_group: "default".into(),
            method: DeliveryMethod::Standard,
            destination: Destination::Address(address),
            price_minor: 0,
            tax_minor: 0,
            discount_minor: 0,
        }],
        payments: vec![Instrument {
            payment_id: "1".parse().unwrap(),
            method: PaymentMethod::Card,
            amount_minor: 1_530,
            token: Some("tok_17850".into()),
            three_d_secure: None,
            authorization: None,
        }],
        lines: (1..=lines).map(placed_line).collect(),
        discounts: Vec::new(),
        taxes_included: false,
        requested_delivery_date: None,
        promise_id: None,
        reservation_id: None,
        allow_split: true,
        allow_backorder: true,
        cancel_after: None,
        exchange: None,
        carried: Carried::default(),
    }
}

fn placed_line(n: usize) -> PlacedLine {
    PlacedLine {
        line_id: LineId::parse(n.to_string()).unwrap(),
        sku: Sku::parse(format!("SKU-{n:05}")).unwrap(),
        quantity: 6,
        unit_price_minor: 255,
        tax_minor: 0,
        discount_minor: 0,
        delivery_group: 0,
        fulfill_at: None,
        substitutes: Vec::new(),
        unfilled_penalty_minor: None,
        carried: CarriedLine::default(),
    }
}

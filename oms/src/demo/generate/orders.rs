//! Customers, their baskets, and what they ask for afterwards.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow};
use jiff::{SignedDuration, Timestamp};
use oms_api::{cancellation::LineUnits, order::parse_order};
use oms_domain::placed::PlacedOrder;
use serde_json::{Value, json};

use super::{
    catalogue::Catalogue,
    draw::{Draw, running},
    places::{CITIES, City},
};
use crate::demo::data::{Ask, Requested};

/// Lines of an order.
pub(super) const BASKETS: [(f64, f64); 9] =
    [(0.0, 1.0), (0.05, 1.0), (0.1, 2.0), (0.25, 6.0), (0.5, 15.0), (0.75, 29.0), (0.9, 51.0), (0.95, 75.0), (1.0, 204.0)];
/// Units of a line.
pub(super) const QUANTITIES: [(f64, f64); 9] =
    [(0.0, 1.0), (0.25, 1.0), (0.5, 4.0), (0.75, 12.0), (0.9, 24.0), (0.95, 31.0), (0.99, 100.0), (0.999, 480.0), (1.0, 1_000.0)];
/// Hours between an order and its cancellation.
const SECOND_THOUGHTS: [(f64, f64); 6] = [(0.0, 0.02), (0.25, 0.07), (0.5, 0.18), (0.75, 2.6), (0.9, 22.7), (1.0, 24.0)];
/// Of a hundred orders: this many have something cancelled within a day, and this many have something sent back later.
const CANCELLED: f64 = 0.019;
const RETURNED: f64 = 0.16;
/// Orders of a day, by weekday from Monday; closed on Saturday.
const WEEK: [f64; 7] = [0.91, 1.06, 1.11, 1.31, 0.95, 0.0, 0.66];
/// When in the day: weights of the hours from six.
const HOURS: [f64; 15] = [0.1, 2.3, 35.8, 106.8, 176.1, 173.5, 227.7, 193.0, 171.2, 170.0, 89.8, 45.7, 15.3, 11.5, 1.3];
const FIRST_HOUR: usize = 6;

/// The moments at which orders come in, from the opening on, in order.
pub(super) fn arrivals(opening: Timestamp, orders: usize, orders_a_day: f64, draw: &mut Draw) -> Vec<Timestamp> {
    let hours = running(HOURS);
    let mut moments = Vec::with_capacity(orders);
    for day in 0_i64.. {
        let midnight = opening + SignedDuration::from_hours(24 * day);
        let weekday = midnight.to_zoned(jiff::tz::TimeZone::UTC).weekday().to_monday_zero_offset();
        let today = (orders_a_day * WEEK[usize::from(weekday.unsigned_abs())] * (0.8 + 0.4 * draw.unit())).round() as usize;
        let mut minutes: Vec<i64> = (0..today).map(|_| (60 * (FIRST_HOUR + draw.weighted(&hours)) + draw.below(60)) as i64).collect();
        minutes.sort_unstable();
        moments.extend(minutes.into_iter().map(|minute| midnight + SignedDuration::from_mins(minute)));
        if moments.len() >= orders {
            break;
        }
    }
    moments.truncate(orders);
    moments
}

/// An order placed at that moment.
///
/// # Errors
/// When the API would not take it, which is a mistake here.
pub(super) fn order(number: usize, placed_at: Timestamp, customers: usize, catalogue: &Catalogue, draw: &mut Draw) -> Result<PlacedOrder> {
    let order_id = (600_000 + number).to_string();
    let is_guest = draw.chance(0.08);
    let customer = if is_guest { format!("guest-{order_id}") } else { (12_000 + draw.below(customers)).to_string() };
    let City { name: city, country, latitude, longitude, .. } = &CITIES[home(&customer)];
    let body = json!({
        "order_id": order_id, "channel": if is_guest { "marketplace" } else { "web" }, "placed_at": placed_at, "currency": "GBP",
        "customer": {"customer_id": customer, "name": format!("Customer {customer}"), "email": format!("customer-{customer}@example.com")},
        "ship_to": {"name": format!("Customer {customer}"), "line1": "1 High Street", "city": city, "country": country,
            "latitude": latitude, "longitude": longitude},
        "shipping": {"method": if draw.chance(0.1) { "express" } else { "standard" }, "price_minor": 0},
        "payment": {"method": "card", "token": format!("tok_{customer}")},
        "lines": lines(catalogue, draw),
    });
    parse_order(body.to_string().as_bytes()).map_err(|problem| anyhow!("{problem:?}")).context("a generated order")
}

/// Where a customer lives follows from who they are: the same one orders from the same place.
fn home(customer: &str) -> usize {
    let seed = customer.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(131).wrapping_add(u64::from(byte)));
    Draw::new(seed).weighted(&running(CITIES.iter().map(|city| city.customers)))
}

fn lines(catalogue: &Catalogue, draw: &mut Draw) -> Vec<Value> {
    let wanted = draw.quantile(&BASKETS).round().max(1.0) as usize;
    let mut ranks = BTreeSet::new();
    while ranks.len() < wanted {
        ranks.insert(draw.weighted(&catalogue.popularity));
    }
    let line = |(number, rank): (usize, usize)| {
        let product = &catalogue.products[rank];
        let quantity = draw.quantile(&QUANTITIES).round().max(1.0) as u32;
        json!({"line_id": number.to_string(), "sku": product.sku, "quantity": quantity, "unit_price_minor": product.price_minor})
    };
    (1..).zip(ranks).map(line).collect()
}

/// What the order's customer asks for later, if anything.
pub(super) fn request(order: &PlacedOrder, draw: &mut Draw) -> Option<Requested> {
    let point = draw.unit();
    let (ask, hours) = match point {
        _ if point < CANCELLED => (Ask::Cancel, draw.quantile(&SECOND_THOUGHTS)),
        _ if point < CANCELLED + RETURNED => (Ask::Return, 24.0 * (2.0 + 28.0 * draw.unit())),
        _ => return None,
    };
    let line = &order.lines[draw.below(order.lines.len())];
    Some(Requested {
        request_id: format!("C-{}", order.order_id),
        order_id: order.order_id.clone(),
        at: order.placed_at + SignedDuration::from_secs((hours * 3_600.0) as i64),
        ask,
        lines: vec![LineUnits { line_id: line.line_id.to_string(), quantity: line.quantity }],
    })
}

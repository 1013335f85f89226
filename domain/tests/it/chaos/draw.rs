//! Commands drawn for the state that the order is in: mostly possible, sometimes absurd.

use oms_domain::{
    ids::{FulfillmentOrderId, ParcelId},
    order::{
        Answer, CarrierReport, Effect, Fact, FulfillmentRequest, Grant, HoldReason, LabelOutcome, Order, PackedParcel, RejectionReason,
        Request, SourceRequest, SourcedPackage, SourcingAnswer, WaitingPackage,
    },
    parcel::ParcelAction,
    payment::{Decline, OperationOutcome},
};

use crate::support::{Lines, at};

/// Picks one, if there is any.
pub fn pick<T: Clone>(from: &[T], draw: u32) -> Option<T> {
    from.get(usize::try_from(draw).ok()?.checked_rem(from.len())?).cloned()
}

/// Some of each line: none, a part, or all; a different part for different draws.
pub fn some_of(lines: &Lines, draw: u32) -> Lines {
    let part = |(n, (id, units)): (u32, (&oms_domain::ids::LineId, &u32))| {
        let draw = draw.rotate_left(7 * n) % (units + 2);
        (id.clone(), draw.min(*units))
    };
    (0..).zip(lines).map(part).filter(|(_, units)| *units > 0).collect()
}

fn less(lines: &Lines, gone: &Lines) -> Lines {
    let left = lines.iter().map(|(id, units)| (id.clone(), units - gone.get(id).unwrap_or(&0)));
    left.filter(|(_, units)| *units > 0).collect()
}

/// Sourcing finds two facilities, one or none; what is left waits.
pub fn sourced(request: &SourceRequest, whole: bool, a: u32, b: u32) -> Answer {
    let order_id = &request.order_id;
    let mut left = request.lines.clone();
    let mut answer = SourcingAnswer { round: request.round, packages: vec![], waiting: vec![] };
    let mut number = request.first_number;
    let mut next = || {
        number += 1;
        FulfillmentOrderId::of(order_id, number - 1)
    };
    for (draw, facility) in [(a, "WH-1"), (b, "WH-2")] {
        let lines = if whole && draw.is_multiple_of(2) { left.clone() } else { some_of(&left, draw) };
        if lines.is_empty() || (whole && lines != left) {
            continue;
        }
        left = less(&left, &lines);
        let facility_id = facility.parse().unwrap();
        answer.packages.push(SourcedPackage { fulfillment_order_id: next(), facility_id, group: 0, lines, ship_by: None });
    }
    if !left.is_empty() {
        let on_purpose = request.round == 1 && a.is_multiple_of(5);
        answer.waiting.push(WaitingPackage { fulfillment_order_id: next(), group: 0, lines: left, whole, on_purpose });
    }
    Answer::Sourced(answer)
}

/// What comes back for an effect; `draw` decides whether it went well.
pub fn answer(order: &Order, effect: &Effect, draw: u32, a: u32, b: u32) -> Answer {
    match effect {
        Effect::Source(request) => sourced(request, !order.core.allow_split, a, b),
        Effect::Pay(pay) => {
            let outcome = match draw % 16 {
                0 | 1 => OperationOutcome::Unknown,
                2 => OperationOutcome::Declined { decline: Decline::Soft, code: "insufficient_funds".into() },
                3 if a.is_multiple_of(3) => OperationOutcome::Declined { decline: Decline::Hard, code: "stolen".into() },
                _ => OperationOutcome::Succeeded { reference: pay.key(), expires_at: None },
            };
            Answer::Payment { payment_id: pay.payment_id.clone(), number: pay.number, outcome }
        }
        Effect::BookLabel(label) => {
            let outcome = match draw % 5 {
                0 => LabelOutcome::Refused { why: "no such street".into() },
                _ => LabelOutcome::Booked { carrier: "SIM".into(), tracking_number: format!("T-{}", label.parcel_id) },
            };
            Answer::Label { parcel_id: label.parcel_id.clone(), outcome }
        }
    }
}

/// The world's own answer: everything goes well.
pub fn good(order: &Order, effect: &Effect) -> Answer {
    match effect {
        Effect::Source(request) => sourced(request, !order.core.allow_split, 0, 0),
        Effect::Pay(_) | Effect::BookLabel(_) => answer(order, effect, 7, 1, 1),
    }
}

pub fn cancel(order: &Order, a: u32, b: u32, c: u32) -> Request {
    let live: Lines = order.lines.iter().map(|(id, line)| (id.clone(), line.ordered - line.cancelled)).collect();
    let lines = (!a.is_multiple_of(4)).then(|| some_of(&live, b));
    Request::Cancel { cancellation_id: format!("c{}", c % 12).parse().unwrap(), reason: "changed mind".into(), lines }
}

pub fn hold(order: &Order, a: u32, b: u32) -> Request {
    let known = pick(&order.holds, b).map(|hold| hold.hold_id);
    match known.filter(|_| !a.is_multiple_of(3)) {
        Some(hold_id) => Request::ReleaseHold { hold_id },
        None => {
            let expires_at = (b.is_multiple_of(2)).then(|| at(i64::from(b % 400_000)));
            Request::PlaceHold { hold_id: format!("h{}", a % 3).parse().unwrap(), reason: HoldReason::Other, expires_at }
        }
    }
}

fn reason(draw: u32) -> RejectionReason {
    let all = [RejectionReason::NotInStock, RejectionReason::Mismatch, RejectionReason::Damaged, RejectionReason::NoCapacity];
    pick(&all, draw).unwrap_or(RejectionReason::Other)
}

pub fn fulfillment(order: &Order, a: u32, b: u32, c: u32) -> Option<Request> {
    let found = pick(&order.fulfillment_orders, a)?;
    let half = some_of(&found.lines, b);
    let parcels = || match less(&found.lines, &half) {
        rest if rest.is_empty() || half.is_empty() => vec![],
        rest => [half.clone(), rest].map(|lines| PackedParcel { lines, weight_g: Some(b % 5_000) }).to_vec(),
    };
    let action = match c % 13 {
        0 => FulfillmentRequest::Release,
        1 => FulfillmentRequest::Accept,
        2 => FulfillmentRequest::Reject { reason: reason(b), lines: (!b.is_multiple_of(3)).then(|| half.clone()) },
        3 => FulfillmentRequest::StartPicking { picker: "p1".into() },
        4 => FulfillmentRequest::ShortPick { reason: reason(b), lines: half.clone() },
        5 => FulfillmentRequest::Pack { parcels: parcels() },
        6 => FulfillmentRequest::Unpack,
        7 | 8 => FulfillmentRequest::Ship { carrier: None, tracking_number: (b.is_multiple_of(3)).then(|| format!("T{}", b % 4)) },
        9 => FulfillmentRequest::Deliver,
        10 => FulfillmentRequest::AcceptCancellation,
        11 => FulfillmentRequest::RefuseCancellation,
        _ => FulfillmentRequest::Accept,
    };
    Some(Request::Fulfillment { fulfillment_order_id: found.fulfillment_order_id, action })
}

/// Grants for what waits, or once waited, in any quantity.
pub fn stock(order: &Order, a: u32, b: u32, c: u32) -> Fact {
    let grant = |n: u32| {
        let from = pick(&order.fulfillment_orders, a.rotate_right(n))?;
        let line_id = pick(&order.core.lines, b.rotate_right(n))?.line_id;
        let (grant_id, facility_id) = (format!("g{}", c.rotate_right(n) % 40), "WH-3".parse().ok()?);
        Some(Grant { grant_id, fulfillment_order_id: from.fulfillment_order_id, line_id, facility_id, quantity: 1 + b % 4 })
    };
    Fact::StockArrived { grants: (0..c % 3).filter_map(grant).collect() }
}

pub fn carrier(order: &Order, second: i64, a: u32, b: u32, c: u32) -> Option<Fact> {
    let parcels: Vec<_> = order.fulfillment_orders.iter().flat_map(|f| &f.parcels).cloned().collect();
    let tracking_number = pick(&parcels, a)?.tracking_number?;
    let actions: Vec<ParcelAction> =
        ParcelAction::ALL.iter().copied().filter(|action| ParcelAction::from_carrier_status(action.name()).is_some()).collect();
    let occurred_at = at(second - i64::from(c % 1_000));
    Some(Fact::Carrier(CarrierReport { event_id: format!("e{b}"), tracking_number, action: pick(&actions, b)?, occurred_at }))
}

/// An answer to a label that nobody asked for.
pub fn stray_label(order: &Order, a: u32) -> Option<Answer> {
    let parcels: Vec<ParcelId> = order.fulfillment_orders.iter().flat_map(|f| &f.parcels).map(|p| p.parcel_id.clone()).collect();
    Some(Answer::Label { parcel_id: pick(&parcels, a)?, outcome: LabelOutcome::Refused { why: "late".into() } })
}

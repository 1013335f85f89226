//! Commands drawn for the state that the order is in: mostly possible, sometimes absurd.

use oms_domain::{
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, ParcelId},
    order::{
        Answer, CarrierReport, Choice, CoreChange, CoreGroup, CoreLine, Credit, Effect, Fact, Finding, FulfillmentOrder,
        FulfillmentRequest, Grant, HoldReason, LabelFinding, LabelOutcome, LabelRequest, Order, PackedParcel, Parcel, Reallocation,
        RefundOf, RejectionReason, Request, Resolution, Short, SourceRequest, SourcedPackage, SourcingAnswer, Verdict, WaitingPackage,
    },
    parcel::{ParcelAction, ParcelStatus},
    payment::{Decline, OperationOutcome, operation_key},
    placed::{DeliveryMethod, PaymentMethod},
};

use super::{Lines, at, payment as instrument};

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
                _ => OperationOutcome::Succeeded { reference: pay.key(), expires_at: a.is_multiple_of(4).then(|| expiry(order, b)) },
            };
            Answer::Payment { payment_id: pay.payment_id.clone(), number: pay.number, outcome }
        }
        Effect::BookLabel(label) => {
            let outcome = match draw % 5 {
                0 => LabelOutcome::Refused { why: "no such street".into() },
                _ => LabelOutcome::Booked { carrier: "SIM".into(), tracking_number: format!("T-{}", label.parcel_id), tracking_url: None },
            };
            Answer::Label { parcel_id: label.parcel_id.clone(), attempt: label.attempt, outcome }
        }
        Effect::Screen(_) => {
            let verdict = [Verdict::Accepted, Verdict::Accepted, Verdict::Referred, Verdict::Declined][usize::try_from(draw % 4).unwrap()];
            Answer::Screened { verdict }
        }
        Effect::VoidLabel(label) => Answer::LabelVoided { parcel_id: label.parcel_id.clone() },
    }
}

/// An authorization lasts a week or so, or an hour, or was over before it came.
fn expiry(order: &Order, draw: u32) -> jiff::Timestamp {
    order.status_since + jiff::SignedDuration::from_hours(i64::from(draw % 248) - 24)
}

/// Refunds of a part, of units' exact share, of shipping, or of more than there is.
pub fn refund(order: &Order, a: u32, b: u32, c: u32) -> Request {
    if a.is_multiple_of(4) {
        let amount_minor = [order.refundable_shipping_minor(), i64::from(b % 700)][usize::try_from(b % 2).unwrap()];
        let (refund_id, reason) = (format!("s{}", c % 5).parse().unwrap(), "it came late".into());
        return Request::Refund { refund_id, amount_minor, reason, lines: None, of: RefundOf::Shipping };
    }
    let shipped: Lines = order.units().into_iter().map(|(id, units)| (id, u32::try_from(units.shipped).unwrap())).collect();
    let lines = a.is_multiple_of(3).then(|| some_of(&shipped, b));
    let exact = lines.as_ref().map(|lines| order.refund_share_minor(lines));
    let amount_minor = exact.unwrap_or(i64::from(b % 2_000));
    Request::Refund {
        refund_id: format!("r{}", c % 9).parse().unwrap(),
        amount_minor,
        reason: "goodwill".into(),
        lines,
        of: RefundOf::Order,
    }
}

/// Returns of what was delivered, or of what was not, some to pay for another order; settled with what came back, or with more. The
/// other order does not need all of it, or says so twice.
pub fn come_back(order: &Order, a: u32, b: u32, c: u32) -> Request {
    let known = draw_known(order, a).filter(|_| c.is_multiple_of(2));
    let return_id = known.unwrap_or_else(|| oms_domain::ids::ReturnId::of(&order.core.order_id, 1 + c % 6));
    let shipped: Lines = order.units().into_iter().map(|(id, units)| (id, u32::try_from(units.shipped).unwrap())).collect();
    let lines = some_of(&if a.is_multiple_of(3) { shipped } else { order.returnable(None) }, b);
    if let Some(found) = order.returned(&return_id) {
        let pays = found.credit.is_some();
        let release = || Request::ReleaseCredit { return_id: return_id.clone(), number: 1 + b % 3, amount_minor: i64::from(a % 900) };
        return if b.is_multiple_of(if pays { 2 } else { 3 }) { release() } else { Request::SettleReturn { return_id, lines } };
    }
    let worth_minor = order.refund_share_minor(&lines).min(order.refundable_minor());
    let credit = b.is_multiple_of(2).then(|| Credit::of("A1-X1".parse().unwrap(), (worth_minor - i64::from(a % 300)).max(1)));
    Request::OpenReturn { return_id, lines, credit }
}

/// A return that is known already.
fn draw_known(order: &Order, a: u32) -> Option<oms_domain::ids::ReturnId> {
    let known: Vec<_> = order.returns.iter().map(|known| known.return_id.clone()).collect();
    pick(&known, a)
}

/// The return that pays for the order has ended, and brought all, a part or nothing.
pub fn settle_credit(order: &Order, a: u32) -> Request {
    let all_minor = order.core.total_minor() / 2;
    let amount_minor = [all_minor, i64::from(a % 900).min(all_minor), 0][usize::try_from(a % 3).unwrap()];
    Request::SettleCredit { return_id: "B1-R1".parse().unwrap(), amount_minor }
}

/// Claims of what was delivered, or of what was not; approved, declined, or answered twice.
pub fn claim(order: &Order, a: u32, b: u32, c: u32) -> Request {
    let waiting = order.claims.iter().find(|claim| claim.status == oms_domain::order::ClaimStatus::Opened);
    let any = oms_domain::ids::ClaimId::of(&order.core.order_id, 1 + c % 6);
    let claim_id = waiting.filter(|_| b.is_multiple_of(2)).map_or(any, |claim| claim.claim_id.clone());
    match (order.claim(&claim_id), a % 3) {
        (Some(_), 0) => Request::ApproveClaim { claim_id },
        (Some(_), 1) => Request::DeclineClaim { claim_id, reason: "worn".into() },
        _ => Request::OpenClaim { claim_id, lines: some_of(&order.returnable(None), b), reason: "broken".into() },
    }
}

/// The first claim that waits for an answer is declined.
pub fn decline(order: &Order) -> Option<Request> {
    let open = order.claims.iter().find(|claim| claim.status == oms_domain::order::ClaimStatus::Opened)?;
    Some(Request::DeclineClaim { claim_id: open.claim_id.clone(), reason: "over".into() })
}

pub fn resolve(order: &Order, a: u32, b: u32) -> Option<Request> {
    let parcels: Vec<_> = order.fulfillment_orders.iter().flat_map(|f| &f.parcels).cloned().collect();
    let resolution = if b.is_multiple_of(2) { Resolution::Replace } else { Resolution::Refund };
    Some(Request::ResolveParcel { parcel_id: pick(&parcels, a)?.parcel_id, resolution })
}

pub fn decide_for(order: &Order, a: u32, b: u32) -> Option<Request> {
    let choice = if b.is_multiple_of(2) { Choice::Drop } else { Choice::Wait };
    Some(Request::Decide { decision_id: pick(&order.decisions, a)?.decision_id, choice })
}

/// Another card, or the one that was declined once more.
pub fn payment(order: &Order, a: u32, b: u32) -> Request {
    let known = pick(&order.payments, b).map(|p| instrument(p.payment_id.as_str(), p.method, p.amount_minor));
    let new = || instrument(&format!("p{}", b % 3), PaymentMethod::Card, i64::from(a % 5_000));
    Request::AddPayment { payment: known.filter(|_| a.is_multiple_of(2)).unwrap_or_else(new) }
}

/// A person says what became of an operation: of one that nobody knows of, or of any.
pub fn resolve_payment(order: &Order, a: u32, b: u32) -> Option<Request> {
    let payment = pick(&order.payments, a)?;
    let operation = payment.open_operation().cloned().or_else(|| pick(&payment.operations, b))?;
    let reference = operation_key(&order.core.order_id, &payment.payment_id, operation.number);
    let expires_at = b.is_multiple_of(3).then(|| expiry(order, b));
    let finding = if a.is_multiple_of(2) { Finding::Succeeded { reference, expires_at } } else { Finding::Failed };
    Some(Request::ResolvePayment { payment_id: payment.payment_id, number: operation.number, finding, reason: "looked it up".into() })
}

/// A person says what became of a label that the carrier was never heard to void.
pub fn label_given_up(order: &Order, b: u32) -> Option<Request> {
    let gave_up = |label: &LabelRequest| order.gave_up.contains_key(&Effect::VoidLabel(label.clone()).key());
    order.labels_to_void().into_iter().find(gave_up).map(|label| resolve_label(label.parcel_id, b))
}

/// The same of any label.
pub fn any_label(order: &Order, a: u32, b: u32) -> Option<Request> {
    let parcels: Vec<ParcelId> = order.fulfillment_orders.iter().flat_map(|f| &f.parcels).map(|p| p.parcel_id.clone()).collect();
    pick(&parcels, a).map(|parcel_id| resolve_label(parcel_id, b))
}

fn resolve_label(parcel_id: ParcelId, b: u32) -> Request {
    let outcome = if b.is_multiple_of(2) { LabelFinding::Voided } else { LabelFinding::Kept };
    Request::ResolveLabel { parcel_id, outcome, reason: "asked the carrier".into() }
}

pub fn retry(order: &Order, a: u32) -> Option<Request> {
    Some(Request::Retry { subject: pick(&order.attention, a)?.subject })
}

/// The world's own answer: everything goes well.
pub fn good(order: &Order, effect: &Effect) -> Answer {
    match effect {
        Effect::Source(request) => sourced(request, !order.core.allow_split, 0, 0),
        Effect::Screen(_) => Answer::Screened { verdict: Verdict::Accepted },
        Effect::Pay(_) | Effect::BookLabel(_) | Effect::VoidLabel(_) => answer(order, effect, 7, 1, 1),
    }
}

pub fn cancel(order: &Order, a: u32, b: u32, c: u32) -> Request {
    let live: Lines = order.lines.iter().map(|(id, line)| (id.clone(), line.ordered - line.cancelled)).collect();
    let lines = (!a.is_multiple_of(4)).then(|| some_of(&live, b));
    Request::Cancel { cancellation_id: format!("c{}", c % 12).parse().unwrap(), reason: "changed mind".into(), lines }
}

/// Other quantities, lines and destinations, of what can be changed and of what cannot; a set that is there already, now and then.
pub fn change(order: &Order, a: u32, b: u32, c: u32) -> Option<Request> {
    let known = pick(&order.changes, b).filter(|_| c.is_multiple_of(7));
    if let Some(known) = known {
        return Some(Request::Change { change_id: known.change_id, reason: known.reason, changes: known.changes, at_version: None });
    }
    let first = change_of(order, a, b)?;
    let second = if c.is_multiple_of(3) { change_of(order, b, a) } else { None };
    let changes = [Some(first), second].into_iter().flatten().collect();
    Some(Request::Change { change_id: format!("s{c}").parse().unwrap(), reason: "on second thoughts".into(), changes, at_version: None })
}

/// Whoever asked does not want it any more; what is asked for, or has been answered.
pub fn cancel_change(order: &Order, a: u32) -> Option<Request> {
    let known = order.open_change().filter(|_| !a.is_multiple_of(3)).cloned().or_else(|| pick(&order.change_requests, a));
    Some(Request::CancelChange { change_id: known?.change_id })
}

fn change_of(order: &Order, a: u32, b: u32) -> Option<CoreChange> {
    let line_id = pick(&order.core.lines, a >> 4)?.line_id;
    let free = if b.is_multiple_of(5) { b % 9 } else { 1 + b % order.changeable(&line_id).max(3) };
    let line = |quantity: u32| CoreLine {
        line_id: format!("n{}", b % 50).parse().unwrap(),
        sku: "SKU-9".parse().unwrap(),
        quantity,
        total_minor: i64::from(b % 3_000),
        group: 0,
        fulfill_at: None,
    };
    Some(match a % 8 {
        0 | 1 => CoreChange::Increase { line_id, quantity: b % 5, due_minor: i64::from(b % 2_000) },
        2 | 3 => CoreChange::Decrease { line_id, quantity: free },
        4 => CoreChange::Remove { line_id },
        5 => CoreChange::Add { line: line(1 + b % 4) },
        6 => CoreChange::Substitute { line_id, by: line(free) },
        _ if b.is_multiple_of(2) => CoreChange::Redirect { group: 0, address_flaw: None },
        _ => {
            let to =
                if order.core.groups[0].method == DeliveryMethod::Express { DeliveryMethod::Standard } else { DeliveryMethod::Express };
            // The old price, a dearer one, none at all.
            let price_minor = [None, Some(i64::from(b % 2_000)), Some(0)][a as usize / 8 % 3];
            CoreChange::Method { group: 0, to: CoreGroup { method: to, pickup_facility_id: None, address_flaw: None, price_minor } }
        }
    })
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
    let live: Vec<_> = found.parcels.iter().filter(|p| p.status != ParcelStatus::Voided).map(|p| p.parcel_id.clone()).collect();
    let parcel = pick(&live, b);
    let code_hash = (!a.is_multiple_of(3)).then(|| format!("hash-{}", b % 2));
    let ship = |number: bool| FulfillmentRequest::Ship { carrier: None, tracking_number: number.then(|| format!("T{}", b % 4)) };
    let ship_one = || FulfillmentRequest::ShipParcels { parcels: parcel.clone().into_iter().collect() };
    let reject = || FulfillmentRequest::Reject { reason: reason(b), lines: (!b.is_multiple_of(3)).then(|| half.clone()) };
    let short = || FulfillmentRequest::ShortPick { reason: reason(b), lines: half.clone() };
    let lost = || FulfillmentRequest::MarkLost { parcels: parcel.clone().into_iter().filter(|_| b.is_multiple_of(2)).collect() };
    let pack = || FulfillmentRequest::Pack { parcels: parcels() };
    let ready = || FulfillmentRequest::Ready { code_hash: code_hash.clone() };
    let handover = || FulfillmentRequest::Handover { code_hash: code_hash.clone() };
    let pick_up = || FulfillmentRequest::StartPicking { picker: "p1".into() };
    use FulfillmentRequest::{Accept, AcceptCancellation, AcceptChange, Deliver, NoShow, RefuseCancellation, Release, Unpack, Unship};
    let refuse_change = || FulfillmentRequest::RefuseChange { reason: b.is_multiple_of(2).then(|| "it is wrapped already".into()) };
    let anything = vec![Release, Accept, reject(), pick_up(), short(), pack(), Unpack, ship(false), ship(true), ship_one(), Unship];
    let apart = || FulfillmentRequest::Split { lines: half.clone() };
    let away =
        || FulfillmentRequest::Move { facility_id: b.is_multiple_of(2).then(|| "WH-2".parse().unwrap()), consented: a.is_multiple_of(2) };
    let together = || {
        let other = pick(&order.fulfillment_orders, b).map_or_else(|| found.fulfillment_order_id.clone(), |f| f.fulfillment_order_id);
        FulfillmentRequest::Merge { other }
    };
    let anything = [anything, vec![apart(), away(), together()]].concat();
    let anything = [anything, vec![ready(), handover(), NoShow, Deliver, lost(), AcceptCancellation, RefuseCancellation]].concat();
    let anything = [anything, vec![AcceptChange, refuse_change()]].concat();
    if order.is_asked(&found) && c.is_multiple_of(4) {
        let action = if b.is_multiple_of(4) { refuse_change() } else { AcceptChange };
        return Some(Request::Fulfillment { fulfillment_order_id: found.fulfillment_order_id, action });
    }
    let likely = match found.status {
        FulfillmentStatus::Released => vec![Accept, pick_up(), reject(), ship(false), apart(), together(), away()],
        FulfillmentStatus::Accepted => vec![pick_up(), pick_up(), ship(true), reject(), AcceptCancellation],
        FulfillmentStatus::Picking => vec![pack(), pack(), short(), ready(), ship(false), RefuseCancellation],
        FulfillmentStatus::Packed => vec![ship(false), ship(true), ship_one(), ship_one(), ready(), Unpack, AcceptCancellation],
        FulfillmentStatus::ReadyForPickup => vec![handover(), NoShow, AcceptCancellation, RefuseCancellation],
        FulfillmentStatus::Shipped => vec![Deliver, Unship, lost()],
        FulfillmentStatus::Scheduled | FulfillmentStatus::Open | FulfillmentStatus::Backordered => vec![Release, apart(), together()],
        FulfillmentStatus::PickedUp | FulfillmentStatus::Incomplete | FulfillmentStatus::Cancelled => vec![],
    };
    let action = pick(&likely, c / 3).filter(|_| !c.is_multiple_of(3)).or_else(|| pick(&anything, c / 3))?;
    Some(Request::Fulfillment { fulfillment_order_id: found.fulfillment_order_id, action })
}

/// A pool wants units elsewhere: of what no facility knows of yet, or of anything, all of it or a part, in one place or two.
pub fn exchange(order: &Order, a: u32, b: u32) -> Option<Request> {
    let unknown = |f: &&FulfillmentOrder| f.status == FulfillmentStatus::Open || a.is_multiple_of(8);
    let found = pick(&order.fulfillment_orders.iter().filter(unknown).cloned().collect::<Vec<_>>(), a)?;
    let units = if b.is_multiple_of(2) { found.lines.clone() } else { some_of(&found.lines, b) };
    let part = if b.is_multiple_of(3) { some_of(&units, a) } else { Lines::new() };
    let arriving = [("WH-2", less(&units, &part)), ("WH-3", part)].into_iter().filter(|(_, lines)| !lines.is_empty());
    let arriving = arriving.map(|(id, lines)| (id.parse().unwrap(), lines)).collect();
    let (pool_id, leaving) = (format!("p{}", a % 7), [(found.fulfillment_order_id, units)].into());
    Some(Request::Reallocate(Reallocation { pool_id, leaving, arriving }))
}

/// Grants and offers for what waits, or once waited, in any quantity.
pub fn stock(order: &Order, a: u32, b: u32, c: u32) -> Fact {
    let grant = |n: u32| {
        let from = pick(&order.fulfillment_orders, a.rotate_right(n))?;
        let line_id = pick(&order.core.lines, b.rotate_right(n))?.line_id;
        let (grant_id, facility_id) = (format!("g{}", c.rotate_right(n) % 40), "WH-3".parse().ok()?);
        Some(Grant { grant_id, fulfillment_order_id: from.fulfillment_order_id, line_id, facility_id, quantity: 1 + b % 4 })
    };
    Fact::StockArrived { grants: (0..c % 3).filter_map(grant).collect(), offers: (3..3 + c / 3 % 2).filter_map(grant).collect() }
}

/// Shorts of what is there, or was, in any quantity.
pub fn short(order: &Order, a: u32, b: u32, c: u32) -> Option<Fact> {
    let found = pick(&order.fulfillment_orders, a)?;
    let line_id = pick(&order.core.lines, b)?.line_id;
    let short_id = format!("s{}", c % 40);
    Some(Fact::StockShorted {
        shorts: vec![Short { short_id, fulfillment_order_id: found.fulfillment_order_id, line_id, quantity: 1 + b % 4 }],
    })
}

/// More time for something that is waited for, or not.
pub fn extend(order: &Order, second: i64, a: u32, b: u32) -> Option<Request> {
    let known = pick(&order.deadlines(), a)?;
    Some(Request::ExtendDeadline { wait: known.wait, subject: known.subject, until: at(second + i64::from(b % 900_000)) })
}

pub fn carrier(order: &Order, second: i64, a: u32, b: u32, c: u32) -> Option<Fact> {
    let parcels: Vec<_> = order.fulfillment_orders.iter().flat_map(|f| &f.parcels).cloned().collect();
    let tracking_number = pick(&parcels, a)?.tracking_number?;
    let actions: Vec<ParcelAction> =
        ParcelAction::ALL.iter().copied().filter(|action| ParcelAction::from_carrier_status(action.name()).is_some()).collect();
    // Late by some minutes or by days, or ahead of the hour.
    let occurred_at = at(match c % 8 {
        0 => second + i64::from(c % 40_000),
        1 => second - i64::from(c % 300_000),
        _ => second - i64::from(c % 1_000),
    });
    Some(Fact::Carrier(CarrierReport { event_id: format!("e{b}"), tracking_number, action: pick(&actions, b)?, occurred_at }))
}

/// An effect could not be done: this time, or the one before.
pub fn gave_up(order: &Order, effect: &Effect, draw: u32) -> Answer {
    let (effect, back) = (effect.key(), u32::from(draw.is_multiple_of(4)));
    let attempt = order.attempt(&effect).saturating_sub(back);
    Answer::GaveUp { effect, attempt, why: "it is down".into() }
}

/// An answer to a label that nobody asked for.
pub fn stray_label(order: &Order, a: u32) -> Option<Answer> {
    let parcels: Vec<Parcel> = order.fulfillment_orders.iter().flat_map(|f| &f.parcels).cloned().collect();
    let Parcel { parcel_id, label_attempts, .. } = pick(&parcels, a)?;
    let attempt = label_attempts.saturating_sub(a % 2);
    Some(Answer::Label { parcel_id, attempt, outcome: LabelOutcome::Refused { why: "late".into() } })
}

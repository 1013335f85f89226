//! A record of everything that is kept, out of random lives, for the kinds that have none in the files yet.

use std::collections::BTreeMap;

use oms_domain::{
    bulk::{Bulk, BulkCore, Operation, OrderOutcome, Task},
    carried::{Carried, CarriedLine},
    change::{Change, ChangeSet},
    error::{ErrorCode, Rejection},
    order::{Event, HoldReason, LabelFinding, Order},
    parcel::ParcelAction,
    placed::{
        Address, Customer, DeliveryGroup, DeliveryMethod, Destination, Discount, Instrument, PaymentMethod, PlacedLine, PlacedOrder,
        Position,
    },
    returns::{self, Disposition, Return, Verdict},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    model,
    returns::support::{House, came, judge, receive},
    support::{at, core},
};

/// Enough that everything has happened that can.
const LIVES: u32 = 4_000;

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

pub fn one(value: &impl Serialize) -> BTreeMap<String, String> {
    [("one".to_owned(), json(value))].into()
}

pub fn order_events() -> BTreeMap<String, String> {
    let mut samples = BTreeMap::new();
    let (parcel_id, reason) = ("A1-F1-P1".parse().unwrap(), "asked the carrier".into());
    let rare = Event::LabelResolved { parcel_id, outcome: LabelFinding::Kept, reason };
    for event in model::lived(LIVES).flat_map(|world| world.events()).chain([rare]) {
        samples.entry(event.kind().to_owned()).or_insert_with(|| json(&event));
    }
    samples
}

/// The names along the way to what it is: `request/fulfillment/pack`, `answer/payment`.
pub fn kind_of_command(command: &Value) -> String {
    let Some(map) = command.as_object() else { return command.as_str().unwrap_or_default().to_owned() };
    let word = |name: &str| map.get(name).and_then(Value::as_str);
    match (word("request"), word("action"), map.get("request")) {
        (Some(request), Some(action), _) if request == "fulfillment" => format!("{request}/{action}"),
        (Some(request), _, _) => request.to_owned(),
        (None, _, Some(inner)) => kind_of_command(inner),
        // An answer or a fact: the first of what is in it names it.
        _ => map.iter().map(|(key, inner)| format!("{key}/{}", first_name(inner))).collect(),
    }
}

fn first_name(value: &Value) -> &str {
    value.as_object().and_then(|map| map.keys().next()).map_or_else(|| value.as_str().unwrap_or_default(), String::as_str)
}

fn by_kind<T: Serialize>(commands: impl Iterator<Item = T>) -> BTreeMap<String, String> {
    let mut samples = BTreeMap::new();
    for command in commands {
        let kind = kind_of_command(&serde_json::to_value(&command).unwrap());
        samples.entry(kind).or_insert_with(|| json(&command));
    }
    samples
}

pub fn order_commands() -> BTreeMap<String, String> {
    by_kind(model::lived(LIVES).flat_map(|world| world.sent()))
}

/// A return that meets everything on its way but a refusal, and the events of those that do not get so far.
pub fn return_events() -> BTreeMap<String, String> {
    let mut samples = BTreeMap::new();
    let refusal = Rejection::new(ErrorCode::RefusedByRule, "line 1: 3 units cannot come back, 2 can");
    let rare = [
        returns::Event::OrderRefused { refusal },
        returns::Event::ReturnDeclined { reason: "worn".into() },
        returns::Event::ReturnCancelled { reason: "keeps it".into() },
        returns::Event::ReturnLabelVoided,
        returns::Event::ReturnLabelResolved { outcome: LabelFinding::Kept, reason: "asked the carrier".into() },
        returns::Event::GoodsScanned { action: ParcelAction::Deliver, occurred_at: at(9) },
        returns::Event::GoodsLost { assumed: true },
        returns::Event::WaitingStopped,
        returns::Event::CreditTold,
        returns::Event::RefundFailed { why: "closed".into() },
        returns::Event::RefundRetried,
        returns::Event::ReturnExpired,
        returns::Event::DeadlineExtended { wait: returns::Wait::Sending, subject: "A1-R1".into(), until: at(9) },
        returns::Event::AttentionRaised { subject: "label".into(), why: "no such street".into() },
        returns::Event::AttentionResolved { subject: "label".into() },
    ];
    for event in came_back().events.into_iter().chain(rare) {
        samples.entry(event.kind().to_owned()).or_insert_with(|| json(&event));
    }
    samples
}

fn came_back() -> House {
    let mut house = House::delivered(core(&[4]));
    let n = house.opened(&[("1", 2)]);
    let scan = returns::CarrierMove { action: ParcelAction::Transit, occurred_at: at(50) };
    house.must(n, &returns::Command::Carrier(scan));
    house.ask(n, receive("d1", vec![came("1", 2)])).unwrap();
    let judged = vec![judge("1", 1, Verdict::Accepted, Disposition::Restock), judge("1", 1, Verdict::Rejected, Disposition::SendBack)];
    house.ask(n, returns::Request::Inspect { judged }).unwrap();
    house.obey(n);
    house
}

pub fn return_commands() -> BTreeMap<String, String> {
    by_kind(came_back().absorbed.into_iter().map(|(_, command)| command))
}

pub fn a_return() -> Return {
    came_back().returns.remove(0)
}

/// The richest of some lives.
pub fn order() -> Order {
    model::lived(LIVES / 10).map(|world| world.order).max_by_key(|order| json(order).len()).unwrap()
}

pub fn bulk() -> Bulk {
    let bulk_id = "b1".parse().unwrap();
    let core = BulkCore { bulk_id, selected: 12, orders_per_second: 5, started_at: at(0), pause_ms: 1_000 };
    Bulk { cursor: Some("A1".parse().unwrap()), why: Some("it is down".into()), ..Bulk::new(core) }
}

pub fn bulk_tasks() -> BTreeMap<String, String> {
    let hold_id = || "h1".parse().unwrap();
    let operations = [
        Operation::Cancel,
        Operation::Hold { hold_id: hold_id(), reason: HoldReason::HighRiskOfFraud, expires_at: Some(at(9)) },
        Operation::Release { hold_id: hold_id() },
        Operation::ReleaseFor { reason: HoldReason::Other },
        Operation::Move { from: "WH-1".parse().unwrap(), to: None, consented: true },
    ];
    let task = |operation| Task { bulk_id: "b1".parse().unwrap(), operation, reason: "flooded".into() };
    let tasks = operations.into_iter().map(task);
    tasks.map(|task| (serde_json::to_value(&task).unwrap()["operation"]["kind"].to_string(), json(&task))).collect()
}

pub fn bulk_outcome() -> OrderOutcome {
    OrderOutcome::refused(&Rejection::new(ErrorCode::OrderClosed, "the order is completed"))
}

fn address() -> Address {
    Address {
        name: "Ada Lovelace".into(),
        line1: "12 St James's Square".into(),
        line2: None,
        city: "London".into(),
        region: None,
        postal_code: Some("SW1Y 4JH".into()),
        country: "GB".into(),
        phone: None,
        position: Some(Position { latitude: 51.5, longitude: -0.1 }),
    }
}

fn line(id: &str) -> PlacedLine {
    PlacedLine {
        line_id: id.parse().unwrap(),
        sku: "SKU-1".parse().unwrap(),
        quantity: 2,
        unit_price_minor: 765,
        tax_minor: 0,
        discount_minor: 30,
        delivery_group: 0,
        fulfill_at: Some(at(50)),
        substitutes: vec!["SKU-2".parse().unwrap()],
        unfilled_penalty_minor: None,
        carried: CarriedLine::default(),
    }
}

pub fn placed() -> PlacedOrder {
    PlacedOrder {
        order_id: "A1".parse().unwrap(),
        channel: "web".into(),
        placed_at: at(0),
        currency: "GBP".parse().unwrap(),
        customer: Customer { customer_id: "C1".parse().unwrap(), name: "Ada Lovelace".into(), email: Some("ada@example.com".into()) },
        delivery_groups: vec![DeliveryGroup {
            delivery_group: "default".into(),
            method: DeliveryMethod::Standard,
            destination: Destination::Address(address()),
            price_minor: 300,
            tax_minor: 0,
            discount_minor: 0,
        }],
        payments: vec![Instrument {
            payment_id: "1".parse().unwrap(),
            method: PaymentMethod::GiftCard,
            amount_minor: 1_790,
            token: Some("tok_1".into()),
            three_d_secure: None,
            authorization: None,
        }],
        lines: vec![line("1")],
        discounts: vec![Discount { code: "TENOFF1".into(), amount_minor: 10 }],
        taxes_included: true,
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

pub fn change_set() -> ChangeSet {
    let line_id = || "1".parse().unwrap();
    let changes = vec![
        Change::Increase { line_id: line_id(), quantity: 1 },
        Change::Decrease { line_id: line_id(), quantity: 1 },
        Change::Remove { line_id: line_id() },
        Change::Add { line: line("2") },
        Change::Substitute { line_id: line_id(), by: line("3") },
        Change::Address { group: 0, ship_to: address() },
        Change::Method { group: 0, method: DeliveryMethod::Express, pickup_facility_id: None, ship_to: None, price_minor: Some(900) },
    ];
    ChangeSet { change_id: "s1".parse().unwrap(), reason: "on second thoughts".into(), changes }
}

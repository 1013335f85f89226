//! A month of a shop, drawn: orders of three channels and two currencies, from four facilities, through the rules themselves. Most go well; some
//! are declined, split, rejected, picked short, cancelled, short of stock, late, returned or claimed, and carriers tell some things late.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use oms_domain::{
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, LineId, OrderId, ReturnId},
    order::{
        Answer, Beginning, CarrierReport, Command, CoreGroup, CoreLine, CorePayment, Effect, Event, Fact, FulfillmentOrder,
        FulfillmentRequest, Grant, LabelOutcome, Lines, Order, OrderCore, PackedParcel, RejectionReason, Request, SourceRequest,
        SourcedPackage, SourcingAnswer, Verdict, WaitingPackage, decide,
    },
    parcel::ParcelAction,
    payment::{Decline, OperationOutcome},
    placed::{DeliveryMethod, PaymentMethod},
    policy::Policy,
};

/// An order of the month: how it began, and what happened.
#[derive(Clone)]
pub struct Told {
    pub beginning: Beginning,
    pub events: Vec<(Event, Timestamp)>,
}

pub const CHANNELS: [&str; 3] = ["web", "shop", "marketplace"];
pub const FACILITIES: [&str; 4] = ["WH-1", "WH-2", "STORE-1", "STORE-2"];
const CURRENCIES: [&str; 2] = ["GBP", "EUR"];
/// Longest life that is told.
const STEPS: u32 = 80;

/// Numbers that follow from a seed (splitmix64).
pub struct Draw(pub u64);

impl Draw {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.next() % u64::from(end)).unwrap()
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.next() % all.len() as u64).unwrap()]
    }
}

/// So many orders, placed over the five weeks around the change to summer time of 2026 in Europe, and shortly after that of America.
pub fn month(seed: u64, orders: u32) -> Vec<Told> {
    let begins: Timestamp = "2026-03-05T00:00:00Z".parse().unwrap();
    (0..orders)
        .map(|n| {
            let mut draw = Draw(seed.wrapping_mul(1_000_003).wrapping_add(u64::from(n)));
            let placed_at = begins + SignedDuration::from_secs(i64::from(draw.below(35 * 24 * 3_600)));
            Life::new(core(n, placed_at, &mut draw), draw).live()
        })
        .collect()
}

fn core(n: u32, placed_at: Timestamp, draw: &mut Draw) -> OrderCore {
    let line = |n: u32, draw: &mut Draw| CoreLine {
        line_id: LineId::parse((n + 1).to_string()).unwrap(),
        sku: format!("SKU-{}", draw.below(20)).parse().unwrap(),
        quantity: 1 + draw.below(4),
        total_minor: 100 + i64::from(draw.below(5_000)),
        group: 0,
        fulfill_at: None,
    };
    let lines: Vec<CoreLine> = (0..1 + draw.below(3)).map(|n| line(n, draw)).collect();
    let shipping_minor = i64::from(draw.below(500));
    let total_minor = lines.iter().map(|line| line.total_minor).sum::<i64>() + shipping_minor;
    let promised = placed_at.to_zoned(TimeZone::UTC).date().checked_add(jiff::Span::new().days(i64::from(2 + draw.below(5)))).unwrap();
    OrderCore {
        order_id: OrderId::parse(format!("M{n}")).unwrap(),
        channel: draw.of(&CHANNELS).to_owned(),
        customer_id: "C1".parse().unwrap(),
        placed_at,
        received_at: placed_at + SignedDuration::from_secs(i64::from(draw.below(900))),
        currency: draw.of(&CURRENCIES).parse().unwrap(),
        lines,
        groups: vec![CoreGroup {
            method: DeliveryMethod::Standard,
            pickup_facility_id: None,
            address_flaw: None,
            price_minor: Some(shipping_minor),
        }],
        payments: vec![CorePayment {
            payment_id: "1".parse().unwrap(),
            method: PaymentMethod::Card,
            amount_minor: total_minor,
            authorization: None,
        }],
        order_level_minor: shipping_minor,
        shipping_minor,
        requested_delivery_date: Some(promised).filter(|_: &Date| !draw.one_in(3)),
        allow_split: true,
        allow_backorder: true,
        cancel_after: None,
        exchange: None,
    }
}

struct Life {
    beginning: Beginning,
    order: Order,
    events: Vec<(Event, Timestamp)>,
    now: Timestamp,
    draw: Draw,
    sent: u32,
}

impl Life {
    fn new(core: OrderCore, draw: Draw) -> Self {
        let policy = Policy { fraud_check: core.order_id.as_str().ends_with('7'), ..Policy::default() };
        let now = core.received_at;
        let order = Order::new(core.clone(), policy.clone());
        Self { beginning: Beginning { core, policy }, order, events: Vec::new(), now, draw, sent: 0 }
    }

    fn live(mut self) -> Told {
        self.send(Command::Place);
        // Some are still on their way when the month is told.
        let steps = if self.draw.one_in(8) { self.draw.below(STEPS) } else { STEPS };
        for _ in 0..steps {
            if self.order.is_closed() {
                break;
            }
            self.step();
        }
        if self.draw.one_in(6) {
            self.come_back();
        }
        Told { beginning: self.beginning, events: self.events }
    }

    fn send(&mut self, command: Command) -> bool {
        let Ok(decided) = decide(&self.order, &command, self.now) else { return false };
        for event in decided.events {
            self.order.evolve(&event, self.now);
            self.events.push((event, self.now));
        }
        self.order.commands = decided.state.commands;
        true
    }

    fn ask(&mut self, request: Request) -> bool {
        self.sent += 1;
        self.send(Command::Request { command_id: format!("c{}", self.sent), request })
    }

    fn pass(&mut self, minutes: u32) {
        self.now += SignedDuration::from_secs(i64::from(self.draw.below(minutes * 60)));
    }

    fn step(&mut self) {
        if let Some(effect) = self.order.pending_effects().first().cloned() {
            self.pass(20);
            let answer = self.answer(&effect);
            self.send(Command::Answer(answer));
            return;
        }
        self.pass(600);
        if self.draw.one_in(40) {
            return self.cancel();
        }
        let found = self.order.fulfillment_orders.iter().find(|found| is_workable(found)).cloned();
        if found.is_some_and(|found| self.work(&found)) {
            return;
        }
        if let Some(due) = self.order.deadlines().first().map(|deadline| deadline.due) {
            self.now = self.now.max(due);
            self.send(Command::Tick);
        }
    }

    fn answer(&mut self, effect: &Effect) -> Answer {
        match effect {
            Effect::Source(request) => Answer::Sourced(self.sourced(request)),
            Effect::Pay(pay) => {
                let outcome = match self.draw.below(30) {
                    0 => OperationOutcome::Declined { decline: Decline::Hard, code: "stolen".into() },
                    1 | 2 => OperationOutcome::Declined { decline: Decline::Soft, code: "insufficient_funds".into() },
                    3 => OperationOutcome::Unknown,
                    _ => OperationOutcome::Succeeded { reference: pay.key(), expires_at: None },
                };
                Answer::Payment { payment_id: pay.payment_id.clone(), number: pay.number, outcome }
            }
            Effect::BookLabel(label) => Answer::Label {
                parcel_id: label.parcel_id.clone(),
                attempt: label.attempt,
                outcome: LabelOutcome::Booked {
                    carrier: "SIM".into(),
                    tracking_number: format!("T-{}", label.parcel_id),
                    tracking_url: None,
                },
            },
            Effect::Screen(_) => Answer::Screened { verdict: Verdict::Accepted },
            Effect::VoidLabel(label) => Answer::LabelVoided { parcel_id: label.parcel_id.clone() },
        }
    }

    fn sourced(&mut self, request: &SourceRequest) -> SourcingAnswer {
        let (mut here, mut there, mut waiting) = (Lines::new(), Lines::new(), Lines::new());
        for (id, units) in &request.lines {
            let to = match self.draw.below(8) {
                0 => &mut there,
                1 => &mut waiting,
                _ => &mut here,
            };
            to.insert(id.clone(), *units);
        }
        let mut numbers = request.first_number..;
        let mut next = || FulfillmentOrderId::of(&request.order_id, numbers.next().unwrap());
        let mut answer = SourcingAnswer { round: request.round, packages: vec![], waiting: vec![] };
        for lines in [here, there].into_iter().filter(|lines| !lines.is_empty()) {
            let ship_by = (!self.draw.one_in(6)).then(|| self.now + SignedDuration::from_hours(i64::from(6 + self.draw.below(60))));
            let facility_id = self.draw.of(&FACILITIES).parse().unwrap();
            answer.packages.push(SourcedPackage { fulfillment_order_id: next(), facility_id, group: 0, lines, ship_by });
        }
        if !waiting.is_empty() {
            answer.waiting.push(WaitingPackage { fulfillment_order_id: next(), group: 0, lines: waiting, whole: false, on_purpose: false });
        }
        answer
    }

    /// What is next with a fulfillment order; false: nothing is possible.
    fn work(&mut self, found: &FulfillmentOrder) -> bool {
        use FulfillmentRequest as F;
        let some: Lines = found.lines.iter().take(1).map(|(id, _)| (id.clone(), 1)).collect();
        let action = match found.status {
            FulfillmentStatus::Backordered => return self.grant(found),
            FulfillmentStatus::Released => match self.draw.below(14) {
                0 => F::Reject { reason: RejectionReason::NoCapacity, lines: None },
                1 => F::Reject { reason: RejectionReason::NotInStock, lines: Some(some) },
                2 if found.units() > 1 => F::Split { lines: some },
                3 => F::Ship { carrier: None, tracking_number: None },
                _ => F::Accept,
            },
            FulfillmentStatus::Accepted => F::StartPicking { picker: "p".into() },
            FulfillmentStatus::Picking => match self.draw.below(16) {
                0 => F::ShortPick { reason: RejectionReason::NotInStock, lines: some },
                1 if found.units() > 1 => F::Split { lines: some },
                2..6 if found.units() > 1 => F::Pack { parcels: in_two(found, &some) },
                _ => F::Pack { parcels: vec![] },
            },
            FulfillmentStatus::Packed => F::Ship { carrier: None, tracking_number: None },
            FulfillmentStatus::Shipped => return self.carry(found),
            FulfillmentStatus::Scheduled | FulfillmentStatus::Open | FulfillmentStatus::Incomplete => return false,
            FulfillmentStatus::ReadyForPickup | FulfillmentStatus::PickedUp | FulfillmentStatus::Cancelled => return false,
        };
        self.ask(Request::Fulfillment { fulfillment_order_id: found.fulfillment_order_id.clone(), action })
    }

    fn grant(&mut self, found: &FulfillmentOrder) -> bool {
        self.pass(3 * 24 * 60);
        let facility_id = self.draw.of(&FACILITIES);
        let grant = |(id, units): (&LineId, &u32)| Grant {
            grant_id: format!("{}:{id}", found.fulfillment_order_id),
            fulfillment_order_id: found.fulfillment_order_id.clone(),
            line_id: id.clone(),
            facility_id: facility_id.parse().unwrap(),
            quantity: *units,
        };
        self.send(Command::Fact(Fact::StockArrived { grants: found.lines.iter().map(grant).collect(), offers: vec![] }))
    }

    /// The carrier tells of some parcels on their way, of some too late, and of a few that they were lost.
    fn carry(&mut self, found: &FulfillmentOrder) -> bool {
        self.sent += 1;
        if self.draw.one_in(12) {
            let action = FulfillmentRequest::Unship;
            if self.ask(Request::Fulfillment { fulfillment_order_id: found.fulfillment_order_id.clone(), action }) {
                return true;
            }
        }
        let Some(parcel) = found.parcels.iter().find(|parcel| parcel.status.is_in_transit()) else { return false };
        let action = match self.draw.below(12) {
            0..5 => ParcelAction::Transit,
            5 => ParcelAction::HandOver,
            6 if parcel.reported_at.is_some() => ParcelAction::Lose,
            _ => ParcelAction::Deliver,
        };
        let late = SignedDuration::from_secs(if self.draw.one_in(4) { i64::from(self.draw.below(40 * 3_600)) } else { 0 });
        let report = CarrierReport {
            event_id: format!("e{}", self.sent),
            tracking_number: parcel.tracking_number.clone().unwrap(),
            action,
            occurred_at: self.now - late,
        };
        self.send(Command::Fact(Fact::Carrier(report)))
    }

    fn cancel(&mut self) {
        let live = self.order.lines.iter().map(|(id, line)| (id.clone(), line.ordered.saturating_sub(line.cancelled)));
        let some: Lines = live.filter(|(_, units)| *units > 0).take(1).collect();
        let lines = if self.draw.one_in(2) { None } else { Some(some) };
        let cancellation_id = format!("x{}", self.sent).parse().unwrap();
        self.ask(Request::Cancel { cancellation_id, reason: "changed mind".into(), lines });
    }

    fn come_back(&mut self) {
        let lines: Lines = self.order.returnable(None).into_iter().take(1).collect();
        if lines.is_empty() {
            return;
        }
        self.pass(10 * 24 * 60);
        let return_id = ReturnId::of(&self.order.core.order_id, 1);
        self.ask(Request::OpenReturn { return_id: return_id.clone(), lines: lines.clone(), credit: None });
        self.pass(5 * 24 * 60);
        self.ask(Request::SettleReturn { return_id, lines });
        for _ in 0..6 {
            let Some(effect) = self.order.pending_effects().first().cloned() else { break };
            self.pass(20);
            let answer = self.answer(&effect);
            self.send(Command::Answer(answer));
        }
    }
}

/// Some units in one parcel, and the others in another.
fn in_two(found: &FulfillmentOrder, some: &Lines) -> Vec<PackedParcel> {
    let rest = found.lines.iter().map(|(id, units)| (id.clone(), units - some.get(id).copied().unwrap_or(0)));
    let rest: Lines = rest.filter(|(_, units)| *units > 0).collect();
    [some.clone(), rest].map(|lines| PackedParcel { lines, weight_g: None }).into()
}

fn is_workable(found: &FulfillmentOrder) -> bool {
    match found.status {
        FulfillmentStatus::Backordered | FulfillmentStatus::Released | FulfillmentStatus::Accepted | FulfillmentStatus::Picking => true,
        FulfillmentStatus::Packed => !found.ship_requested,
        FulfillmentStatus::Shipped => found.parcels.iter().any(|parcel| parcel.status.is_in_transit()),
        FulfillmentStatus::Scheduled | FulfillmentStatus::Open | FulfillmentStatus::Incomplete => false,
        FulfillmentStatus::ReadyForPickup | FulfillmentStatus::PickedUp | FulfillmentStatus::Cancelled => false,
    }
}

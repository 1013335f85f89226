//! Builders: an order in three words.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use oms_domain::{
    error::Rejection,
    fulfillment::FulfillmentStatus,
    ids::{FulfillmentOrderId, LineId},
    order::{
        Answer, Command, CoreGroup, CoreLine, CorePayment, Effect, Event, FulfillmentOrder, FulfillmentRequest, LabelOutcome, Order,
        OrderCore, Request, SourcedPackage, SourcingAnswer, Verdict, Wait, WaitingPackage, decide,
    },
    payment::{Decline, OperationOutcome},
    placed::{DeliveryMethod, PaymentMethod},
    policy::Policy,
    taken::Decided,
};

pub type Lines = BTreeMap<LineId, u32>;

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_291_192_000 + second).unwrap()
}

/// `("1", 2)` for two units of line 1.
pub fn lines<const N: usize>(units: [(&str, u32); N]) -> Lines {
    units.into_iter().map(|(id, units)| (id.parse().unwrap(), units)).collect()
}

pub fn payment(id: &str, method: PaymentMethod, amount_minor: i64) -> CorePayment {
    CorePayment { payment_id: id.parse().unwrap(), method, amount_minor, authorization: None }
}

/// An order over 15.30 GBP a line and 3.00 shipping, paid by card, with the given quantities on lines 1, 2, ...
pub fn core(quantities: &[u32]) -> OrderCore {
    let line = |(n, quantity): (usize, &u32)| CoreLine {
        line_id: LineId::parse(format!("{}", n + 1)).unwrap(),
        sku: format!("SKU-{}", n + 1).parse().unwrap(),
        quantity: *quantity,
        total_minor: 1_530,
        group: 0,
        fulfill_at: None,
    };
    let lines: Vec<CoreLine> = quantities.iter().enumerate().map(line).collect();
    let order_level_minor = 300;
    let total_minor = lines.iter().map(|l| l.total_minor).sum::<i64>() + order_level_minor;
    OrderCore {
        order_id: "A1".parse().unwrap(),
        channel: "web".into(),
        customer_id: "C1".parse().unwrap(),
        placed_at: at(0),
        received_at: at(0),
        currency: "GBP".parse().unwrap(),
        lines,
        groups: vec![CoreGroup {
            method: DeliveryMethod::Standard,
            pickup_facility_id: None,
            address_flaw: None,
            price_minor: Some(order_level_minor),
        }],
        payments: vec![payment("1", PaymentMethod::Card, total_minor)],
        order_level_minor,
        shipping_minor: order_level_minor,
        requested_delivery_date: None,
        allow_split: true,
        allow_backorder: true,
        cancel_after: None,
        exchange: None,
    }
}

/// An id that no command has.
pub fn new_id() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("test:{}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// A request of its own: under an id that nobody has used.
pub fn anew(request: Request) -> Command {
    Command::Request { command_id: new_id(), request }
}

/// An order with a clock; each command takes a second.
pub struct Run {
    pub order: Order,
    pub events: Vec<Event>,
    pub second: i64,
}

impl Run {
    pub fn placed(core: OrderCore) -> Self {
        Self::under(core, Policy::default())
    }

    pub fn under(core: OrderCore, policy: Policy) -> Self {
        let mut run = Self { order: Order::new(core, policy), events: Vec::new(), second: 0 };
        run.must(&Command::Place);
        run
    }

    /// Sourced in full, paid, and released to its facility.
    pub fn released(core: OrderCore) -> Self {
        let mut run = Self::placed(core);
        run.source(|_, units| units);
        run.obey();
        run
    }

    pub fn send(&mut self, command: &Command) -> Result<Vec<Event>, Rejection> {
        self.second += 1;
        let now = at(self.second);
        let Decided { state, events } = decide(&self.order, command, now)?;
        events.iter().for_each(|event| self.order.evolve(event, now));
        self.order.commands = state.commands.clone();
        assert_eq!(self.order, state, "its events say otherwise: {command:?}");
        assert!(self.order.units().values().all(|units| units.add_up()), "{command:?} loses units: {:?}", self.order.units());
        self.events.extend(events.clone());
        Ok(events)
    }

    pub fn must(&mut self, command: &Command) -> Vec<Event> {
        self.send(command).unwrap_or_else(|refusal| panic!("{command:?}: {refusal:?}"))
    }

    pub fn fulfill(&mut self, n: u32, action: FulfillmentRequest) -> Result<Vec<Event>, Rejection> {
        let fulfillment_order_id = self.fo(n);
        self.send(&anew(Request::Fulfillment { fulfillment_order_id, action }))
    }

    pub fn ship(&mut self, n: u32) -> Result<Vec<Event>, Rejection> {
        self.fulfill(n, FulfillmentRequest::Ship { carrier: None, tracking_number: None })
    }

    pub fn cancel(&mut self, id: &str, lines: Option<Lines>) -> Result<Vec<Event>, Rejection> {
        let cancellation_id = id.parse().unwrap();
        self.send(&anew(Request::Cancel { cancellation_id, reason: "changed mind".into(), lines }))
    }

    pub fn fo(&self, n: u32) -> FulfillmentOrderId {
        FulfillmentOrderId::of(&self.order.core.order_id, n)
    }

    pub fn found(&self, n: u32) -> &FulfillmentOrder {
        self.order.fulfillment_order(&self.fo(n)).unwrap_or_else(|| panic!("no F{n}: {:?}", self.order.fulfillment_orders))
    }

    pub fn status(&self, n: u32) -> FulfillmentStatus {
        self.found(n).status
    }

    /// Lets time pass until the soonest deadline, and gives it its default.
    pub fn wait(&mut self) {
        let due = self.order.deadlines().first().expect("nothing to wait for").due;
        self.second += due.duration_since(at(self.second)).as_secs().max(0) + 1;
        self.must(&Command::Tick);
    }

    /// Lets deadlines pass until this one has.
    pub fn wait_for(&mut self, wait: Wait) {
        while self.order.deadlines().first().expect("nothing to wait for").wait != wait {
            self.wait();
        }
        self.wait();
    }

    /// Answers the pending sourcing: what `take` leaves of each line waits.
    pub fn source(&mut self, take: impl Fn(&LineId, u32) -> u32) {
        let effects = self.order.pending_effects();
        let Some(Effect::Source(request)) = effects.iter().find(|e| matches!(e, Effect::Source(_))) else { panic!("nothing to source") };
        let taken: Lines = request.lines.iter().map(|(id, q)| (id.clone(), take(id, *q))).filter(|(_, q)| *q > 0).collect();
        let left: Lines =
            request.lines.iter().map(|(id, q)| (id.clone(), q - taken.get(id).unwrap_or(&0))).filter(|(_, q)| *q > 0).collect();
        let mut number = request.first_number;
        let mut answer = SourcingAnswer { round: request.round, packages: vec![], waiting: vec![] };
        if !taken.is_empty() {
            let (fulfillment_order_id, facility_id) = (self.fo(number), format!("WH-{}", request.round).parse().unwrap());
            answer.packages.push(SourcedPackage { fulfillment_order_id, facility_id, group: 0, lines: taken, ship_by: None });
            number += 1;
        }
        if !left.is_empty() {
            let fulfillment_order_id = self.fo(number);
            answer.waiting.push(WaitingPackage { fulfillment_order_id, group: 0, lines: left, whole: false, on_purpose: false });
        }
        self.must(&Command::Answer(Answer::Sourced(answer)));
    }

    /// Answers the pending sourcing with one waiting fulfillment order that nothing but the whole may fill.
    pub fn source_waiting_whole(&mut self) {
        let effects = self.order.pending_effects();
        let Some(Effect::Source(request)) = effects.iter().find(|e| matches!(e, Effect::Source(_))) else { panic!("nothing to source") };
        let (fulfillment_order_id, lines) = (self.fo(request.first_number), request.lines.clone());
        let waiting = vec![WaitingPackage { fulfillment_order_id, group: 0, lines, whole: true, on_purpose: false }];
        self.must(&Command::Answer(Answer::Sourced(SourcingAnswer { round: request.round, packages: vec![], waiting })));
    }

    /// Answers every pending payment operation with success, and every label with a number.
    pub fn obey(&mut self) {
        self.obey_while(|effect| !matches!(effect, Effect::Source(_)));
    }

    /// The same, but for the operations of one instrument.
    pub fn obey_but(&mut self, instrument: &str) {
        let others = |effect: &Effect| !matches!(effect, Effect::Pay(pay) if pay.payment_id.as_str() == instrument);
        self.obey_while(|effect| !matches!(effect, Effect::Source(_)) && others(effect));
    }

    /// The same, but for the labels.
    pub fn obey_but_labels(&mut self) {
        self.obey_while(|effect| !matches!(effect, Effect::Source(_) | Effect::BookLabel(_) | Effect::VoidLabel(_)));
    }

    pub fn obey_labels(&mut self) {
        self.obey_while(|effect| matches!(effect, Effect::BookLabel(_)));
    }

    fn obey_while(&mut self, heed: impl Fn(&Effect) -> bool) {
        while let Some(effect) = self.order.pending_effects().into_iter().find(&heed) {
            self.must(&match effect {
                Effect::Pay(pay) => Command::Answer(Answer::Payment {
                    payment_id: pay.payment_id.clone(),
                    number: pay.number,
                    outcome: OperationOutcome::Succeeded { reference: pay.key(), expires_at: None },
                }),
                Effect::BookLabel(label) => Command::Answer(Answer::Label {
                    parcel_id: label.parcel_id.clone(),
                    attempt: label.attempt,
                    outcome: LabelOutcome::Booked {
                        carrier: "SIM".into(),
                        tracking_number: format!("T-{}", label.parcel_id),
                        tracking_url: None,
                    },
                }),
                Effect::Screen(_) => Command::Answer(Answer::Screened { verdict: Verdict::Accepted }),
                Effect::VoidLabel(label) => Command::Answer(Answer::LabelVoided { parcel_id: label.parcel_id.clone() }),
                Effect::Source(_) => unreachable!(),
            });
        }
    }

    /// The gateway's answer to an instrument's open operation.
    pub fn gateway(&mut self, payment: &str, outcome: OperationOutcome) {
        let payment_id = payment.parse().unwrap();
        let found = self.order.payments.iter().find(|p| p.payment_id == payment_id).unwrap();
        let number = found.open_operation().expect("nothing is under way").number;
        self.must(&Command::Answer(Answer::Payment { payment_id, number, outcome }));
    }
}

pub fn declined(decline: Decline) -> OperationOutcome {
    OperationOutcome::Declined { decline, code: "do_not_honor".into() }
}

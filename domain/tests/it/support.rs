//! Builders: an order in three words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::{
    ids::{FulfillmentOrderId, LineId},
    order::{
        Answer, Command, CoreGroup, CoreLine, CorePayment, Effect, Event, FulfillmentRequest, LabelOutcome, Order, OrderCore, Request,
        SourcedPackage, SourcingAnswer, WaitingPackage, decide,
    },
    payment::OperationOutcome,
    placed::{DeliveryMethod, PaymentMethod},
    policy::Policy,
};

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_291_192_000 + second).unwrap()
}

/// An order over 15.30 GBP and 3.00 shipping a line, paid by card, with the given quantities on lines 1, 2, ...
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
        currency: "GBP".parse().unwrap(),
        lines,
        groups: vec![CoreGroup { method: DeliveryMethod::Standard, pickup_facility_id: None }],
        payments: vec![CorePayment {
            payment_id: "1".parse().unwrap(),
            method: PaymentMethod::Card,
            amount_minor: total_minor,
            authorization: None,
        }],
        order_level_minor,
        requested_delivery_date: None,
        allow_split: true,
        allow_backorder: true,
        cancel_after: None,
    }
}

/// An order with a clock; each command takes a second.
pub struct Run {
    pub order: Order,
    pub events: Vec<Event>,
    pub second: i64,
}

impl Run {
    pub fn placed(core: OrderCore) -> Self {
        let mut run = Self { order: Order::new(core, Policy::default()), events: Vec::new(), second: 0 };
        run.must(&Command::Place);
        run
    }

    pub fn send(&mut self, command: &Command) -> Result<Vec<Event>, oms_domain::error::Rejection> {
        self.second += 1;
        let events = decide(&self.order, command, at(self.second))?;
        for event in &events {
            self.order.evolve(event, at(self.second));
        }
        assert!(self.order.units().values().all(|units| units.add_up()), "{command:?} loses units: {:?}", self.order.units());
        self.events.extend(events.clone());
        Ok(events)
    }

    pub fn must(&mut self, command: &Command) -> Vec<Event> {
        self.send(command).unwrap_or_else(|refusal| panic!("{command:?}: {refusal:?}"))
    }

    pub fn fulfill(&mut self, n: u32, action: FulfillmentRequest) -> Result<Vec<Event>, oms_domain::error::Rejection> {
        let fulfillment_order_id = self.fo(n);
        self.send(&Command::Request(Request::Fulfillment { fulfillment_order_id, action }))
    }

    pub fn fo(&self, n: u32) -> FulfillmentOrderId {
        FulfillmentOrderId::of(&self.order.core.order_id, n)
    }

    /// Answers the pending sourcing: what `take` leaves of each line waits.
    pub fn source(&mut self, take: impl Fn(&LineId, u32) -> u32) {
        let effects = self.order.pending_effects();
        let Some(Effect::Source(request)) = effects.iter().find(|e| matches!(e, Effect::Source(_))) else { panic!("nothing to source") };
        let taken: BTreeMap<LineId, u32> = request.lines.iter().map(|(id, q)| (id.clone(), take(id, *q))).filter(|(_, q)| *q > 0).collect();
        let left: BTreeMap<LineId, u32> =
            request.lines.iter().map(|(id, q)| (id.clone(), q - taken.get(id).unwrap_or(&0))).filter(|(_, q)| *q > 0).collect();
        let mut number = request.first_number;
        let mut answer = SourcingAnswer { round: request.round, packages: vec![], waiting: vec![] };
        if !taken.is_empty() {
            let facility_id = "WH-1".parse().unwrap();
            answer.packages.push(SourcedPackage {
                fulfillment_order_id: self.fo(number),
                facility_id,
                group: 0,
                lines: taken,
                ship_by: None,
            });
            number += 1;
        }
        if !left.is_empty() {
            let fulfillment_order_id = self.fo(number);
            answer.waiting.push(WaitingPackage { fulfillment_order_id, group: 0, lines: left, whole: false, on_purpose: false });
        }
        self.must(&Command::Answer(Answer::Sourced(answer)));
    }

    /// Answers every pending payment operation with success, and every label with a number.
    pub fn obey(&mut self) {
        while let Some(effect) = self.order.pending_effects().into_iter().find(|e| !matches!(e, Effect::Source(_))) {
            self.must(&match effect {
                Effect::Pay(pay) => Command::Answer(Answer::Payment {
                    payment_id: pay.payment_id.clone(),
                    number: pay.number,
                    outcome: OperationOutcome::Succeeded { reference: pay.key(), expires_at: None },
                }),
                Effect::BookLabel(label) => Command::Answer(Answer::Label {
                    parcel_id: label.parcel_id.clone(),
                    outcome: LabelOutcome::Booked { carrier: "SIM".into(), tracking_number: format!("T-{}", label.parcel_id) },
                }),
                Effect::Source(_) => unreachable!(),
            });
        }
    }
}

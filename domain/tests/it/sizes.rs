//! The largest order there may be: 2,000 lines over 24 facilities. Its bytes are a design limit, not a surprise.

use std::time::{Duration, Instant};

use oms_domain::{
    error::ErrorCode,
    ids::LineId,
    order::{
        Answer, Command, CoreLine, Effect, Event, FulfillmentRequest, LabelOutcome, ORDER_MAX_BYTES, Order, OrderCore, RefundOf, Request,
        SourcedPackage, SourcingAnswer, decide,
    },
    payment::OperationOutcome,
    policy::Policy,
    taken::Decided,
};

use serde::Serialize;

use crate::support::{Run, anew, at, core};

const LINES: u32 = 2_000;
const FACILITIES: u32 = 24;
/// DynamoDB's limit for an item, and the largest payload that Temporal takes.
const ITEM_MAX_BYTES: usize = 400_000;
const PAYLOAD_MAX_BYTES: usize = 2_000_000;

/// Lines with ids and SKUs of the length that shops use; each is split over two facilities.
fn largest() -> OrderCore {
    let line = |n: u32| CoreLine {
        line_id: LineId::parse(format!("{n}")).unwrap(),
        sku: format!("{:05}-{:04}", 85_123 + n, n).parse().unwrap(),
        quantity: 2,
        total_minor: 12_345,
        group: 0,
        fulfill_at: None,
    };
    let mut core = core(&[1]);
    core.lines = (1..=LINES).map(line).collect();
    core.order_id = "2010-12-01-536365".parse().unwrap();
    core.payments[0].amount_minor = core.total_minor();
    core
}

/// The largest of everything so far.
#[derive(Debug, Default)]
struct Most {
    command_bytes: usize,
    document_bytes: usize,
    event_bytes: usize,
    /// What one record carries: the document, its events and the stock's targets.
    record_bytes: usize,
    step: Duration,
}

struct Largest {
    order: Order,
    second: i64,
    most: Most,
}

fn bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).unwrap().len()
}

impl Largest {
    #[expect(clippy::disallowed_methods, reason = "a stopwatch beside the rules, not in them")]
    fn send(&mut self, command: &Command) {
        self.second += 1;
        let (started, since) = (Instant::now(), self.order.version);
        let Decided { state, events } = decide(&self.order, command, at(self.second)).unwrap();
        self.order = state;
        let targets = self.order.stock_targets_since(since);
        let _ = (self.order.pending_effects(), self.order.deadlines());
        self.most.step = self.most.step.max(started.elapsed());
        let (document_bytes, events_bytes) = (bytes(&self.order), bytes(&events));
        self.most.command_bytes = self.most.command_bytes.max(bytes(command));
        self.most.document_bytes = self.most.document_bytes.max(document_bytes);
        self.most.event_bytes = events.iter().map(bytes).max().unwrap_or(0).max(self.most.event_bytes);
        self.most.record_bytes = self.most.record_bytes.max(document_bytes + events_bytes + bytes(&targets));
        assert!(self.order.units().values().all(|units| units.add_up()));
    }

    fn started() -> Self {
        let order = Order::new(largest(), Policy::default());
        let mut run = Self { order, second: 0, most: Most::default() };
        run.send(&Command::Place);
        run.source();
        run.obey();
        assert_eq!(run.order.fulfillment_orders.len(), 24);
        run
    }

    /// Asks the same of every facility.
    fn fulfill_all(&mut self, action: &FulfillmentRequest) {
        for id in self.order.fulfillment_orders.iter().map(|f| f.fulfillment_order_id.clone()).collect::<Vec<_>>() {
            let (fulfillment_order_id, action) = (id, action.clone());
            self.send(&anew(Request::Fulfillment { fulfillment_order_id, action }));
            self.obey();
        }
    }

    /// Says what was measured, and that it is within the limits of the two stores.
    fn within_limits(&self, document_max_bytes: usize) {
        println!("{:?}", self.most);
        let Most { command_bytes, document_bytes, event_bytes, record_bytes, step } = self.most;
        assert!(document_bytes < document_max_bytes, "the document has {document_bytes} bytes");
        assert!(command_bytes.max(event_bytes) < ITEM_MAX_BYTES, "{:?}", self.most);
        assert!(record_bytes < PAYLOAD_MAX_BYTES, "a record has {record_bytes} bytes");
        // Far above what it takes, and far below what anything quadratic would: a step in this profile, on a loaded machine.
        assert!(step < Duration::from_secs(1), "{step:?}");
    }

    fn source(&mut self) {
        let package = |n: u32| SourcedPackage {
            fulfillment_order_id: oms_domain::ids::FulfillmentOrderId::of(&self.order.core.order_id, n + 1),
            facility_id: format!("WH-{n}").parse().unwrap(),
            group: 0,
            lines: (1..=LINES)
                .filter(|line| [line % FACILITIES, (line + 1) % FACILITIES].contains(&n))
                .map(|line| (format!("{line}").parse().unwrap(), 1))
                .collect(),
            ship_by: Some(at(86_400)),
        };
        let packages = (0..FACILITIES).map(package).collect();
        self.send(&Command::Answer(Answer::Sourced(SourcingAnswer { round: 1, packages, waiting: vec![] })));
    }

    fn obey(&mut self) {
        while let Some(effect) = self.order.pending_effects().into_iter().next() {
            self.send(&Command::Answer(match effect {
                Effect::Source(_) => unreachable!("everything was found"),
                Effect::Pay(pay) => Answer::Payment {
                    payment_id: pay.payment_id.clone(),
                    number: pay.number,
                    outcome: OperationOutcome::Succeeded { reference: pay.key(), expires_at: None },
                },
                Effect::BookLabel(label) => Answer::Label {
                    outcome: LabelOutcome::Booked { carrier: "SIM".into(), tracking_number: format!("T-{}", label.parcel_id) },
                    attempt: label.attempt,
                    parcel_id: label.parcel_id,
                },
                Effect::Screen(_) => unreachable!("nobody is screened here"),
                Effect::VoidLabel(label) => Answer::LabelVoided { parcel_id: label.parcel_id },
            }));
        }
    }
}

#[test]
fn an_order_of_2000_lines_over_24_facilities_stays_small_and_quick_to_its_end() {
    let mut run = Largest::started();
    run.fulfill_all(&FulfillmentRequest::Ship { carrier: None, tracking_number: None });
    run.fulfill_all(&FulfillmentRequest::Deliver);
    assert!(run.order.is_closed(), "{}", run.order.status);
    assert_eq!(run.order.net_captured_minor(), run.order.core.total_minor());
    run.within_limits(ITEM_MAX_BYTES);
}

#[test]
fn cancelling_it_while_24_facilities_pick_stays_within_a_payload() {
    let mut run = Largest::started();
    run.fulfill_all(&FulfillmentRequest::Accept);
    run.send(&anew(Request::Cancel { cancellation_id: "c".parse().unwrap(), reason: "changed mind".into(), lines: None }));
    // Nobody answers, so the deadline answers for all 24 at once.
    run.second += 86_400;
    run.send(&Command::Tick);
    run.obey();
    assert!(run.order.is_closed(), "{}", run.order.status);
    // The document is compressed or split beyond an item's size; the record must still be one payload.
    run.within_limits(PAYLOAD_MAX_BYTES);
}

#[test]
fn an_order_grows_to_its_bound_and_is_then_brought_to_its_end() {
    let mut run = Run::released(core(&[100]));
    run.ship(1).unwrap();
    run.obey();
    let refund = |n: usize| {
        let (refund_id, reason) = (format!("r{n}").parse().unwrap(), "because ".repeat(10_000));
        anew(Request::Refund { refund_id, amount_minor: 1, reason, lines: None, of: RefundOf::Order })
    };
    let asked = (0..).map(|n| run.send(&refund(n))).take_while(Result::is_ok).count();
    assert!(asked > 1 && bytes(&run.order) <= ORDER_MAX_BYTES, "{asked} refunds, {} bytes", bytes(&run.order));
    assert_eq!(run.send(&refund(asked)).unwrap_err().code, ErrorCode::OrderTooLarge);
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    run.obey();
    assert!(run.order.is_closed());
}

#[test]
fn a_cancellation_is_recorded_once_however_many_facilities_answer_it() {
    let mut run = Largest::started();
    run.fulfill_all(&FulfillmentRequest::Accept);
    run.send(&anew(Request::Cancel { cancellation_id: "c".parse().unwrap(), reason: "changed mind".into(), lines: None }));
    let asked: u32 = run.order.cancellations[0].requested.values().sum();
    run.second += 86_400;
    let answered = decide(&run.order, &Command::Tick, at(run.second)).unwrap();
    assert!(!answered.events.iter().any(|event| matches!(event, Event::CancellationRecorded(_))));
    let record = &answered.state.cancellations[0];
    assert_eq!((record.cancelled.values().sum::<u32>(), record.requested.len()), (asked, 0));
}

#[test]
fn grants_that_were_seen_long_ago_are_forgotten_and_the_latest_never() {
    let mut order = Order::new(core(&[1]), Policy::default());
    for n in 0..3_000 {
        order.evolve(&Event::GrantsSeen { grant_ids: vec![format!("g{n}")] }, at(n));
    }
    assert_eq!(order.grants_seen.len(), 1_000);
    assert!((2_000..3_000).all(|n| order.grants_seen.contains_key(&format!("g{n}"))));
    let many: Vec<String> = (0..3_000).map(|n| format!("at-once-{n}")).collect();
    let before = order.version;
    order.evolve(&Event::GrantsSeen { grant_ids: many }, at(3_000));
    assert_eq!(order.grants_seen_since(before).len(), 3_000, "a record is still to keep these");
}

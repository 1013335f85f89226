//! The largest order there may be: 2,000 lines over 24 facilities. Its bytes are a design limit, not a surprise.

use std::time::{Duration, Instant};

use oms_domain::{
    error::{ErrorCode, Rejection},
    ids::LineId,
    order::{
        Answer, CarrierReport, Command, CoreLine, Effect, Event, Fact, FulfillmentRequest, LabelOutcome, ORDER_MAX_BYTES, Order, OrderCore,
        PackedParcel, RefundOf, RejectionReason, Request, Resolution, SourcedPackage, SourcingAnswer, decide,
    },
    parcel::ParcelAction,
    payment::OperationOutcome,
    policy::Policy,
    taken::Decided,
};

use serde::Serialize;

use crate::support::{Run, anew, at, core, lines};

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
                    outcome: LabelOutcome::Booked {
                        carrier: "SIM".into(),
                        tracking_number: format!("T-{}", label.parcel_id),
                        tracking_url: None,
                    },
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

/// An order whose one fulfillment order has all 2,000 lines, at one facility.
fn at_one_facility() -> Run {
    let mut run = Run::released(largest());
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    run
}

/// Does it over and over; how often it could be done before the order was too large. What is recorded then is still one payload.
fn until_it_is_too_large(run: &mut Run, mut round: impl FnMut(&mut Run) -> Result<(), Rejection>) -> usize {
    for rounds in 0..3_000 {
        match round(run) {
            Ok(()) => assert!(bytes(&run.order) < PAYLOAD_MAX_BYTES * 3 / 4, "{rounds} rounds: {} bytes", bytes(&run.order)),
            Err(refusal) => {
                assert_eq!(refusal.code, ErrorCode::OrderTooLarge, "{rounds} rounds: {refusal:?}");
                assert!(refusal.message.contains("cancelled as a whole"), "{refusal:?}");
                return rounds;
            }
        }
    }
    panic!("nothing stops it: {} bytes", bytes(&run.order))
}

fn last(run: &Run) -> u32 {
    run.order.fulfillment_orders.last().unwrap().fulfillment_order_id.number().unwrap()
}

#[test]
fn packing_and_unpacking_a_large_order_ends_and_it_ships() {
    let mut run = at_one_facility();
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    let rounds = until_it_is_too_large(&mut run, |run| {
        run.fulfill(1, FulfillmentRequest::Pack { parcels: vec![] })?;
        run.fulfill(1, FulfillmentRequest::Unpack).map(drop)
    });
    println!("packed and unpacked {rounds} times");
    assert!(rounds > 20, "{rounds} rounds");
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    assert!(run.order.is_closed());
}

#[test]
fn shipping_and_unshipping_a_large_order_ends_and_what_is_packed_ships() {
    let mut run = at_one_facility();
    let rounds = until_it_is_too_large(&mut run, |run| {
        run.ship(1)?;
        run.obey();
        run.fulfill(1, FulfillmentRequest::Unship)?;
        run.obey();
        Ok(())
    });
    println!("shipped and unshipped {rounds} times");
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    run.obey();
    assert!(run.order.is_closed());
}

#[test]
fn moving_a_large_order_about_ends_and_it_is_cancelled() {
    let mut run = Run::released(largest());
    let rounds = until_it_is_too_large(&mut run, |run| {
        run.fulfill(last(run), FulfillmentRequest::Move { facility_id: None, consented: false })?;
        run.source(|_, units| units);
        Ok(())
    });
    println!("moved {rounds} times");
    let back = FulfillmentRequest::Reject { reason: RejectionReason::Other, lines: None };
    assert_eq!(run.fulfill(last(&run), back).unwrap_err().code, ErrorCode::OrderTooLarge, "nor is it given back for ever");
    run.cancel("c", None).unwrap();
    run.obey();
    assert!(run.order.is_closed());
}

#[test]
fn sending_a_large_order_again_and_again_ends_and_it_is_paid_back() {
    let mut run = Run::released(largest());
    let lost = |run: &Run| run.order.fulfillment_orders.iter().flat_map(|f| &f.parcels).last().unwrap().parcel_id.clone();
    let rounds = until_it_is_too_large(&mut run, |run| {
        let number = last(run);
        run.ship(number)?;
        run.obey();
        let parcel_id = lost(run);
        let report = |action, n: i64| CarrierReport {
            event_id: format!("{action:?} {parcel_id}"),
            tracking_number: format!("T-{parcel_id}"),
            action,
            occurred_at: at(run.second + n),
        };
        let (handed_over, lost) = (report(ParcelAction::HandOver, 0), report(ParcelAction::Lose, 1));
        run.must(&Command::Fact(Fact::Carrier(handed_over)));
        run.must(&Command::Fact(Fact::Carrier(lost)));
        run.send(&anew(Request::ResolveParcel { parcel_id, resolution: Resolution::Replace }))?;
        run.source(|_, units| units);
        Ok(())
    });
    println!("sent again {rounds} times");
    run.must(&anew(Request::ResolveParcel { parcel_id: lost(&run), resolution: Resolution::Refund }));
    run.obey();
    assert!(run.order.is_closed() && run.order.net_captured_minor() == 0);
}

#[test]
fn a_fulfillment_order_has_so_many_parcels_and_no_more() {
    let mut run = Run::released(core(&[400]));
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    let parcels = vec![PackedParcel { lines: lines([("1", 1)]), weight_g: None }; 400];
    run.fulfill(1, FulfillmentRequest::Pack { parcels: parcels.clone() }).unwrap();
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Unship).unwrap();
    run.obey();
    run.ship(1).unwrap();
    run.obey();
    assert_eq!(run.fulfill(1, FulfillmentRequest::Unship).unwrap_err().code, ErrorCode::RefusedByRule, "it would be packed anew");
    assert!(run.found(1).parcels.len() <= 1_000);
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    assert!(run.order.is_closed());
}

//! Nothing with a price leaves before somebody answers for it, whatever was added to what; and what is held stays.

use oms_domain::{
    error::ErrorCode,
    fulfillment::FulfillmentStatus,
    order::{CoreChange, Event, FulfillmentRequest, HoldReason, OrderCore, OrderStatus, Request, Wait},
    payment::{Decline, OperationOutcome},
    placed::{DeliveryMethod, PaymentMethod},
};

use crate::{
    changes::{change, ends_paid, express, less, line, more},
    support::{Run, anew, core, declined, payment},
};

/// A replacement or a gift: no instrument, and nothing to pay.
fn free(quantities: &[u32]) -> OrderCore {
    let mut free = core(quantities);
    free.lines.iter_mut().for_each(|line| line.total_minor = 0);
    (free.order_level_minor, free.payments) = (0, vec![]);
    free
}

fn awaited(run: &Run) -> bool {
    run.order.holds.iter().any(|hold| hold.reason == HoldReason::AwaitingPayment)
}

/// Everything that was released ships, if it may; what is not covered does not.
fn ship_what_may(run: &mut Run) {
    let released =
        |run: &Run| run.order.fulfillment_orders.iter().filter(|f| f.status == FulfillmentStatus::Released).cloned().collect::<Vec<_>>();
    for found in released(run) {
        let legal = run.order.legal_actions(&found).contains(&"ship");
        let shipped = run.ship(found.fulfillment_order_id.number().unwrap());
        assert_eq!(shipped.is_ok(), legal, "{shipped:?}");
        run.obey();
    }
}

#[test]
fn what_is_added_to_a_free_order_waits_for_a_payment_and_the_order_comes_to_its_end() {
    let substitute = || CoreChange::Substitute { line_id: "2".parse().unwrap(), by: line("3", 1, 5_000) };
    let kinds: Vec<Vec<CoreChange>> = vec![
        vec![CoreChange::Add { line: line("3", 1, 5_000) }],
        vec![more("1", 1, 5_000)],
        vec![substitute()],
        vec![express(Some(5_300))],
        vec![less("2", 1), more("1", 2, 5_000)],
    ];
    for changes in kinds {
        let mut run = Run::released(free(&[1, 2]));
        assert_eq!(run.order.status, OrderStatus::Processing, "nothing is due");
        let what = format!("{changes:?}");
        change(&mut run, "c", changes).unwrap();
        assert_eq!((awaited(&run), run.order.shortfall_minor()), (true, 5_000), "{what}");
        while run.order.pending_effects().iter().any(|effect| matches!(effect, oms_domain::order::Effect::Source(_))) {
            run.source(|_, units| units);
        }
        ship_what_may(&mut run);
        assert_eq!(run.order.uncaptured_minor(), 0, "{what}: it left and nobody pays");
        assert!(run.order.deadlines().iter().any(|known| known.wait == Wait::HoldReview), "{what}: nobody is told");
        run.must(&anew(Request::AddPayment { payment: payment("card", PaymentMethod::Card, 5_000) }));
        run.obey();
        assert!(!awaited(&run), "{what}");
        let shipped: Vec<u32> = run
            .order
            .fulfillment_orders
            .iter()
            .filter(|f| f.status == FulfillmentStatus::Shipped)
            .map(|f| f.fulfillment_order_id.number().unwrap())
            .collect();
        shipped.into_iter().for_each(|n| drop(run.fulfill(n, FulfillmentRequest::Deliver).unwrap()));
        ends_paid(run);
    }
}

#[test]
fn what_was_free_and_is_with_a_facility_does_not_leave_unpaid_either() {
    let mut run = Run::released(free(&[1]));
    change(&mut run, "c", vec![more("1", 1, 5_000)]).unwrap();
    let refusal = run.ship(1).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::RefusedByRule, "the units of a line cost alike, and this one is not paid for");
    assert!(!run.order.legal_actions(run.found(1)).contains(&"ship") && run.status(1) == FulfillmentStatus::Released);
}

#[test]
fn what_is_paid_for_leaves_though_the_order_waits_for_a_payment() {
    let mut run = Run::released(core(&[1, 1]));
    change(&mut run, "c", vec![CoreChange::Add { line: line("3", 1, 5_000) }]).unwrap();
    run.gateway("1", declined(Decline::Soft));
    assert!(awaited(&run));
    run.ship(1).unwrap();
    run.obey();
    assert_eq!((run.status(1), run.order.uncaptured_minor()), (FulfillmentStatus::Shipped, 0));
}

#[test]
fn what_lost_its_payment_before_its_label_came_waits_with_it() {
    let mut run = Run::released(free(&[1]));
    run.ship(1).unwrap();
    change(&mut run, "c", vec![more("1", 1, 5_000)]).unwrap();
    run.obey_labels();
    assert_eq!((run.status(1), run.found(1).ship_requested), (FulfillmentStatus::Packed, true));
    run.must(&anew(Request::AddPayment { payment: payment("card", PaymentMethod::Card, 5_000) }));
    run.obey_labels();
    run.gateway("card", OperationOutcome::Succeeded { reference: "a".into(), expires_at: None });
    assert_eq!(run.status(1), FulfillmentStatus::Shipped, "nobody has to ask again");
}

#[test]
fn a_hold_keeps_what_is_on_the_packing_bench() {
    let mut run = Run::released(core(&[1]));
    let hold_id = || "fraud".parse().unwrap();
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    run.must(&anew(Request::PlaceHold { hold_id: hold_id(), reason: HoldReason::HighRiskOfFraud, expires_at: None }));
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    run.fulfill(1, FulfillmentRequest::Pack { parcels: vec![] }).unwrap();
    let refusal = run.ship(1).unwrap_err();
    assert!(refusal.code == ErrorCode::RefusedByRule && refusal.message.contains("fraud"), "{refusal:?}");
    run.must(&anew(Request::ReleaseHold { hold_id: hold_id() }));
    run.ship(1).unwrap();
    run.must(&anew(Request::PlaceHold { hold_id: hold_id(), reason: HoldReason::HighRiskOfFraud, expires_at: None }));
    run.obey_labels();
    assert_eq!(run.status(1), FulfillmentStatus::Packed, "its label came, and it stays");
    let events = run.must(&anew(Request::ReleaseHold { hold_id: hold_id() }));
    assert!(events.iter().any(|event| matches!(event, Event::FulfillmentShipped { .. })), "{events:?}");
}

#[test]
fn nobody_is_handed_what_is_held() {
    let mut pickup = core(&[1]);
    (pickup.groups[0].method, pickup.groups[0].pickup_facility_id) = (DeliveryMethod::Pickup, Some("WH-1".parse().unwrap()));
    let mut run = Run::released(pickup);
    run.fulfill(1, FulfillmentRequest::StartPicking { picker: "p1".into() }).unwrap();
    run.fulfill(1, FulfillmentRequest::Ready { code_hash: None }).unwrap();
    run.must(&anew(Request::PlaceHold { hold_id: "h".parse().unwrap(), reason: HoldReason::Other, expires_at: None }));
    assert_eq!(run.fulfill(1, FulfillmentRequest::Handover { code_hash: None }).unwrap_err().code, ErrorCode::RefusedByRule);
    run.must(&anew(Request::ReleaseHold { hold_id: "h".parse().unwrap() }));
    run.fulfill(1, FulfillmentRequest::Handover { code_hash: None }).unwrap();
}

#[test]
fn one_instrument_that_will_not_pay_does_not_reject_what_another_may_pay() {
    let mut two = core(&[2]);
    two.payments = vec![payment("gift", PaymentMethod::GiftCard, 330), payment("card", PaymentMethod::Card, 1_500)];
    let mut run = Run::placed(two.clone());
    run.source(|_, units| units);
    run.gateway("gift", declined(Decline::Hard));
    run.obey();
    assert_eq!((run.order.status, awaited(&run)), (OrderStatus::Created, true), "the customer has time to pay otherwise");
    run.must(&anew(Request::AddPayment { payment: payment("other", PaymentMethod::Card, 330) }));
    run.obey();
    assert_eq!((run.order.status, awaited(&run)), (OrderStatus::Processing, false));
    let mut run = Run::placed(two);
    run.source(|_, units| units);
    run.gateway("gift", declined(Decline::Hard));
    run.gateway("card", declined(Decline::Hard));
    assert_eq!(run.order.status, OrderStatus::Rejected, "nobody is left who could pay");
}

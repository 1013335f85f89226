//! Everything that can be asked, in every state that an order or a fulfillment order can be in: done, or refused by name.

use oms_domain::{
    error::ErrorCode,
    fulfillment::{FulfillmentAction, FulfillmentStatus},
    order::{Command, FulfillmentRequest, HoldReason, Order, OrderStatus, RejectionReason, Request, decide},
    placed::DeliveryMethod,
};

use crate::support::{Run, anew, at, core, lines};

/// A fulfillment order of four units in each status, come to as orders come to it.
fn in_status(status: FulfillmentStatus, pickup: bool) -> Order {
    let ready = || FulfillmentRequest::Ready { code_hash: None };
    let picker = || FulfillmentRequest::StartPicking { picker: "p1".into() };
    let pack = || FulfillmentRequest::Pack { parcels: vec![] };
    let reject = || FulfillmentRequest::Reject { reason: RejectionReason::Other, lines: None };
    let steps = match status {
        FulfillmentStatus::Scheduled | FulfillmentStatus::Open | FulfillmentStatus::Backordered => return sourced_to(status),
        FulfillmentStatus::Released => vec![],
        FulfillmentStatus::Accepted => vec![FulfillmentRequest::Accept],
        FulfillmentStatus::Picking => vec![picker()],
        FulfillmentStatus::Packed => vec![picker(), pack()],
        FulfillmentStatus::Shipped => {
            vec![FulfillmentRequest::Ship { carrier: Some("x".into()), tracking_number: Some("T".into()) }]
        }
        FulfillmentStatus::Incomplete => vec![reject()],
        FulfillmentStatus::Cancelled => return cancelled(),
        FulfillmentStatus::ReadyForPickup => vec![picker(), ready()],
        FulfillmentStatus::PickedUp => vec![picker(), ready(), FulfillmentRequest::Handover { code_hash: None }],
    };
    let mut order = core(&[4, 1]);
    if matches!(status, FulfillmentStatus::ReadyForPickup | FulfillmentStatus::PickedUp) || pickup {
        order.groups[0].method = DeliveryMethod::Pickup;
    }
    let mut run = Run::released(order);
    for step in steps {
        run.fulfill(1, step).unwrap();
    }
    run.order
}

fn sourced_to(status: FulfillmentStatus) -> Order {
    let mut core = core(&[4, 1]);
    core.lines[0].fulfill_at = (status == FulfillmentStatus::Scheduled).then(|| at(1_000_000));
    let mut run = Run::placed(core);
    if status == FulfillmentStatus::Open {
        run.must(&hold("h0"));
    }
    run.source(|_, units| if status == FulfillmentStatus::Backordered { 0 } else { units });
    run.obey();
    run.order
}

fn cancelled() -> Order {
    let mut run = Run::placed(core(&[4, 1]));
    run.source(|id, units| if id.as_str() == "1" { units } else { 0 });
    run.obey();
    run.cancel("c0", Some(lines([("1", 4)]))).unwrap();
    run.order
}

fn hold(id: &str) -> Command {
    anew(Request::PlaceHold { hold_id: id.parse().unwrap(), reason: HoldReason::Other, expires_at: None })
}

/// Every request, with the action of the machine that it stands for.
fn requests() -> Vec<(FulfillmentRequest, Option<FulfillmentAction>)> {
    let some = || lines([("1", 1)]);
    vec![
        (FulfillmentRequest::Release, Some(FulfillmentAction::Release)),
        (FulfillmentRequest::Accept, Some(FulfillmentAction::Accept)),
        (FulfillmentRequest::Reject { reason: RejectionReason::Other, lines: None }, Some(FulfillmentAction::Reject)),
        (FulfillmentRequest::Reject { reason: RejectionReason::Other, lines: Some(some()) }, Some(FulfillmentAction::Reject)),
        (FulfillmentRequest::StartPicking { picker: "p1".into() }, Some(FulfillmentAction::StartPicking)),
        (FulfillmentRequest::ShortPick { reason: RejectionReason::Damaged, lines: some() }, Some(FulfillmentAction::ShortPick)),
        (FulfillmentRequest::Pack { parcels: vec![] }, Some(FulfillmentAction::Pack)),
        (FulfillmentRequest::Unpack, Some(FulfillmentAction::Unpack)),
        (FulfillmentRequest::Ship { carrier: None, tracking_number: None }, None),
        (FulfillmentRequest::ShipParcels { parcels: vec!["A1-F1-P1".parse().unwrap()] }, Some(FulfillmentAction::Ship)),
        (FulfillmentRequest::Unship, Some(FulfillmentAction::Unship)),
        (FulfillmentRequest::Ready { code_hash: None }, Some(FulfillmentAction::Ready)),
        (FulfillmentRequest::Handover { code_hash: None }, Some(FulfillmentAction::Handover)),
        (FulfillmentRequest::NoShow, Some(FulfillmentAction::NoShow)),
        (FulfillmentRequest::Move { facility_id: None, consented: true }, Some(FulfillmentAction::Move)),
        (FulfillmentRequest::Split { lines: some() }, Some(FulfillmentAction::Move)),
        (FulfillmentRequest::Merge { other: "A1-F9".parse().unwrap() }, Some(FulfillmentAction::Move)),
        (FulfillmentRequest::Deliver, None),
        (FulfillmentRequest::MarkLost { parcels: vec![] }, None),
        (FulfillmentRequest::AcceptCancellation, Some(FulfillmentAction::AcceptCancellation)),
        (FulfillmentRequest::RefuseCancellation, Some(FulfillmentAction::RefuseCancellation)),
        (FulfillmentRequest::AcceptChange, Some(FulfillmentAction::AcceptChange)),
        (FulfillmentRequest::RefuseChange { reason: None }, Some(FulfillmentAction::RefuseChange)),
    ]
}

/// What is done although the machine has no row for it, or is not although it has.
fn expected(status: FulfillmentStatus, request: &FulfillmentRequest, action: Option<FulfillmentAction>) -> bool {
    match request {
        // Implies accepting, picking and packing.
        FulfillmentRequest::Ship { .. } => {
            matches!(
                status,
                FulfillmentStatus::Released | FulfillmentStatus::Accepted | FulfillmentStatus::Picking | FulfillmentStatus::Packed
            )
        }
        // Its parcels' own affair; and what the carrier does not have yet cannot be lost.
        FulfillmentRequest::Deliver => status == FulfillmentStatus::Shipped,
        FulfillmentRequest::MarkLost { .. } => false,
        // Nobody has asked.
        FulfillmentRequest::AcceptCancellation | FulfillmentRequest::RefuseCancellation => false,
        FulfillmentRequest::AcceptChange | FulfillmentRequest::RefuseChange { .. } => false,
        // The order is on hold there.
        FulfillmentRequest::Release => false,
        _ => action.is_some_and(|action| status.after(action).is_some()),
    }
}

#[test]
fn every_request_in_every_status_of_a_fulfillment_order_is_done_or_refused_by_name() {
    for (status, pickup) in FulfillmentStatus::ALL.iter().flat_map(|status| [(status, false), (status, true)]) {
        // What ships is never ready for pickup, and what is collected never ships.
        let other_way = if pickup { FulfillmentStatus::Shipped } else { FulfillmentStatus::ReadyForPickup };
        if *status == other_way || (!pickup && *status == FulfillmentStatus::PickedUp) {
            continue;
        }
        let order = in_status(*status, pickup);
        let found = &order.fulfillment_orders[0];
        assert_eq!(found.status, *status);
        for (action, of_machine) in requests() {
            let fulfillment_order_id = found.fulfillment_order_id.clone();
            let ships = matches!(action, FulfillmentRequest::Ship { .. } | FulfillmentRequest::ShipParcels { .. });
            let other_way = if pickup { ships } else { matches!(action, FulfillmentRequest::Ready { .. }) };
            let legal = !other_way && expected(*status, &action, of_machine);
            let command = anew(Request::Fulfillment { fulfillment_order_id, action });
            match decide(&order, &command, at(100)) {
                Ok(decided) => assert!(legal && !decided.events.is_empty(), "{status}: {command:?} should be refused"),
                // What was accepted as one stays one; and there is no other one here.
                Err(refusal) if legal && refusal.code == ErrorCode::RefusedByRule && may_refuse(&command) => {}
                Err(refusal) if *status == FulfillmentStatus::Open && refusal.code == ErrorCode::RefusedByRule => {
                    assert!(refusal.message.contains("created"), "{refusal:?}");
                }
                Err(refusal) if other_way && refusal.code == ErrorCode::RefusedByRule => {}
                Err(refusal) => {
                    assert!(!legal, "{status}: {command:?}: {refusal:?}");
                    assert_eq!((refusal.code, refusal.status.as_deref()), (ErrorCode::IllegalTransition, Some(status.name())));
                    assert_eq!(refusal.legal_actions, order.legal_actions(found), "{command:?}");
                    // Parcels ship apart only once they are packed; the whole ships before.
                    let word = of_machine.filter(|action| *action != FulfillmentAction::Ship).map_or("", FulfillmentAction::name);
                    assert!(!refusal.legal_actions.iter().any(|legal| legal == word), "{word} is refused, and named as legal");
                }
            }
        }
    }
}

fn may_refuse(command: &Command) -> bool {
    let Command::Request { request: Request::Fulfillment { action, .. }, .. } = command else { return false };
    matches!(action, FulfillmentRequest::Split { .. } | FulfillmentRequest::Merge { .. })
}

fn in_order_status(status: OrderStatus) -> Order {
    let mut run = Run::placed(core(&[4, 1]));
    run.source(|_, units| units);
    if status == OrderStatus::Created {
        return run.order;
    }
    run.obey();
    run.order.status = status;
    run.order
}

#[test]
fn every_request_in_every_status_of_an_order_is_done_or_refused_by_name() {
    let cancel = |lines| Request::Cancel { cancellation_id: "c1".parse().unwrap(), reason: "changed mind".into(), lines };
    let place = || Request::PlaceHold { hold_id: "h1".parse().unwrap(), reason: HoldReason::Other, expires_at: None };
    let accept = || Request::Fulfillment { fulfillment_order_id: "A1-F1".parse().unwrap(), action: FulfillmentRequest::Accept };
    for status in OrderStatus::ALL {
        let order = in_order_status(*status);
        let closed = status.is_final();
        let cases = [
            (cancel(None), !closed, ErrorCode::OrderClosed),
            (cancel(Some(lines([("1", 2)]))), !closed, ErrorCode::OrderClosed),
            (cancel(Some(lines([("9", 2)]))), false, if closed { ErrorCode::OrderClosed } else { ErrorCode::RefusedByRule }),
            (cancel(Some(lines([("1", 5)]))), false, if closed { ErrorCode::OrderClosed } else { ErrorCode::RefusedByRule }),
            (place(), !closed, ErrorCode::OrderClosed),
            (
                Request::ReleaseHold { hold_id: "h1".parse().unwrap() },
                false,
                if closed { ErrorCode::OrderClosed } else { ErrorCode::NotFound },
            ),
            (
                accept(),
                !closed && *status != OrderStatus::Created,
                if closed { ErrorCode::OrderClosed } else { ErrorCode::IllegalTransition },
            ),
        ];
        for (request, legal, code) in cases {
            match decide(&order, &anew(request.clone()), at(100)) {
                Ok(decided) => assert!(legal && !decided.events.is_empty(), "{status}: {request:?} should be refused"),
                Err(refusal) => assert!(!legal && refusal.code == code, "{status}: {request:?}: {refusal:?}"),
            }
        }
    }
}

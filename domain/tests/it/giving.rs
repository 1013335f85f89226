//! What a request would give away, before it does: the exact amount that the order would then owe, or the worth of what it would send.

use oms_domain::{
    error::ErrorCode,
    ids::ClaimId,
    order::{
        CarrierReport, Command, Fact, FulfillmentRequest, Giving, GivingKind, RefundOf, Request, Resolution, given_away, may_give_away,
    },
    parcel::ParcelAction,
};

use crate::support::{Run, anew, at, core, lines};

fn delivered() -> Run {
    let mut run = Run::released(core(&[4]));
    run.ship(1).unwrap();
    run.obey();
    run.fulfill(1, FulfillmentRequest::Deliver).unwrap();
    run.obey();
    run
}

fn giving(run: &Run, request: &Request) -> Option<Giving> {
    given_away(&run.order, "giving", request, at(run.second + 1)).unwrap()
}

fn refund(id: &str, amount_minor: i64) -> Request {
    Request::Refund { refund_id: id.parse().unwrap(), amount_minor, reason: "goodwill".into(), lines: None, of: RefundOf::Order }
}

#[test]
fn a_refund_gives_its_amount_once_and_under_any_name_and_reason_the_same() {
    let mut run = delivered();
    let asked = giving(&run, &refund("r1", 300)).unwrap();
    assert_eq!((asked.kind, asked.amount_minor), (GivingKind::Refund, 300));
    assert_eq!(giving(&run, &refund("r2", 300)), Some(asked.clone()));
    assert_ne!(giving(&run, &refund("r1", 301)), Some(asked));
    run.must(&anew(refund("r1", 300)));
    assert_eq!(giving(&run, &refund("r1", 300)), None, "it was given before");
    let refusal = given_away(&run.order, "giving", &refund("r3", 1_000_000), at(run.second)).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::RefusedByRule);
}

#[test]
fn a_claim_gives_the_share_of_its_units_and_only_once_it_is_approved() {
    let mut run = delivered();
    let claim_id = ClaimId::of(&run.order.core.order_id, 1);
    let open = Request::OpenClaim { claim_id: claim_id.clone(), lines: lines([("1", 3)]), reason: "broken".into() };
    assert!(!may_give_away(&open));
    run.must(&anew(open));
    let approve = Request::ApproveClaim { claim_id };
    // ⌊1830·3/4⌋
    assert_eq!(giving(&run, &approve).map(|giving| (giving.kind, giving.amount_minor)), Some((GivingKind::Claim, 1_372)));
    run.must(&anew(approve.clone()));
    assert!(run.order.refunds.iter().any(|refund| refund.amount_minor == 1_372));
}

#[test]
fn a_lost_parcel_gives_its_worth_again_or_back() {
    let mut run = Run::released(core(&[4]));
    run.ship(1).unwrap();
    run.obey();
    let parcel_id = run.order.fulfillment_orders[0].parcels[0].parcel_id.clone();
    for (action, event_id) in [(ParcelAction::HandOver, "e1"), (ParcelAction::Lose, "e2")] {
        let (tracking_number, occurred_at) = ("T-A1-F1-P1".to_owned(), at(run.second));
        run.must(&Command::Fact(Fact::Carrier(CarrierReport { event_id: event_id.into(), tracking_number, action, occurred_at })));
    }
    for (resolution, kind) in [(Resolution::Replace, GivingKind::Replacement), (Resolution::Refund, GivingKind::Refund)] {
        let resolve = Request::ResolveParcel { parcel_id: parcel_id.clone(), resolution };
        let worth = run.order.refund_share_minor(&run.order.fulfillment_orders[0].parcels[0].lines);
        assert_eq!(giving(&run, &resolve).map(|giving| (giving.kind, giving.amount_minor)), Some((kind, worth)));
    }
    let replace = Request::ResolveParcel { parcel_id, resolution: Resolution::Replace };
    run.must(&anew(replace.clone()));
    assert_eq!(giving(&run, &replace), None, "it was sent again before");
}

#[test]
fn what_was_cancelled_or_comes_back_is_no_gift() {
    let run = delivered();
    let worth = run.order.given_in_advance(&lines([("1", 2)])).unwrap();
    assert_eq!((worth.kind, worth.amount_minor), (GivingKind::Exchange, 915));
    assert!(!may_give_away(&Request::Cancel { cancellation_id: "c".parse().unwrap(), reason: "no".into(), lines: None }));
    assert!(!may_give_away(&Request::SettleReturn { return_id: "A1-R1".parse().unwrap(), lines: lines([("1", 1)]) }));
}

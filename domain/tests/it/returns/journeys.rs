//! Returns as they go: well, and otherwise.

use oms_domain::{
    error::ErrorCode,
    order::{self, LabelFinding},
    parcel::ParcelAction,
    payment::{Decline, OperationOutcome},
    policy::Policy,
    returns::{Answer, CarrierMove, Command, Disposition, Effect, Event, GoodsRef, Inspected, Request, Verdict},
};

use super::support::{House, accept, came, judge, receive, wrong};
use crate::support::{Run, anew, at, core, lines};

/// 18.30 for four units of one line.
fn four() -> House {
    House::delivered(core(&[4]))
}

#[test]
fn goods_come_back_are_accepted_and_their_exact_share_is_refunded() {
    let mut house = four();
    let n = house.opened(&[("1", 3)]);
    assert_eq!(house.status(n), "label_sent");
    house.must(n, &Command::Carrier(CarrierMove { action: ParcelAction::Transit, occurred_at: at(50) }));
    assert_eq!(house.status(n), "in_transit");
    house.ask(n, receive("d1", vec![came("1", 3)])).unwrap();
    assert_eq!(house.status(n), "received");
    house.ask(n, accept("1", 3)).unwrap();
    house.obey(n);
    assert_eq!(house.status(n), "closed");
    // ⌊1830·3/4⌋ = 1372 of 1830.
    assert_eq!(house.paid_minor(), 1_830 - 1_372);
    assert_eq!(house.order.order.all_units().returned, 3);
    assert_eq!(house.returns[n].goods[0].restocked, 3);
    assert!(house.returns[n].is_closed() && house.order.order.is_closed());
}

#[test]
fn less_than_announced_is_waited_for_and_then_settled_without_the_rest() {
    let mut house = four();
    let n = house.opened(&[("1", 3)]);
    house.ask(n, receive("d1", vec![came("1", 1)])).unwrap();
    assert_eq!(house.status(n), "partially_received");
    house.ask(n, accept("1", 1)).unwrap();
    assert_eq!(house.status(n), "partially_received");
    house.wait(n);
    house.obey(n);
    assert_eq!((house.status(n), house.order.order.all_units().returned), ("closed", 1));
    // What did not come may come another time.
    assert_eq!(house.order.order.returnable(None), lines([("1", 3)]));
}

#[test]
fn more_than_announced_counts_as_far_as_the_customer_had_it() {
    let mut house = four();
    let n = house.opened(&[("1", 1)]);
    house.ask(n, receive("d1", vec![came("1", 6)])).unwrap();
    house.ask(n, accept("1", 6)).unwrap();
    house.obey(n);
    let settled = house.returns[n].settlement.clone().unwrap();
    assert_eq!((settled.lines, settled.amount_minor), (lines([("1", 4)]), 1_830));
    assert_eq!((house.status(n), house.paid_minor(), house.returns[n].goods[0].restocked), ("closed", 0, 6));
}

#[test]
fn unannounced_goods_are_a_return_like_any_other() {
    let mut house = four();
    let n = house.opened(&[]);
    assert_eq!(house.status(n), "approved");
    house.ask(n, receive("d1", vec![wrong("SKU-1", 2)])).unwrap();
    assert_eq!(house.returns[n].goods[0].line_id, Some("1".parse().unwrap()), "told by its SKU");
    house.ask(n, accept("1", 2)).unwrap();
    house.obey(n);
    assert_eq!((house.status(n), house.paid_minor()), ("closed", 915));
}

#[test]
fn goods_that_the_order_never_sold_are_judged_and_not_paid_for() {
    let mut house = four();
    let n = house.opened(&[("1", 1)]);
    house.ask(n, receive("d1", vec![wrong("TEAPOT", 1)])).unwrap();
    assert_eq!(house.status(n), "partially_received");
    let teapot = |verdict| Inspected {
        goods: GoodsRef { line_id: None, sku: Some("TEAPOT".parse().unwrap()), facility_id: None },
        quantity: 1,
        verdict,
        disposition: Disposition::Restock,
    };
    let refusal = house.ask(n, Request::Inspect { judged: vec![teapot(Verdict::Accepted)] }).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::RefusedByRule);
    house.ask(n, Request::Inspect { judged: vec![teapot(Verdict::Rejected)] }).unwrap();
    house.wait(n);
    house.obey(n);
    assert_eq!((house.status(n), house.paid_minor(), house.returns[n].goods[0].restocked), ("closed", 1_830, 1));
    assert_eq!(house.order.order.returnable(None), lines([("1", 4)]));
}

#[test]
fn after_the_window_a_person_approves_or_the_deadline_declines() {
    let mut house = four();
    house.order.second += 40 * 86_400;
    let (yes, no) = (house.opened(&[("1", 1)]), house.opened(&[("1", 1)]));
    assert_eq!((house.status(yes), house.status(no)), ("requested", "requested"));
    house.ask(yes, Request::Approve).unwrap();
    house.wait(no);
    house.obey(yes);
    house.obey(no);
    assert_eq!((house.status(yes), house.status(no)), ("label_sent", "declined"));
    assert!(house.returns[no].is_closed());
    assert_eq!(house.order.order.returnable(None), lines([("1", 3)]), "the declined one has given its unit back");
}

#[test]
fn two_returns_of_one_unit_cannot_pass_each_other() {
    let mut house = House::delivered(core(&[1]));
    let (first, second) = (house.open(&[("1", 1)]), house.open(&[("1", 1)]));
    house.obey(first);
    house.obey(second);
    assert_eq!((house.status(first), house.status(second)), ("label_sent", "declined"));
    let refused = format!("{:?}", house.returns[second].consent);
    assert!(refused.contains("another return or a claim speaks for them"), "{refused}");
}

#[test]
fn a_unit_that_has_not_shipped_is_refused_with_the_advice_to_cancel() {
    let mut house = House { order: Run::released(core(&[2])), returns: Vec::new(), linked: None, absorbed: Vec::new(), events: Vec::new() };
    let n = house.opened(&[("1", 1)]);
    assert_eq!(house.status(n), "declined");
    assert!(format!("{:?}", house.returns[n].consent).contains("cancel them instead"), "{:?}", house.returns[n].consent);
    assert!(house.returns[n].is_closed() && house.order.order.returns.is_empty());
}

#[test]
fn what_is_not_sent_expires_and_what_the_carrier_loses_on_our_label_is_paid_back() {
    let mut house = four();
    let (late, lost) = (house.opened(&[("1", 1)]), house.opened(&[("1", 1)]));
    let scan = |action| Command::Carrier(CarrierMove { action, occurred_at: at(60) });
    assert_eq!(house.must(lost, &scan(ParcelAction::Lose)), [], "a carrier loses nothing that it never had");
    house.must(lost, &scan(ParcelAction::Transit));
    house.must(lost, &scan(ParcelAction::Lose));
    house.wait(late);
    house.obey(late);
    house.obey(lost);
    house.order.obey();
    assert_eq!((house.status(late), house.status(lost)), ("expired", "lost"));
    let voided = |n: usize| house.returns[n].label.as_ref().map(|label| label.voided);
    assert_eq!((voided(late), voided(lost)), (Some(true), Some(false)), "nobody sends with the label of what expired");
    assert!(house.returns.iter().all(oms_domain::returns::Return::is_closed));
    assert_eq!((house.paid_minor(), house.order.order.returnable(None)), (1_830 - 457, lines([("1", 3)])));
}

#[test]
fn what_is_lost_on_a_label_of_the_customers_own_is_their_affair() {
    let mut house = four();
    let lost = house.open_under(Policy { return_labels: false, ..Policy::default() }, &[("1", 1)]);
    house.obey(lost);
    let scan = |action, second| Command::Carrier(CarrierMove { action, occurred_at: at(second) });
    assert_eq!(house.must(lost, &scan(ParcelAction::Transit, -30 * 24 * 3_600)), [], "the number had another parcel then");
    house.must(lost, &scan(ParcelAction::Transit, 60));
    house.must(lost, &scan(ParcelAction::Lose, 9_000_000));
    house.obey(lost);
    house.order.obey();
    assert_eq!((house.status(lost), house.paid_minor()), ("lost", 1_830));
}

#[test]
fn a_refund_that_fails_is_tried_again_and_then_paid_once() {
    let mut house = four();
    let n = house.opened(&[("1", 4)]);
    house.ask(n, receive("d1", vec![came("1", 4)])).unwrap();
    house.ask(n, accept("1", 4)).unwrap();
    let settle = house.returns[n].pending_effects().remove(0);
    let answer = house.answer(n, &settle);
    house.must(n, &Command::Answer(answer));
    house.order.gateway("1", OperationOutcome::Declined { decline: Decline::Hard, code: "closed".into() });
    house.must(n, &Command::Answer(Answer::RefundFailed { retries: 0, why: "closed".into() }));
    assert_eq!((house.status(n), house.returns[n].pending_effects()), ("refund_failed", vec![]));
    house.ask(n, Request::Retry).unwrap();
    assert_eq!(house.returns[n].pending_effects(), [Effect::Refund { retries: 1 }]);
    let subject = house.order.order.attention[0].subject.clone();
    house.order.must(&anew(order::Request::Retry { subject }));
    house.obey(n);
    assert_eq!((house.status(n), house.paid_minor()), ("closed", 0));
}

#[test]
fn units_that_nobody_judges_are_reviewed_and_then_accepted() {
    let mut house = four();
    let n = house.opened(&[("1", 2)]);
    house.ask(n, receive("d1", vec![came("1", 2)])).unwrap();
    house.wait(n);
    assert_eq!((house.status(n), house.returns[n].goods[0].in_review), ("inspected", 2));
    house.ask(n, Request::Inspect { judged: vec![judge("1", 1, Verdict::Rejected, Disposition::SendBack)] }).unwrap();
    house.wait(n);
    house.obey(n);
    let goods = &house.returns[n].goods[0];
    assert_eq!((goods.accepted, goods.rejected, goods.written_off), (1, 1, 1));
    assert_eq!((house.status(n), house.order.order.all_units().returned), ("closed", 1));
}

#[test]
fn a_delivery_of_goods_counts_once() {
    let mut house = four();
    let n = house.opened(&[("1", 3)]);
    house.ask(n, receive("d1", vec![came("1", 1)])).unwrap();
    assert_eq!(house.ask(n, receive("d1", vec![came("1", 1)])).unwrap(), []);
    assert_eq!(house.ask(n, receive("d1", vec![came("1", 2)])).unwrap_err().code, ErrorCode::RefusedByRule);
    assert_eq!(house.returns[n].received(), lines([("1", 1)]));
}

#[test]
fn a_label_that_is_refused_is_asked_for_again_and_forgotten_when_the_goods_are_here() {
    let mut house = four();
    let n = house.open_under(Policy::default(), &[("1", 1)]);
    let question = house.returns[n].pending_effects().remove(0);
    let agreed = house.answer(n, &question);
    house.must(n, &Command::Answer(agreed));
    let gave_up = |attempt, why: &str| Command::Answer(Answer::GaveUp { effect: "label".into(), attempt, why: why.into() });
    house.must(n, &gave_up(1, "no such street"));
    assert_eq!(house.returns[n].pending_effects(), []);
    house.wait(n);
    assert_eq!(house.returns[n].pending_effects().len(), 1, "tried again after a while");
    house.must(n, &gave_up(2, "still no such street"));
    let events = house.ask(n, receive("d1", vec![came("1", 1)])).unwrap();
    assert_eq!(events.last(), Some(&Event::AttentionResolved { subject: "label".into() }));
    assert_eq!(house.returns[n].attention, []);
}

#[test]
fn the_same_return_asked_for_again_is_the_same_and_another_is_refused() {
    let mut house = four();
    house.opened(&[("1", 1)]);
    let return_id = house.returns[0].core.return_id.clone();
    let open = |units| anew(order::Request::OpenReturn { return_id: return_id.clone(), lines: lines([("1", units)]), credit: None });
    assert_eq!(house.order.send(&open(1)).unwrap(), []);
    assert_eq!(house.order.send(&open(2)).unwrap_err().code, ErrorCode::RefusedByRule);
    let other = order::Request::OpenReturn { return_id: "B2-R1".parse().unwrap(), lines: lines([("1", 1)]), credit: None };
    assert_eq!(house.order.send(&anew(other)).unwrap_err().code, ErrorCode::RefusedByRule);
}

#[test]
fn a_carrier_that_loses_what_it_has_scanned_since_or_delivered_needs_a_person() {
    let scan = |action, second| Command::Carrier(CarrierMove { action, occurred_at: at(second) });
    for (before, lost_at) in [(ParcelAction::OutForDelivery, 70), (ParcelAction::Deliver, 90)] {
        let mut house = four();
        house.order.second += 100;
        let n = house.opened(&[("1", 2)]);
        house.must(n, &scan(ParcelAction::Transit, 60));
        house.must(n, &scan(before, 80));
        let told = scan(ParcelAction::Lose, lost_at);
        house.must(n, &told);
        assert_eq!((house.status(n), house.returns[n].attention.len()), ("in_transit", 1), "{before:?}");
        assert_eq!(house.must(n, &told), [], "the same again is the same");
        assert_eq!(house.must(n, &scan(ParcelAction::Lose, lost_at - 1)), [], "and so is another one");
        house.ask(n, receive("d1", vec![came("1", 2)])).unwrap();
        assert_eq!((house.status(n), house.returns[n].attention.len()), ("received", 0), "they are here");
        house.ask(n, accept("1", 2)).unwrap();
        house.obey(n);
        house.order.obey();
        assert_eq!((house.status(n), house.paid_minor()), ("closed", 915));
    }
}

#[test]
fn a_loss_of_which_nobody_is_sure_is_one_when_nothing_comes() {
    let scan = |action, second| Command::Carrier(CarrierMove { action, occurred_at: at(second) });
    let mut house = four();
    house.order.second += 100;
    let n = house.opened(&[("1", 1)]);
    house.must(n, &scan(ParcelAction::Transit, 80));
    house.must(n, &scan(ParcelAction::Lose, 70));
    house.ask(n, Request::Retry).unwrap();
    assert_eq!((house.status(n), house.returns[n].attention.len()), ("in_transit", 0), "somebody has looked");
    house.wait(n);
    house.obey(n);
    house.order.obey();
    assert_eq!((house.status(n), house.paid_minor()), ("lost", 1_830 - 457));
}

#[test]
fn a_person_says_what_became_of_the_label_of_a_return_that_never_came_and_it_closes() {
    let mut house = four();
    let n = house.opened(&[("1", 1)]);
    let say = || Request::ResolveLabel { outcome: LabelFinding::Kept, reason: "asked the carrier".into() };
    assert_eq!(house.ask(n, say()).unwrap_err().code, ErrorCode::IllegalTransition);
    house.ask(n, Request::Cancel { reason: "keeps it".into() }).unwrap();
    let void = Effect::VoidLabel.key();
    house.must(n, &Command::Answer(Answer::GaveUp { effect: void.clone(), attempt: 1, why: "it is down".into() }));
    house.obey(n);
    assert!(!house.returns[n].is_closed() && house.returns[n].attention[0].subject == void);
    house.ask(n, say()).unwrap();
    assert!(house.returns[n].is_closed() && house.returns[n].attention.is_empty());
    assert_eq!(house.ask(n, say()).unwrap(), [], "the same again is the same");
}

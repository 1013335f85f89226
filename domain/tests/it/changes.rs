//! Change sets: confirmed at once, as a whole, or refused with what is legal.

use oms_domain::{
    address::AddressFlaw,
    error::{ErrorCode, Rejection},
    fulfillment::FulfillmentStatus,
    ids::HoldId,
    order::{CoreChange, CoreGroup, CoreLine, Event, FulfillmentRequest, HoldReason, Order, OrderStatus, Request},
    placed::{DeliveryMethod, PaymentMethod},
};

use crate::support::{Lines, Run, anew, core, payment};

pub fn change(run: &mut Run, id: &str, changes: Vec<CoreChange>) -> Result<Vec<Event>, Rejection> {
    let change_id = id.parse().unwrap();
    run.send(&anew(Request::Change { change_id, reason: "on second thoughts".into(), changes, at_version: None }))
}

pub fn more(line: &str, quantity: u32, due_minor: i64) -> CoreChange {
    CoreChange::Increase { line_id: line.parse().unwrap(), quantity, due_minor }
}

pub fn less(line: &str, quantity: u32) -> CoreChange {
    CoreChange::Decrease { line_id: line.parse().unwrap(), quantity }
}

pub fn line(id: &str, quantity: u32, total_minor: i64) -> CoreLine {
    let (line_id, sku) = (id.parse().unwrap(), "NEW".parse().unwrap());
    CoreLine { line_id, sku, quantity, total_minor, group: 0, fulfill_at: None }
}

pub fn express(price_minor: Option<i64>) -> CoreChange {
    let to = CoreGroup { method: DeliveryMethod::Express, pickup_facility_id: None, address_flaw: None, price_minor };
    CoreChange::Method { group: 0, to }
}

pub fn units(run: &Run, id: &str) -> oms_domain::order::Units {
    run.order.units()[&id.parse().unwrap()]
}

pub fn authorized_minor(order: &Order) -> i64 {
    order.payments.iter().map(|p| p.authorized_minor()).sum()
}

/// Ships what there is; the order ends, and what was captured is what it owes.
pub fn ends_paid(mut run: Run) {
    while let Some(found) = run.order.fulfillment_orders.iter().find(|f| f.status == FulfillmentStatus::Released).cloned() {
        let number = found.fulfillment_order_id.number().unwrap();
        run.ship(number).unwrap();
        run.obey();
        run.fulfill(number, FulfillmentRequest::Deliver).unwrap();
    }
    run.obey();
    assert_eq!(run.order.status, OrderStatus::Completed);
    assert_eq!(run.order.net_captured_minor(), run.order.total_minor());
    assert!(run.order.payments.iter().all(|p| p.capturable_minor() == 0), "{:?}", run.order.payments);
}

#[test]
fn fewer_units_give_up_their_exact_share() {
    let mut run = Run::released(core(&[3]));
    let before_minor = run.order.total_minor();
    change(&mut run, "c1", vec![less("1", 1)]).unwrap();
    assert_eq!((units(&run, "1").ordered, units(&run, "1").allocated, units(&run, "1").cancelled), (2, 2, 0));
    assert!(run.order.total_minor() < before_minor);
    assert_eq!(run.order.changes[0].difference_minor, run.order.total_minor() - before_minor);
    ends_paid(run);
}

#[test]
fn more_units_are_sourced_and_the_card_pays_for_them() {
    let mut run = Run::released(core(&[2]));
    let before_minor = authorized_minor(&run.order);
    change(&mut run, "c1", vec![more("1", 2, 700)]).unwrap();
    assert_eq!((units(&run, "1").ordered, units(&run, "1").open), (4, 2));
    let waits = run.order.pending_effects().into_iter().any(|effect| match effect {
        oms_domain::order::Effect::Source(request) => request.may_wait_until > run.order.core.placed_at,
        _ => false,
    });
    assert!(!waits, "the customer has just asked for them");
    run.source(|_, wanted| wanted);
    run.obey();
    assert_eq!((units(&run, "1").allocated, authorized_minor(&run.order)), (4, before_minor + 700));
    assert!(run.order.is_paid_for());
    ends_paid(run);
}

#[test]
fn what_was_shipped_keeps_its_price() {
    let mut run = Run::released(core(&[3]));
    run.fulfill(1, FulfillmentRequest::Split { lines: Lines::from([("1".parse().unwrap(), 1)]) }).unwrap();
    run.ship(1).unwrap();
    run.obey();
    let shipped_minor = run.order.shipped_minor;
    change(&mut run, "c1", vec![more("1", 1, 5_000)]).unwrap();
    assert_eq!(run.order.shipped_minor + run.order.remaining_minor(), run.order.total_minor());
    assert_eq!(run.order.shipped_minor, shipped_minor);
}

#[test]
fn a_line_is_added_another_removed_and_a_third_replaced() {
    let mut run = Run::released(core(&[2, 1, 4]));
    let by = line("3-B", 3, 999);
    let changes = vec![
        CoreChange::Add { line: line("new", 2, 500) },
        CoreChange::Remove { line_id: "2".parse().unwrap() },
        CoreChange::Substitute { line_id: "3".parse().unwrap(), by },
    ];
    change(&mut run, "c1", changes).unwrap();
    assert_eq!((units(&run, "new").open, units(&run, "2").ordered, units(&run, "3").ordered, units(&run, "3-B").open), (2, 0, 1, 3));
    run.source(|_, wanted| wanted);
    run.obey();
    ends_paid(run);
}

#[test]
fn another_address_reissues_what_no_facility_has_accepted() {
    let mut run = Run::released(core(&[2]));
    assert_eq!(run.status(1), FulfillmentStatus::Released);
    change(&mut run, "c1", vec![CoreChange::Redirect { group: 0, address_flaw: None }]).unwrap();
    assert_eq!(run.status(1), FulfillmentStatus::Cancelled);
    assert_eq!(units(&run, "1").open, 2);
    let request = run.order.pending_effects().into_iter().find_map(|effect| match effect {
        oms_domain::order::Effect::Source(request) => Some(request),
        _ => None,
    });
    assert_eq!(request.unwrap().changes, run.order.change_ids());
    run.source(|_, wanted| wanted);
    run.obey();
    ends_paid(run);
}

#[test]
fn what_is_found_for_an_address_that_has_changed_is_looked_for_again() {
    let mut run = Run::placed(core(&[2]));
    change(&mut run, "c1", vec![CoreChange::Redirect { group: 0, address_flaw: None }]).unwrap();
    run.source(|_, wanted| wanted);
    assert_eq!(units(&run, "1").open, 2, "planned for where it does not go any more");
    run.source(|_, wanted| wanted);
    run.obey();
    ends_paid(run);
}

#[test]
fn what_must_not_be_split_is_planned_together_again() {
    let mut one_package = core(&[2]);
    one_package.allow_split = false;
    let mut run = Run::released(one_package);
    change(&mut run, "c1", vec![more("1", 1, 300)]).unwrap();
    assert_eq!((run.status(1), units(&run, "1").open), (FulfillmentStatus::Cancelled, 3));
}

#[test]
fn what_cannot_be_made_is_refused_and_the_answer_says_what_is_legal() {
    let mut run = Run::released(core(&[2, 1]));
    run.fulfill(1, FulfillmentRequest::Accept).unwrap();
    let changes = vec![less("1", 1), CoreChange::Redirect { group: 0, address_flaw: None }, less("9", 1), more("2", 1, 10)];
    let refusal = change(&mut run, "c1", changes).unwrap_err();
    assert_eq!(refusal.code, ErrorCode::IllegalTransition);
    let pointers: Vec<&str> = refusal.parts.iter().map(|part| part.pointer.as_str()).collect();
    assert_eq!(pointers, ["/changes/2"], "the facility can be asked about the others");
    let legal =
        ["add", "increase 1", "decrease 1 (at most 2)", "increase 2", "decrease 2 (at most 1)", "address or method of delivery group 0"];
    assert_eq!(refusal.legal_actions, legal);
    assert!(run.order.changes.is_empty() && units(&run, "2").ordered == 1, "a refused set changes nothing");
}

#[test]
fn what_has_shipped_is_refused() {
    let mut run = Run::released(core(&[2]));
    run.ship(1).unwrap();
    run.obey();
    let changes = vec![less("1", 1), CoreChange::Redirect { group: 0, address_flaw: None }];
    let refusal = change(&mut run, "c1", changes).unwrap_err();
    assert_eq!((refusal.code, refusal.parts.len()), (ErrorCode::IllegalTransition, 2));
    assert_eq!(refusal.legal_actions, ["add", "increase 1"]);
}

#[test]
fn the_same_set_again_is_the_same_answer_also_after_the_end() {
    let mut run = Run::released(core(&[2]));
    change(&mut run, "c1", vec![less("1", 1)]).unwrap();
    assert_eq!(change(&mut run, "c1", vec![less("1", 1)]).unwrap(), []);
    assert_eq!(change(&mut run, "c1", vec![less("1", 2)]).unwrap_err().code, ErrorCode::RefusedByRule);
    run.cancel("all", None).unwrap();
    run.obey();
    assert_eq!(run.order.status, OrderStatus::Cancelled);
    assert_eq!(change(&mut run, "c1", vec![less("1", 1)]).unwrap(), []);
    assert_eq!(change(&mut run, "c2", vec![less("1", 1)]).unwrap_err().code, ErrorCode::OrderClosed);
}

#[test]
fn a_set_for_another_version_is_refused_and_its_repeat_is_not() {
    let mut run = Run::released(core(&[2]));
    let mut at = |at_version: u64| {
        let (change_id, reason) = ("c1".parse().unwrap(), "on second thoughts".into());
        run.send(&anew(Request::Change { change_id, reason, changes: vec![less("1", 1)], at_version: Some(at_version) }))
            .map(|_| run.order.version)
    };
    assert_eq!(at(1).unwrap_err().code, ErrorCode::VersionConflict);
    let seen = Run::released(core(&[2])).order.version;
    at(seen).unwrap();
    at(seen).unwrap();
}

#[test]
fn two_changes_of_one_line_are_refused() {
    let mut run = Run::released(core(&[2]));
    let refusal = change(&mut run, "c1", vec![less("1", 1), more("1", 1, 100)]).unwrap_err();
    assert_eq!(refusal.parts[0].pointer, "/changes/1");
}

#[test]
fn without_anyone_to_pay_more_the_order_waits_for_a_payment() {
    let mut paid = core(&[2]);
    paid.payments = vec![payment("gift", PaymentMethod::GiftCard, paid.total_minor())];
    let mut run = Run::released(paid);
    change(&mut run, "c1", vec![more("1", 1, 400)]).unwrap();
    assert_eq!(run.order.shortfall_minor(), 400);
    assert_eq!(run.order.holds.len(), 1);
    run.must(&anew(Request::AddPayment { payment: payment("card", PaymentMethod::Card, 400) }));
    run.source(|_, wanted| wanted);
    run.obey();
    assert!(run.order.holds.is_empty());
    ends_paid(run);
}

#[test]
fn another_method_goes_by_its_own_way() {
    let mut run = Run::released(core(&[2]));
    change(&mut run, "c1", vec![express(None)]).unwrap();
    let kept = CoreGroup { method: DeliveryMethod::Express, pickup_facility_id: None, address_flaw: None, price_minor: Some(300) };
    assert_eq!((&run.order.core.groups[0], run.status(1)), (&kept, FulfillmentStatus::Cancelled));
    assert_eq!(run.order.changes[0].difference_minor, 0);
    let again = change(&mut run, "c2", vec![express(Some(900))]).unwrap_err();
    assert!(again.message.contains("already"), "{again}");
}

#[test]
fn an_order_without_units_ends() {
    let mut run = Run::released(core(&[2]));
    change(&mut run, "c1", vec![CoreChange::Remove { line_id: "1".parse().unwrap() }]).unwrap();
    run.obey();
    assert_eq!((run.order.status, run.order.net_captured_minor(), run.order.total_minor()), (OrderStatus::Cancelled, 0, 0));
}

#[test]
fn a_document_of_an_older_release_has_no_changes() {
    let run = Run::released(core(&[2]));
    let mut document = serde_json::to_value(&run.order).unwrap();
    assert_eq!((document.get("changes"), document.get("outdated_groups")), (None, None), "nothing new is written unless it is used");
    document.as_object_mut().unwrap().remove("changes");
    assert_eq!(serde_json::from_value::<Order>(document).unwrap(), run.order);
}

#[test]
fn a_wrong_address_is_held_and_a_better_one_lets_the_order_go() {
    let mut run = Run::placed(core(&[2]));
    let to = |address_flaw| vec![CoreChange::Redirect { group: 0, address_flaw }];
    change(&mut run, "c1", to(Some(AddressFlaw::PostalCode))).unwrap();
    let held: Vec<_> = run.order.holds.iter().map(|hold| (hold.hold_id.to_string(), hold.reason)).collect();
    assert_eq!(held, [("review.address".to_owned(), HoldReason::IncorrectAddress)]);
    "review.address".parse::<HoldId>().expect("an id like any other, which a person can lift");
    change(&mut run, "c2", to(None)).unwrap();
    assert_eq!(run.order.holds, []);
}

#[test]
fn dearer_shipping_is_paid_by_the_card() {
    let mut run = Run::released(core(&[2, 1]));
    let (before_minor, total_minor) = (authorized_minor(&run.order), run.order.total_minor());
    change(&mut run, "c1", vec![express(Some(900))]).unwrap();
    assert_eq!((run.order.changes[0].difference_minor, run.order.total_minor()), (600, total_minor + 600));
    assert_eq!(change(&mut run, "c1", vec![express(Some(900))]).unwrap(), [], "the same set again is the same answer");
    run.source(|_, wanted| wanted);
    run.obey();
    assert_eq!(authorized_minor(&run.order), before_minor + 600);
    ends_paid(run);
}

#[test]
fn cheaper_shipping_is_given_up_by_the_card() {
    let mut run = Run::released(core(&[2, 1]));
    let total_minor = run.order.total_minor();
    change(&mut run, "c1", vec![express(Some(0))]).unwrap();
    assert_eq!((run.order.changes[0].difference_minor, run.order.total_minor()), (-300, total_minor - 300));
    run.source(|_, wanted| wanted);
    run.obey();
    ends_paid(run);
}

#[test]
fn what_is_cancelled_has_given_up_its_part_of_the_old_price_and_the_rest_bears_the_new_one() {
    let mut run = Run::released(core(&[1, 1]));
    run.cancel("c", Some(Lines::from([("1".parse().unwrap(), 1)]))).unwrap();
    let total_minor = run.order.total_minor();
    change(&mut run, "c1", vec![express(Some(1_000))]).unwrap();
    assert_eq!(run.order.total_minor(), total_minor + 700);
    assert_eq!(run.order.share_minor(&Lines::from([("2".parse().unwrap(), 1)]), false), 1_530 + 150 + 700);
}

#[test]
fn free_units_carry_a_price_too() {
    let mut free = core(&[2, 1]);
    free.lines.iter_mut().for_each(|line| line.total_minor = 0);
    free.order_level_minor = 0;
    free.groups[0].price_minor = Some(0);
    free.payments[0].amount_minor = 0;
    let mut run = Run::released(free);
    change(&mut run, "c1", vec![express(Some(500))]).unwrap();
    assert_eq!(run.order.total_minor(), 500);
}

#[test]
fn a_price_that_leaves_less_than_nothing_is_refused_with_the_field() {
    let mut discounted = core(&[1]);
    // 20.00 of shipping, and a discount of 34.30 on everything: 1.00 is left to pay.
    (discounted.order_level_minor, discounted.groups[0].price_minor) = (-1_430, Some(2_000));
    discounted.payments[0].amount_minor = 100;
    let mut run = Run::released(discounted);
    let refusal = change(&mut run, "c1", vec![express(Some(1_899))]).unwrap_err();
    assert_eq!((refusal.code, refusal.parts[0].pointer.as_str()), (ErrorCode::RefusedByRule, "/changes/0/price_minor"));
    assert!(run.order.changes.is_empty() && run.order.core.groups[0].method == DeliveryMethod::Standard);
    change(&mut run, "c1", vec![express(Some(1_900))]).unwrap();
    assert_eq!(run.order.total_minor(), 0);
}

#[test]
fn an_order_from_before_prices_were_kept_keeps_its_own() {
    let mut older = core(&[1]);
    older.groups[0].price_minor = None;
    let mut run = Run::released(older);
    let refusal = change(&mut run, "c1", vec![express(Some(900))]).unwrap_err();
    assert!(refusal.message.contains("before its shipping price was kept"), "{refusal}");
    change(&mut run, "c1", vec![express(None)]).unwrap();
    assert_eq!(run.order.core.groups[0].price_minor, None);
}

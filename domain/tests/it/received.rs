//! Every time that whoever places an order can name: behind, ahead, ancient. What is waited for is counted from when the house had it.

use jiff::SignedDuration;
use oms_domain::{
    fulfillment::FulfillmentStatus,
    order::{Command, CoreExchange, Effect, Order, OrderCore, OrderStatus, Wait, decide},
    payment::Decline,
    placed::{PaymentMethod, PlacedOrder},
    policy::Policy,
};

use crate::support::{Run, at, core, declined, payment};

const DAY: i64 = 24 * 3_600;

/// Taken in now, whatever its shop says of when it was placed.
fn placed_at(second: i64) -> OrderCore {
    OrderCore { placed_at: at(second), ..core(&[2]) }
}

#[test]
fn an_order_that_reaches_us_late_has_all_its_time_to_be_paid() {
    for second in [-3 * DAY, -4_000 * DAY, 40 * DAY] {
        let mut run = Run::placed(placed_at(second));
        run.source(|_, units| units);
        run.must(&Command::Tick);
        assert_eq!(run.order.status, OrderStatus::Created, "its card has not been answered yet");
        run.gateway("1", declined(Decline::Soft));
        run.must(&Command::Tick);
        assert_eq!((run.order.status, run.order.holds.len()), (OrderStatus::Created, 1), "the customer has time for another one");
        let due = run.order.deadlines().into_iter().find(|known| known.wait == Wait::Payment).unwrap().due;
        assert_eq!(due, at(2 * DAY + 1), "it was begun a second after");
    }
}

#[test]
fn every_age_of_an_order_is_counted_from_when_it_was_taken_in() {
    let policy = Policy { remorse_ms: 3_600_000, ..Policy::default() };
    for second in [-4_000 * DAY, 4_000 * DAY] {
        let mut run = Run::under(placed_at(second), policy.clone());
        let Some(Effect::Source(request)) = run.order.pending_effects().into_iter().next() else { panic!("nothing to source") };
        assert_eq!(request.may_wait_until, at(2 * DAY), "it may wait for company");
        run.source(|_, units| units);
        run.obey();
        assert_eq!(run.status(1), FulfillmentStatus::Open, "the customer may change their mind");
        let remorse = run.order.deadlines().into_iter().find(|known| known.wait == Wait::Remorse).unwrap();
        assert_eq!(remorse.due, at(3_600));
        let mut exchange = placed_at(second);
        exchange.exchange = Some(CoreExchange { order_id: "B1".parse().unwrap(), return_id: "B1-R1".parse().unwrap() });
        exchange.payments = vec![payment("credit", PaymentMethod::Credit, 1_830)];
        let goods = Run::placed(exchange).order.deadlines().into_iter().find(|known| known.wait == Wait::ReturnItems).unwrap();
        assert_eq!(goods.due, at(90 * DAY));
    }
}

#[test]
fn a_preorder_whose_time_is_long_over_is_no_preorder() {
    let mut ancient = core(&[2]);
    ancient.lines[0].fulfill_at = Some(at(-4_000 * DAY));
    assert_eq!(Run::released(ancient).status(1), FulfillmentStatus::Released);
}

#[test]
fn what_may_not_wait_any_more_is_cancelled_and_what_there_is_ships() {
    let mut run = Run::placed(OrderCore { cancel_after: Some(at(-DAY)), ..core(&[5]) });
    run.source(|_, units| units - 2);
    run.obey();
    run.must(&Command::Tick);
    assert_eq!(
        (run.order.status, run.order.all_units().cancelled, run.status(1)),
        (OrderStatus::Processing, 2, FulfillmentStatus::Released)
    );
}

#[test]
fn nobody_places_an_order_after_the_house_had_it() {
    let body = r#"{"order_id":"A1","channel":"web","placed_at":"2199-01-01T00:00:00Z","currency":"GBP",
        "customer":{"customer_id":"C1","name":"S","email":null},"delivery_groups":[],"payments":[],"lines":[],"discounts":[],
        "taxes_included":true,"requested_delivery_date":null,"promise_id":null,"allow_split":true,"allow_backorder":true,"cancel_after":null}"#;
    let placed: PlacedOrder = serde_json::from_str(body).unwrap();
    assert_eq!(OrderCore::of(&placed, at(0)).placed_at, at(0), "else it would lead every list until then");
    let earlier = at(0) - SignedDuration::from_hours(1);
    let late = PlacedOrder { placed_at: earlier, ..placed };
    let core = OrderCore::of(&late, at(0));
    assert_eq!((core.placed_at, core.received_at), (earlier, at(0)));
    let order = Order::new(core, Policy::default());
    assert!(decide(&order, &Command::Place, at(0)).is_ok());
}

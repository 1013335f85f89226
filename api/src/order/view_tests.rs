//! What of an order is shown, and to whom.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::{
    ids::{FacilityId, FulfillmentOrderId, LineId, Sku},
    order::{Answer, Command, FulfillmentRequest, Order, OrderCore, Request, SourcedPackage, SourcingAnswer, WaitingPackage, decide},
    payment::OperationOutcome,
    placed::PlacedOrder,
    policy::Policy,
};
use serde_json::{Value, json};

use super::{OrderView, parse_order};

fn placed() -> PlacedOrder {
    let body = json!({
        "order_id": "V-1", "channel": "web", "placed_at": "2010-12-01T08:26:00Z", "currency": "GBP",
        "customer": {"customer_id": "17850", "name": "Customer 17850", "email": "customer-17850@example.com"},
        "ship_to": {"name": "Customer 17850", "line1": "94 High Street", "city": "Leeds", "country": "GB"},
        "shipping": {"method": "standard", "price_minor": 500},
        "payment": {"method": "card", "token": "tok_17850"},
        "lines": [{"line_id": "1", "sku": "A", "quantity": 6, "unit_price_minor": 255},
                  {"line_id": "2", "sku": "B", "quantity": 2, "unit_price_minor": 339}]
    });
    parse_order(body.to_string().as_bytes()).unwrap()
}

fn does(order: &mut Order, command: Command) {
    let at: Timestamp = "2010-12-01T09:00:00Z".parse().unwrap();
    *order = decide(order, &command, at).unwrap().state;
}

/// Line 1 is at a facility, line 2 waits for stock; authorized.
fn sourced(placed: &PlacedOrder) -> Order {
    let mut order = Order::new(OrderCore::of(placed, placed.placed_at), Policy::default());
    does(&mut order, Command::Place);
    let units = |line: &str, units| BTreeMap::from([(LineId::parse(line).unwrap(), units)]);
    let package = SourcedPackage {
        fulfillment_order_id: FulfillmentOrderId::of(&placed.order_id, 1),
        facility_id: FacilityId::parse("ST-LEEDS").unwrap(),
        group: 0,
        lines: units("1", 6),
        ship_by: None,
    };
    let waiting = WaitingPackage {
        fulfillment_order_id: FulfillmentOrderId::of(&placed.order_id, 2),
        group: 0,
        lines: units("2", 2),
        whole: false,
        on_purpose: false,
    };
    does(&mut order, Command::Answer(Answer::Sourced(SourcingAnswer { round: 1, packages: vec![package], waiting: vec![waiting] })));
    let outcome = OperationOutcome::Succeeded { reference: "auth-1".into(), expires_at: None };
    let payment_id = placed.payments[0].payment_id.clone();
    does(&mut order, Command::Answer(Answer::Payment { payment_id, number: 1, outcome }));
    order
}

fn shown(placed: &PlacedOrder, order: &Order) -> Value {
    let titles = BTreeMap::from([(Sku::parse("A").unwrap(), "LANTERN".to_owned())]);
    serde_json::to_value(OrderView::of(placed, Some(order), &titles)).unwrap()
}

#[test]
fn before_its_first_event_an_order_is_shown_as_placed() {
    let placed = placed();
    let view = serde_json::to_value(OrderView::of(&placed, None, &BTreeMap::new())).unwrap();
    assert_eq!((&view["status"], &view["version"]), (&json!("created"), &json!(0)));
    assert_eq!(view["lines"][0]["units"]["unfilled"], 6);
    assert_eq!(view["totals"]["total_minor"], 6 * 255 + 2 * 339 + 500);
}

#[test]
fn units_money_and_places_are_shown_as_they_stand() {
    let placed = placed();
    let view = shown(&placed, &sourced(&placed));
    assert_eq!(view["status"], "processing");
    assert_eq!((&view["lines"][0]["units"]["allocated"], &view["lines"][1]["units"]["unfilled"]), (&json!(6), &json!(2)));
    assert_eq!(view["totals"]["authorized_minor"], view["totals"]["total_minor"]);
    assert_eq!(view["payments"][0]["operations"][0]["status"], "succeeded");
    assert!(!view.to_string().contains("tok_17850"), "a token is never shown again");

    let [first, second] = [0, 1].map(|index| &view["fulfillment_orders"][index]);
    assert_eq!((&first["facility_id"], &first["lines"][0]["title"]), (&json!("ST-LEEDS"), &json!("LANTERN")));
    assert_eq!(
        (&second["status"], &second["facility_id"], &second["legal_actions"]),
        (&json!("backordered"), &Value::Null, &json!(["move", "split"]))
    );
}

#[test]
fn an_associate_sees_where_it_goes_and_neither_price_nor_email() {
    let placed = placed();
    let view = shown(&placed, &sourced(&placed));
    let associate = view["fulfillment_orders"].to_string();
    assert!(associate.contains("94 High Street"));
    for secret in ["255", "339", "@", "price", "minor"] {
        assert!(!associate.contains(secret), "{secret}: {associate}");
    }
}

#[test]
fn the_actions_shown_as_legal_are_those_that_the_rules_take() {
    let placed = placed();
    let order = sourced(&placed);
    let view = shown(&placed, &order);
    let legal: Vec<&str> = view["fulfillment_orders"][0]["legal_actions"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    assert_eq!(view["fulfillment_orders"][0]["status"], "released");
    assert_eq!(legal, ["accept", "reject", "start-picking", "ship", "move", "split"]);
    for (word, action) in [
        ("accept", FulfillmentRequest::Accept),
        ("start-picking", FulfillmentRequest::StartPicking { picker: "p".into() }),
        ("ship", FulfillmentRequest::Ship { carrier: None, tracking_number: None }),
        ("pack", FulfillmentRequest::Pack { parcels: Vec::new() }),
        ("unpack", FulfillmentRequest::Unpack),
        ("deliver", FulfillmentRequest::Deliver),
        ("release", FulfillmentRequest::Release),
    ] {
        let request = Request::Fulfillment { fulfillment_order_id: FulfillmentOrderId::of(&placed.order_id, 1), action };
        let command = Command::Request { command_id: word.to_owned(), request };
        let taken = decide(&order, &command, order.core.placed_at).is_ok();
        assert_eq!(taken, legal.contains(&word), "{word}");
    }
}

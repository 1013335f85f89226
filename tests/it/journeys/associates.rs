//! What an associate may do, what is refused and what is said then; and goods that are not where the books have them.

use anyhow::Result;
use oms_api::{
    fulfillment::{FulfillmentOrderView, PicklistView},
    order::PaymentView,
    page::Page,
};
use oms_domain::policy::Policy;
use serde_json::{Value, json};

use crate::support::{
    Basket, Shop, in_own_shop, in_shop, replay,
    system::{BATH, LEEDS, YORK},
};

const ACTIONS: [(&str, &str); 11] = [
    ("release", "{}"),
    ("accept", "{}"),
    ("reject", r#"{"reason":"other"}"#),
    ("start-picking", r#"{"picker":"P-7"}"#),
    ("short-pick", r#"{"reason":"not_in_stock","lines":[{"line_id":"1","quantity_short":1}]}"#),
    ("pack", "{}"),
    ("unpack", "{}"),
    ("ship", r#"{"carrier":"van","tracking_number":"V-0"}"#),
    ("deliver", "{}"),
    ("accept-cancellation", "{}"),
    ("refuse-cancellation", "{}"),
];

/// Tries every action that is not listed as legal: each is refused, says why, and changes nothing.
async fn refuses_the_rest(shop: &Shop, part: &FulfillmentOrderView) -> Result<()> {
    let id = part.order_id.parse()?;
    // A capture that comes back meanwhile would be no doing of a refusal.
    let before = shop.until(&id, "have its money at rest", |order| !order.payments.iter().any(money_moves)).await?;
    for (action, body) in ACTIONS.iter().filter(|(action, _)| !part.legal_actions.iter().any(|legal| legal == action)) {
        let body: Value = serde_json::from_str(body)?;
        let refusal = shop.act(&part.fulfillment_order_id, action, body).await?.problem(409, "illegal_transition")?;
        // Delivered is Shipped with all its parcels there: the machine has one word for both.
        let shown = refusal.current_status.as_deref().map(|status| if status == "shipped" { part.status.as_str() } else { status });
        assert_eq!(shown, Some(part.status.as_str()), "{action}: {refusal:?}");
        let legal = refusal.legal_actions.unwrap_or_default();
        assert!(!legal.iter().any(|legal| legal == action), "{action} is refused and said to be legal: {legal:?}");
    }
    assert_eq!(shop.order(&id).await?, before, "a refusal changed something");
    Ok(())
}

fn money_moves(payment: &PaymentView) -> bool {
    payment.operations.iter().any(|operation| operation.status == "pending" || operation.status == "unknown")
}

#[test]
fn what_is_not_legal_is_refused_in_every_state() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let other = shop.stocked(&[(YORK, 10)]).await?;
        // The second part keeps the order open when the first is delivered.
        let order = shop.place_released(&Basket::of(&sku, 2, 6_000).and(&other, 1, 6_000)).await?;
        let mut part =
            order.fulfillment_orders.iter().find(|part| part.facility_id.as_deref() == Some(LEEDS)).cloned().expect("a part in Leeds");
        for action in ["accept", "start-picking", "pack", "unpack", "pack", "ship", "deliver"] {
            refuses_the_rest(shop, &part).await?;
            assert!(part.legal_actions.iter().any(|legal| legal == action), "{action} in {:?}", part.legal_actions);
            let body = ACTIONS.iter().find(|(name, _)| *name == action).map_or("{}", |(_, body)| body);
            part = shop.acts(&part.fulfillment_order_id, action, serde_json::from_str(body)?).await?;
        }
        assert_eq!(part.status, "delivered");
        let none = shop.act(&part.fulfillment_order_id, "deliver", json!({})).await?;
        // To deliver what is delivered is what was asked for already.
        none.view::<FulfillmentOrderView>(200)?;
        Ok(())
    })
}

#[test]
fn what_does_not_exist_is_not_found() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let ninth = format!("{}-F9", order.heading.order_id);
        shop.act(&ninth, "accept", json!({})).await?.problem(404, "fulfillment_order_not_found")?;
        shop.act("nobodys-F1", "accept", json!({})).await?.problem(404, "fulfillment_order_not_found")?;
        shop.act("no-such-form", "accept", json!({})).await?.problem(404, "fulfillment_order_not_found")?;
        shop.act(&order.fulfillment_orders[0].fulfillment_order_id, "paint", json!({})).await?.problem(404, "not_found")?;
        shop.get("/v1/orders/nobodys").await?.problem(404, "order_not_found")?;
        Ok(())
    })
}

#[test]
fn a_rejected_order_goes_to_another_facility_and_not_back() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
        let id = order.heading.order_id.parse()?;
        let first = &order.fulfillment_orders[0];
        assert_eq!(first.facility_id.as_deref(), Some(LEEDS));
        shop.acts(&first.fulfillment_order_id, "reject", json!({"reason": "not_in_stock"})).await?;
        let elsewhere = |order: &oms_api::order::OrderView| {
            order.fulfillment_orders.iter().any(|part| part.status == "released" && part.facility_id.as_deref() == Some(YORK))
        };
        let order = shop.until(&id, "be with another facility", elsewhere).await?;
        assert_eq!(shop.stock(&sku, YORK).await?, (10, 4));
        assert_eq!(shop.stock(&sku, LEEDS).await?.1, 0);
        let part = order.fulfillment_orders.iter().find(|part| part.status == "released").map(|part| part.fulfillment_order_id.clone());
        // Rejected there too, there is nobody left: it waits.
        shop.acts(&part.unwrap_or_default(), "reject", json!({"reason": "other"})).await?;
        let order = shop.until(&id, "wait", |order| order.fulfillment_orders.iter().any(|part| part.status == "backordered")).await?;
        assert_eq!(order.lines[0].units.unfilled, 4);
        replay::keep(&shop.system, &id, "rejected-twice").await
    })
}

#[test]
fn units_that_were_not_found_are_sourced_elsewhere() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 6_000)).await?;
        let (id, part) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        shop.acts(part, "start-picking", json!({"picker": "P-7"})).await?;
        let short = json!({"reason": "not_in_stock", "lines": [{"line_id": "1", "quantity_short": 3}]});
        assert_eq!(shop.acts(part, "short-pick", short).await?.lines[0].quantity, 1);
        let both = shop.until(&id, "have the rest elsewhere", |order| {
            order.fulfillment_orders.iter().any(|part| part.status == "released" && part.facility_id.as_deref() == Some(YORK))
        });
        let both = both.await?;
        shop.fulfill(&both).await?;
        shop.ship(part).await?;
        shop.acts(part, "deliver", json!({})).await?;
        let order = shop.until_status(&id, "completed").await?;
        assert_eq!((order.lines[0].units.delivered, order.totals.captured_minor), (4, 24_000));
        Ok(())
    })
}

#[test]
fn of_two_pickers_who_ask_at_once_each_gets_as_much_as_they_asked_for_and_nothing_of_the_others() -> Result<()> {
    // Nobody else's orders are in Bath.
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(BATH, 10)]).await?;
        for _ in 0..6 {
            shop.place_released(&Basket::of(&sku, 1, 255)).await?;
        }
        let ask = async |picker: &str| -> Result<Vec<String>> {
            let body = json!({"facility_id": BATH, "at_most": 3, "picker": picker});
            let list: PicklistView = shop.post("/v1/picklists", &body).await?.view(200)?;
            Ok(list.results.into_iter().filter(|result| result.picking).map(|result| result.fulfillment_order_id).collect())
        };
        let (one, other) = futures_util::try_join!(ask("p-1"), ask("p-2"))?;
        assert_eq!((one.len(), other.len()), (3, 3), "{one:?} and {other:?}");
        assert!(one.iter().all(|id| !other.contains(id)), "{one:?} and {other:?}");
        Ok(())
    })
}

#[test]
fn a_picklist_begins_the_work_of_a_facility() -> Result<()> {
    // Nobody else's orders are in Bath.
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(BATH, 10)]).await?;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(shop.place_released(&Basket::of(&sku, 1, 255)).await?.heading.order_id.parse()?);
        }
        let list: PicklistView = shop.post("/v1/picklists", &json!({"facility_id": BATH, "at_most": 2})).await?.view(200)?;
        assert_eq!((list.results.len(), list.results.iter().filter(|result| result.picking).count()), (2, 2));
        let mut picking = 0;
        for id in &ids {
            picking += shop.order(id).await?.fulfillment_orders.iter().filter(|part| part.status == "picking").count();
        }
        assert_eq!(picking, 2);
        let read: PicklistView = shop.get(&format!("/v1/picklists/{}", list.picklist_id)).await?.view(200)?;
        assert_eq!(read.results.iter().map(|part| &part.status).collect::<Vec<_>>(), [&Some("picking".to_owned()); 2]);
        shop.ship(&read.results[0].fulfillment_order_id).await?;
        let listed: Page<PicklistView> = shop.get(&format!("/v1/picklists?facility_id={BATH}")).await?.view(200)?;
        assert_eq!(listed.items.len(), 1);
        assert_eq!(listed.items[0].results.iter().map(|part| part.picking).collect::<Vec<_>>(), [false, true]);
        Ok(())
    })
}

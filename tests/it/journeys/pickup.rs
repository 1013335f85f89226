//! Orders that their customer collects: ready is not collected.

use anyhow::Result;
use oms_api::fulfillment::FulfillmentOrderView;
use oms_domain::{payment::OperationKind, policy::Policy};
use serde_json::{Value, json};

use crate::support::{Basket, Shop, in_shop, in_shop_under, replay, system::YORK};

/// Two units that are picked for a customer who comes to York.
async fn picked(shop: &Shop) -> Result<(Basket, FulfillmentOrderView)> {
    let sku = shop.stocked(&[(YORK, 5)]).await?;
    let pickup = json!({"method": "pickup", "price_minor": 0, "pickup_facility_id": YORK});
    let basket = Basket::of(&sku, 2, 255).with("/shipping", pickup);
    let order = shop.place_released(&basket).await?;
    let part = &order.fulfillment_orders[0].fulfillment_order_id;
    let part = shop.acts(part, "start-picking", json!({"picker": "P-7"})).await?;
    Ok((basket, part))
}

fn code(code: &str) -> Value {
    json!({"code": code})
}

#[test]
fn a_pickup_is_handed_over_against_its_code_and_charged_then() -> Result<()> {
    in_shop(async |shop| {
        let (basket, part) = picked(shop).await?;
        let (id, part) = (basket.id(), part.fulfillment_order_id);
        shop.act(&part, "ship", json!({})).await?.problem(409, "refused_by_rule")?;
        let ready = shop.acts(&part, "ready", code("4711")).await?;
        assert_eq!((ready.status.as_str(), ready.code_required), ("ready_for_pickup", true));
        assert!(shop.books(&id).await?.amounts(OperationKind::Capture).is_empty(), "nobody has it yet");
        for wrong in [json!({}), code("4712")] {
            shop.act(&part, "handover", wrong).await?.problem(409, "refused_by_rule")?;
        }
        assert_eq!(shop.acts(&part, "handover", code("4711")).await?.status, "picked_up");
        let order = shop.until_status(&id, "completed").await?;
        assert_eq!((order.lines[0].units.delivered, order.totals.captured_minor), (2, 510));
        let sku = basket.body["lines"][0]["sku"].as_str().unwrap_or_default().parse()?;
        assert_eq!(shop.stock(&sku, YORK).await?, (3, 0));
        let document = serde_json::to_string(&shop.document(&id).await?)?;
        assert!(!document.contains("4711"), "the code is kept as a hash alone");
        replay::keep(&shop.system, &id, "picked-up").await
    })
}

#[test]
fn a_code_is_not_found_out_by_trying() -> Result<()> {
    in_shop(async |shop| {
        let (_, part) = picked(shop).await?;
        let part = part.fulfillment_order_id;
        shop.acts(&part, "ready", code("4711")).await?;
        for n in 0..5 {
            shop.act(&part, "handover", code(&format!("000{n}"))).await?.problem(409, "refused_by_rule")?;
        }
        // From then on not even the right one is looked at.
        for shown in ["0005", "4711"] {
            let refused = shop.act(&part, "handover", code(shown)).await?;
            let after: u64 = refused.headers["retry-after"].to_str()?.parse()?;
            assert!((60..=15 * 60).contains(&after), "{after}");
            refused.problem(429, "too_many_requests")?;
        }
        Ok(())
    })
}

#[test]
fn a_pickup_that_nobody_collects_is_put_back_and_given_up() -> Result<()> {
    in_shop_under(Policy { pickup_window_ms: 2_000, ..Policy::default() }, async |shop| {
        let (basket, part) = picked(shop).await?;
        shop.acts(&part.fulfillment_order_id, "ready", json!({})).await?;
        let order = shop.until_status(&basket.id(), "cancelled").await?;
        assert_eq!((order.lines[0].units.cancelled, order.totals.captured_minor, order.totals.voided_minor), (2, 0, 510));
        let sku = basket.body["lines"][0]["sku"].as_str().unwrap_or_default().parse()?;
        assert_eq!(shop.stock(&sku, YORK).await?, (5, 0));
        replay::keep(&shop.system, &basket.id(), "not-collected").await
    })
}

#[test]
fn the_store_may_say_itself_that_nobody_came() -> Result<()> {
    in_shop(async |shop| {
        let (basket, part) = picked(shop).await?;
        shop.act(&part.fulfillment_order_id, "no-show", json!({})).await?.problem(409, "illegal_transition")?;
        shop.acts(&part.fulfillment_order_id, "ready", json!({})).await?;
        shop.acts(&part.fulfillment_order_id, "no-show", json!({})).await?;
        shop.until_status(&basket.id(), "cancelled").await?;
        Ok(())
    })
}

//! Goods that are not where the books have them: what is said corrects the stock, and the orders it hits are sourced again.

use anyhow::{Context, Result};
use oms_api::{order::OrderView, stock::StockView};
use oms_domain::{ids::Sku, policy::Policy};
use serde_json::{Value, json};

use crate::support::{
    Basket, Shop, in_shop, in_shop_under, replay,
    system::{BATH, LEEDS, YORK},
};

/// On hand, reserved and unavailable in Leeds.
async fn leeds(shop: &Shop, sku: &Sku) -> Result<(i64, i64, i64)> {
    let stock: StockView = shop.get(&format!("/v1/skus/{sku}/availability")).await?.view(200)?;
    let found = stock.positions.iter().find(|position| position.facility_id == LEEDS).context("the position")?;
    Ok((found.on_hand, found.reserved, found.unavailable))
}

fn released_in(order: &OrderView, facility: &str) -> bool {
    order.fulfillment_orders.iter().any(|part| part.status == "released" && part.facility_id.as_deref() == Some(facility))
}

#[test]
fn the_reason_of_a_rejection_decides_what_becomes_of_the_stock() -> Result<()> {
    in_shop(async |shop| {
        for (reason, expected) in [
            ("not_in_stock", (0, 0, 0)),
            ("mismatch", (6, 0, 0)),
            ("damaged", (10, 0, 4)),
            ("no_capacity", (10, 0, 0)),
            ("other", (10, 0, 0)),
        ] {
            let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10)]).await?;
            let order = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
            let part = &order.fulfillment_orders[0];
            assert_eq!(part.facility_id.as_deref(), Some(LEEDS));
            shop.acts(&part.fulfillment_order_id, "reject", json!({"reason": reason})).await?;
            assert_eq!(leeds(shop, &sku).await?, expected, "{reason}");
            shop.until(&order.heading.order_id.parse()?, "be in York", |order| released_in(order, YORK)).await?;
        }
        Ok(())
    })
}

#[test]
fn a_short_pick_leaves_what_was_picked_and_the_rest_comes_from_elsewhere() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 6_000)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        shop.acts(part, "start-picking", json!({"picker": "P-7"})).await?;
        let short = json!({"reason": "not_in_stock", "lines": [{"line_id": "1", "quantity_short": 3}]});
        shop.acts(part, "short-pick", short).await?;
        assert_eq!(leeds(shop, &sku).await?, (1, 1, 0), "one was found, and nothing else is there");
        let id = order.heading.order_id.parse()?;
        shop.until(&id, "have the rest in York", |order| released_in(order, YORK)).await?;
        assert_eq!(shop.stock(&sku, YORK).await?, (10, 3));
        replay::keep(&shop.system, &id, "picked-short").await
    })
}

#[test]
fn a_facility_is_offered_a_line_again_once_it_has_counted() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
        let (id, part) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        shop.acts(part, "reject", json!({"reason": "damaged"})).await?;
        shop.until(&id, "wait", |order| order.fulfillment_orders.iter().any(|part| part.status == "backordered")).await?;
        assert_eq!(leeds(shop, &sku).await?, (10, 0, 4), "six are left, and not offered to it");
        let order = shop.document(&id).await?.context("the document")?;
        assert!(!order.fulfillment_orders.iter().any(|part| part.on_purpose), "nothing else could ship it: it does not wait on purpose");
        // It finds as many as before, so that nothing has come: they are offered to it all the same.
        shop.put(&format!("/v1/stock/{LEEDS}/{sku}"), &json!({"on_hand": 10})).await?.view::<Value>(200)?;
        shop.until(&id, "be in Leeds again", |order| released_in(order, LEEDS)).await?;
        Ok(())
    })
}

#[test]
fn units_that_facilities_give_back_too_often_wait() -> Result<()> {
    in_shop_under(Policy { resource_rounds_max: 1, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10), (BATH, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
        let id = order.heading.order_id.parse()?;
        shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "reject", json!({"reason": "other"})).await?;
        let order = shop.until(&id, "be in York", |order| released_in(order, YORK)).await?;
        let second = order.fulfillment_orders.iter().find(|part| part.status == "released").context("the second")?;
        shop.acts(&second.fulfillment_order_id, "reject", json!({"reason": "other"})).await?;
        let waits = |order: &OrderView| order.fulfillment_orders.iter().any(|part| part.status == "backordered");
        shop.until(&id, "wait rather than ask Bath", waits).await?;
        assert_eq!(shop.stock(&sku, BATH).await?, (10, 0));
        // What comes to a place that has not refused serves it.
        shop.adjust(&sku, BATH, 1).await?;
        shop.until(&id, "be in Bath", |order| released_in(order, BATH)).await?;
        replay::keep(&shop.system, &id, "given-back-too-often").await
    })
}

#[test]
fn a_count_that_finds_too_little_sends_an_order_elsewhere() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10)]).await?;
        let first = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
        let last = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
        shop.put(&format!("/v1/stock/{LEEDS}/{sku}"), &json!({"on_hand": 4})).await?.view::<Value>(200)?;
        // The last one was promised last, so it gives way.
        let id = last.heading.order_id.parse()?;
        shop.until(&id, "be in York", |order| released_in(order, YORK)).await?;
        assert_eq!((shop.stock(&sku, LEEDS).await?, shop.stock(&sku, YORK).await?), ((4, 4), (10, 4)));
        assert!(released_in(&shop.order(&first.heading.order_id.parse()?).await?, LEEDS));
        replay::keep(&shop.system, &id, "stock-shorted").await
    })
}

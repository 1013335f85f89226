//! Parcels that do not arrive: sent again at no charge, or given back; by a person or by policy.

use anyhow::{Context, Result};
use oms_api::fulfillment::FulfillmentOrderView;
use oms_domain::{
    ids::{OrderId, Sku},
    payment::OperationKind,
    policy::{OnLoss, Policy},
};
use serde_json::{Value, json};

use crate::support::{Basket, Shop, basket::unique, in_shop, in_shop_under, replay, system::LEEDS};

/// Two units on their way under a number of the carrier's.
async fn on_its_way(shop: &Shop) -> Result<(OrderId, Sku, String, FulfillmentOrderView)> {
    let sku = shop.stocked(&[(LEEDS, 10)]).await?;
    let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
    let number = unique("V");
    let body = json!({"carrier": "van", "tracking_number": number});
    let part = shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "ship", body).await?;
    let id = order.heading.order_id.parse()?;
    scan(shop, &number, "handed_over", 1).await?;
    let handed = |order: &oms_api::order::OrderView| order.fulfillment_orders[0].parcels[0].status == "handed_over";
    shop.until(&id, "be with the carrier", handed).await?;
    Ok((id, sku, number, part))
}

async fn scan(shop: &Shop, number: &str, status: &str, hours: i64) -> Result<()> {
    let occurred_at = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
    let event =
        json!({"event_id": status, "carrier": "van", "tracking_number": number, "status": status, "occurred_at": occurred_at.to_string()});
    shop.post("/v1/carrier-events", &json!({"events": [event]})).await?.view::<Value>(202)?;
    Ok(())
}

#[test]
fn a_lost_parcel_is_sent_again_at_no_charge() -> Result<()> {
    in_shop(async |shop| {
        let (id, sku, _, part) = on_its_way(shop).await?;
        let parcel = &part.parcels[0].parcel_id;
        let resolve = format!("/v1/parcels/{parcel}/resolve");
        shop.post(&resolve, &json!({"resolution": "replace"})).await?.problem(409, "illegal_transition")?;
        shop.acts(&part.fulfillment_order_id, "mark-lost", json!({"parcels": [parcel]})).await?;
        shop.until(&id, "need attention", |order| order.needs_attention).await?;
        let resolved: FulfillmentOrderView = shop.post(&resolve, &json!({"resolution": "replace"})).await?.view(200)?;
        assert_eq!(resolved.parcels[0].resolution.as_deref(), Some("replace"));
        let order = shop.until(&id, "be sent again", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        let again = order.fulfillment_orders.iter().find(|part| part.status == "released").context("the replacement")?;
        assert_eq!(again.replaces.as_ref(), Some(parcel));
        shop.fulfill(&order).await?;
        let order = shop.until_status(&id, "completed").await?;
        assert_eq!((order.lines[0].units.lost, order.lines[0].units.delivered), (2, 2));
        assert_eq!(shop.books(&id).await?.amounts(OperationKind::Capture), [510]);
        assert_eq!(shop.stock(&sku, LEEDS).await?, (6, 0), "the lost ones are gone for good");
        replay::keep(&shop.system, &id, "lost-and-replaced").await
    })
}

#[test]
fn a_lost_parcel_is_given_back() -> Result<()> {
    in_shop(async |shop| {
        let (id, _, number, part) = on_its_way(shop).await?;
        scan(shop, &number, "lost", 2).await?;
        shop.until(&id, "need attention", |order| order.needs_attention).await?;
        let resolve = format!("/v1/parcels/{}/resolve", part.parcels[0].parcel_id);
        shop.post(&resolve, &json!({"resolution": "refund"})).await?.view::<Value>(200)?;
        let order = shop.until_status(&id, "cancelled").await?;
        assert_eq!((order.totals.captured_minor, order.totals.refunded_minor, order.needs_attention), (510, 510, false));
        Ok(())
    })
}

#[test]
fn a_parcel_sent_back_is_given_back_by_policy_and_nothing_is_restocked_on_a_scan() -> Result<()> {
    in_shop_under(Policy { on_loss: OnLoss::Refund, ..Policy::default() }, async |shop| {
        let (id, sku, number, _) = on_its_way(shop).await?;
        scan(shop, &number, "returned_to_sender", 2).await?;
        let order = shop.until_status(&id, "cancelled").await?;
        assert_eq!((order.lines[0].units.returned, order.totals.refunded_minor), (2, 510));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (8, 0));
        replay::keep(&shop.system, &id, "sent-back").await
    })
}

#[test]
fn a_parcel_that_is_found_after_the_end_is_heard_of_and_needs_a_person() -> Result<()> {
    in_shop_under(Policy { on_loss: OnLoss::Refund, ..Policy::default() }, async |shop| {
        let (id, _, number, _) = on_its_way(shop).await?;
        scan(shop, &number, "lost", 2).await?;
        let ended = shop.until_status(&id, "cancelled").await?;
        scan(shop, &number, "delivered", 3).await?;
        let order = shop.until(&id, "hear of it", |order| order.needs_attention).await?;
        assert!(order.attention[0].why.contains("found"), "{:?}", order.attention);
        assert_eq!((order.status, order.version > ended.version), ("cancelled".to_owned(), true));
        replay::keep(&shop.system, &id, "found-after-the-end").await
    })
}

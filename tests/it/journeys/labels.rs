//! Ship books the label first: without one the goods stay Packed, and say so.

use anyhow::{Result, ensure};
use oms_domain::policy::Policy;
use serde_json::json;

use crate::support::{Basket, basket::unique, books::trouble, in_own_shop, in_shop, in_shop_under, replay, system::LEEDS};

#[test]
fn a_carrier_that_is_down_leaves_the_goods_packed_until_it_is_back() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        let id = order.heading.order_id.parse()?;
        trouble(&shop.system.addresses.carrier_url, json!({"down_for_ms": 600_000})).await?;
        // Answered all the same, once the answer without a label is due.
        let pending = shop.acts(part, "ship", json!({})).await?;
        assert_eq!((pending.status.as_str(), pending.parcels[0].status.as_str()), ("packed", "label_pending"));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 2), "nothing has left the shelf");
        // A second request to ship is the same request.
        assert_eq!(shop.acts(part, "ship", json!({})).await?.parcels.len(), 1);
        trouble(&shop.system.addresses.carrier_url, json!({})).await?;
        let shipped = shop.until_part(&id, 1, "shipped").await?;
        assert!(shipped.parcels[0].tracking_number.is_some());
        replay::keep(&shop.system, &id, "label-pending").await
    })
}

#[test]
fn what_waits_for_a_label_can_still_be_asked_back() -> Result<()> {
    let policy = Policy { cancellation_request_ms: 600_000, ..Policy::default() };
    in_own_shop(policy, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        let id = order.heading.order_id.parse()?;
        trouble(&shop.system.addresses.carrier_url, json!({"down_for_ms": 600_000})).await?;
        shop.acts(part, "ship", json!({})).await?;
        let asked = shop.cancel(&id, "c1", &[]).await?;
        ensure!(asked.requested[0].quantity == 2, "{asked:?}");
        shop.acts(part, "accept-cancellation", json!({})).await?;
        trouble(&shop.system.addresses.carrier_url, json!({})).await?;
        let order = shop.until_status(&id, "cancelled").await?;
        assert_eq!((order.totals.captured_minor, order.totals.voided_minor), (0, 510));
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 0));
        Ok(())
    })
}

#[test]
fn a_carrier_that_refuses_leaves_the_goods_packed_and_needs_a_person() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        // No carrier serves this postal code.
        let order =
            shop.place_released(&Basket::of(&sku, 2, 255).with("/ship_to/country", "DE").with("/ship_to/postal_code", "00000")).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        let refused = shop.acts(part, "ship", json!({})).await?;
        assert_eq!((refused.status.as_str(), refused.parcels[0].status.as_str()), ("packed", "packed"));
        let id = order.heading.order_id.parse()?;
        let order = shop.order(&id).await?;
        ensure!(order.needs_attention && order.attention[0].why.contains("destination_not_served"), "{:?}", order.attention);
        // A person sends it by other means.
        assert_eq!(shop.ship(part).await?.status, "shipped");
        shop.acts(part, "deliver", json!({})).await?;
        shop.until_status(&id, "completed").await?;
        Ok(())
    })
}

#[test]
fn a_fulfillment_order_in_several_parcels_has_a_label_for_each() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 5, 255)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        shop.acts(part, "start-picking", json!({"picker": "P-7"})).await?;
        let parcel = |units: u32| json!({"lines": [{"line_id": "1", "quantity": units}], "weight_g": 400 * units});
        let too_few = shop.act(part, "pack", json!({"parcels": [parcel(2), parcel(2)]})).await?;
        too_few.problem(409, "refused_by_rule")?;
        shop.acts(part, "pack", json!({"parcels": [parcel(2), parcel(3)]})).await?;
        let one_number = shop.act(part, "ship", json!({"carrier": "van", "tracking_number": "ONE"})).await?;
        one_number.problem(409, "refused_by_rule")?;
        let shipped = shop.acts(part, "ship", json!({})).await?;
        let mut numbers: Vec<_> = shipped.parcels.iter().filter_map(|parcel| parcel.tracking_number.clone()).collect();
        numbers.dedup();
        assert_eq!((shipped.status.as_str(), numbers.len()), ("shipped", 2));
        Ok(())
    })
}

#[test]
fn a_label_that_does_not_come_in_time_needs_a_person() -> Result<()> {
    in_own_shop(Policy { label_ms: 1_500, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        let id = order.heading.order_id.parse()?;
        trouble(&shop.system.addresses.carrier_url, json!({"down_for_ms": 600_000})).await?;
        shop.acts(part, "ship", json!({})).await?;
        shop.until(&id, "need attention", |order| order.needs_attention).await?;
        trouble(&shop.system.addresses.carrier_url, json!({})).await?;
        shop.until_part(&id, 1, "shipped").await?;
        shop.until(&id, "need nobody any more", |order| !order.needs_attention).await?;
        Ok(())
    })
}

#[test]
fn goods_nobody_hears_of_are_assumed_delivered_and_marked_so() -> Result<()> {
    in_shop_under(Policy { assumed_delivery_ms: 1_500, ..Policy::default() }, async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        shop.ship(&order.fulfillment_orders[0].fulfillment_order_id).await?;
        let order = shop.until_status(&order.heading.order_id.parse()?, "completed").await?;
        assert!(order.fulfillment_orders[0].parcels[0].assumed_delivered);
        Ok(())
    })
}

#[test]
fn a_number_that_is_given_while_a_label_is_pending_is_the_one_it_goes_under() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        let id = order.heading.order_id.parse()?;
        trouble(&shop.system.addresses.carrier_url, json!({"down_for_ms": 600_000})).await?;
        shop.acts(part, "ship", json!({})).await?;
        let number = unique("V");
        let by_hand = json!({"carrier": "van", "tracking_number": number});
        let shipped = shop.acts(part, "ship", by_hand).await?;
        let numbers: Vec<_> = shipped.parcels.iter().map(|parcel| (parcel.status.as_str(), parcel.tracking_number.as_deref())).collect();
        assert_eq!((shipped.status.as_str(), numbers), ("shipped", vec![("voided", None), ("labelled", Some(number.as_str()))]));
        trouble(&shop.system.addresses.carrier_url, json!({})).await?;
        shop.acts(part, "deliver", json!({})).await?;
        // Whatever the carrier makes of what it was asked for is voided there.
        shop.until_status(&id, "completed").await?;
        Ok(())
    })
}

#[test]
fn a_label_that_the_carrier_does_not_void_needs_a_person_and_is_voided_once_it_does() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let (id, part) = (order.heading.order_id.parse()?, &order.fulfillment_orders[0].fulfillment_order_id);
        let shipped = shop.acts(part, "ship", json!({})).await?;
        let no = json!({"answer_next": {"status": 422, "body": {"status": "refused", "code": "in_use"}}});
        trouble(&shop.system.addresses.carrier_url, no).await?;
        shop.acts(part, "unship", json!({})).await?;
        let order = shop.until(&id, "need attention", |order| order.needs_attention).await?;
        assert_eq!(order.attention[0].subject, format!("{}:label:1:void", shipped.parcels[0].parcel_id));
        let retry = format!("/v1/attention/{id}:{}/retry", order.attention[0].subject);
        shop.post(&retry, &json!({})).await?.view::<()>(204)?;
        shop.until(&id, "need nobody any more", |order| !order.needs_attention).await?;
        shop.cancel(&id, "c1", &[]).await?;
        shop.acts(part, "accept-cancellation", json!({})).await?;
        shop.until_status(&id, "cancelled").await?;
        replay::keep(&shop.system, &id, "label-not-voided").await
    })
}

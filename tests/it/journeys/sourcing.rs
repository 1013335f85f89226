//! Where units are taken: the nearest place that has them, the one store that was asked for, and why.

use anyhow::Result;
use oms_api::{event::AllocationView, page::Page};
use oms_domain::ids::OrderId;
use oms_store::Facility;
use serde_json::json;

use crate::support::{
    Basket, Shop,
    basket::unique,
    in_shop,
    runtime::until,
    system::{BATH, LEEDS, YORK, facility},
};

#[test]
fn the_nearest_facility_that_has_everything_is_chosen_and_the_choice_is_explained() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(BATH, 10), (LEEDS, 1), (YORK, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
        assert_eq!(order.fulfillment_orders.len(), 1);
        assert_eq!(order.fulfillment_orders[0].facility_id.as_deref(), Some(YORK));
        let decisions: Page<AllocationView> = shop.get(&format!("/v1/orders/{}/allocation", order.heading.order_id)).await?.view(200)?;
        assert_eq!(decisions.items.len(), 1);
        let why = decisions.items[0].decision.to_string();
        for facility in [BATH, LEEDS, YORK] {
            assert!(why.contains(facility), "{facility} is not spoken of: {why}");
        }
        Ok(())
    })
}

#[test]
fn what_is_picked_up_comes_from_its_store_alone() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let pickup = json!({"method": "pickup", "price_minor": 0, "pickup_facility_id": YORK});
        let id = shop.place(&Basket::of(&sku, 2, 255).with("/shipping", pickup)).await?;
        // Leeds has it, and York is where the customer will come.
        shop.until_part(&id, 1, "backordered").await?;
        shop.adjust(&sku, BATH, 5).await?;
        shop.adjust(&sku, YORK, 2).await?;
        let order = shop.until(&id, "be in York", |order| order.fulfillment_orders.iter().any(|part| part.status == "released")).await?;
        let part = order.fulfillment_orders.iter().find(|part| part.status == "released").cloned().expect("the part");
        assert_eq!((part.facility_id.as_deref(), part.delivery_method.as_str()), (Some(YORK), "pickup"));
        assert_eq!(
            (shop.stock(&sku, LEEDS).await?, shop.stock(&sku, BATH).await?, shop.stock(&sku, YORK).await?),
            ((10, 0), (5, 0), (2, 2))
        );
        Ok(())
    })
}

#[test]
fn a_mixed_basket_is_picked_up_and_shipped() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10), (YORK, 10)]).await?;
        let ship_to = Basket::empty().body["ship_to"].clone();
        let groups = json!([
            {"delivery_group": "home", "shipping": {"method": "standard", "price_minor": 299}, "ship_to": ship_to},
            {"delivery_group": "shop", "shipping": {"method": "pickup", "price_minor": 0}, "pickup_facility_id": YORK},
        ]);
        let basket = Basket::of(&sku, 1, 255).and(&sku, 2, 255).without("ship_to").without("shipping");
        let basket =
            basket.with("/delivery_groups", groups).with("/lines/0/delivery_group", "home").with("/lines/1/delivery_group", "shop");
        let order = shop.place_released(&basket).await?;
        let mut parts: Vec<_> = order
            .fulfillment_orders
            .iter()
            .map(|part| (part.delivery_method.as_str(), part.facility_id.as_deref(), part.lines[0].quantity))
            .collect();
        parts.sort_unstable();
        assert_eq!(parts, [("pickup", Some(YORK), 2), ("standard", Some(LEEDS), 1)]);
        assert_eq!(order.totals.total_minor, 3 * 255 + 299);
        Ok(())
    })
}

/// The day on which the order's only decision has it shipped, or none: no day has room.
async fn ship_date(shop: &Shop, id: &OrderId) -> Result<Option<String>> {
    shop.until(id, "be sourced", |order| !order.fulfillment_orders.is_empty()).await?;
    let decisions: Page<AllocationView> = shop.get(&format!("/v1/orders/{id}/allocation")).await?.view(200)?;
    let decision = &decisions.items[0].decision[0];
    Ok(decision["packages"][0]["outlook"]["ship_date"].as_str().map(str::to_owned))
}

#[test]
fn a_day_that_is_full_moves_the_next_order_to_another() -> Result<()> {
    in_shop(async |shop| {
        let tiny = unique("TINY");
        let facility = Facility { daily_order_capacity: Some(1), ..facility(&tiny, 53.81, -1.54)? };
        shop.system.store.catalog().put_facility(&facility).await?;
        let sku = shop.stocked(&[(&tiny, 1_000)]).await?;
        // The worker reads the facilities, and what is taken of them, every few seconds: until then nobody ships from there, and then
        // as many as come go into the same day.
        let first = until("an order that ships from the new place", async || {
            let id = shop.place(&Basket::of(&sku, 1, 255)).await?;
            ship_date(shop, &id).await
        });
        let first = first.await?;
        until("an order that does not ship that day", async || {
            let id = shop.place(&Basket::of(&sku, 1, 255)).await?;
            let date = ship_date(shop, &id).await?;
            Ok(date.is_none_or(|date| date > first).then_some(()))
        })
        .await
    })
}

#[test]
fn gifts_and_screws_travel_with_the_rest() -> Result<()> {
    in_shop(async |shop| {
        let (dear, gift, screw) =
            (shop.stocked(&[(LEEDS, 10)]).await?, shop.stocked(&[(LEEDS, 10)]).await?, shop.stocked(&[(LEEDS, 500)]).await?);
        let order = shop.place_released(&Basket::of(&dear, 1, 2_000).and(&gift, 1, 0)).await?;
        assert_eq!((order.fulfillment_orders.len(), order.fulfillment_orders[0].lines.len()), (1, 2), "{:?}", order.fulfillment_orders);
        let order = shop.place_released(&Basket::of(&screw, 100, 5)).await?;
        assert_eq!((order.fulfillment_orders.len(), shop.stock(&screw, LEEDS).await?), (1, (500, 100)));
        Ok(())
    })
}

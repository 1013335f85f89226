//! The queue for stock: whatever makes something possible serves whoever is first; and the queue of a facility: what must leave soonest
//! is first.

use anyhow::{Context, Result};
use jiff::{SignedDuration, Timestamp};
use oms_api::{fulfillment::PicklistView, hold::DeadlineView, order::OrderView, page::Page};
use oms_domain::{
    ids::{OrderId, Sku},
    policy::Policy,
};
use serde_json::{Value, json};

use crate::support::{
    Basket, Shop,
    basket::unique,
    in_own_shop, in_shop, in_shop_under, replay,
    runtime::until,
    system::{LEEDS, YORK},
};

/// Waits until so many units are there, and so many of them reserved.
async fn reserved(shop: &Shop, sku: &Sku, facility: &str, units: (i64, i64)) -> Result<()> {
    until("units to be held", async || Ok((shop.stock(sku, facility).await? == units).then_some(()))).await
}

/// A facility of the test's own, near the customers of its baskets.
async fn facility(shop: &Shop, id: &str, ships: bool) -> Result<()> {
    let body = json!({"name": "x", "type": "warehouse", "country": "GB", "city": "Leeds", "latitude": 53.8, "longitude": -1.55,
        "timezone": "Europe/London", "handling_cost_minor": 90, "cutoff_local_time": "23:59", "working_days": "Mon-Sun",
        "ship_enabled": ships, "pickup_enabled": false});
    shop.put(&format!("/v1/facilities/{id}"), &body).await?.view::<Value>(200)?;
    Ok(())
}

async fn stocked(shop: &Shop, facility: &str, on_hand: i64) -> Result<Sku> {
    let sku = shop.stocked(&[]).await?;
    shop.put(&format!("/v1/stock/{facility}/{sku}"), &json!({"on_hand": on_hand})).await?.view::<Value>(200)?;
    Ok(sku)
}

fn released(order: &OrderView) -> bool {
    order.fulfillment_orders.iter().any(|part| part.status == "released")
}

#[test]
fn a_facility_that_is_switched_on_serves_who_has_waited_for_it_before_anybody_new() -> Result<()> {
    in_shop(async |shop| {
        let place = unique("ST");
        facility(shop, &place, false).await?;
        let sku = stocked(shop, &place, 5).await?;
        let old = shop.place(&Basket::of(&sku, 4, 2_550)).await?;
        shop.until_part(&old, 1, "backordered").await?;
        facility(shop, &place, true).await?;
        let new = shop.place(&Basket::of(&sku, 4, 2_550)).await?;
        let served = shop.until(&old, "be served", released).await?;
        assert_eq!(served.lines[0].units.allocated, 4);
        // What is left is for the new one, which was never in front.
        shop.until(&new, "have the rest", |order| order.lines[0].units.allocated == 1).await?;
        assert_eq!(shop.stock(&sku, &place).await?, (5, 5));
        replay::keep(&shop.system, &old, "switched-on").await
    })
}

#[test]
fn a_facility_that_was_made_just_now_is_known_to_the_next_order() -> Result<()> {
    in_shop(async |shop| {
        let place = unique("NEW");
        facility(shop, &place, true).await?;
        let sku = stocked(shop, &place, 5).await?;
        let order = shop.place_released(&Basket::of(&sku, 2, 2_550)).await?;
        assert_eq!(order.fulfillment_orders[0].facility_id.as_deref(), Some(place.as_str()));
        Ok(())
    })
}

/// In a system of its own: a day goes by for everybody who waits.
#[test]
fn no_time_today_is_asked_again_tomorrow() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let place = unique("BUSY");
        facility(shop, &place, true).await?;
        let sku = stocked(shop, &place, 5).await?;
        let order = shop.place_released(&Basket::of(&sku, 1, 2_550)).await?;
        let id = order.heading.order_id.parse()?;
        shop.acts(&order.fulfillment_orders[0].fulfillment_order_id, "reject", json!({"reason": "no_capacity"})).await?;
        shop.until(&id, "wait", |order| order.fulfillment_orders.iter().any(|part| part.status == "backordered")).await?;
        let deadlines: Page<DeadlineView> = shop.get(&format!("/v1/orders/{id}/deadlines")).await?.view(200)?;
        let wait = deadlines.items.iter().find(|known| known.wait == "capacity").context("a wait for another day")?;
        assert!(wait.due < Timestamp::now() + SignedDuration::from_hours(36), "{wait:?}");
        // Its night is over.
        while shop.system.store.serve_due(Timestamp::now() + SignedDuration::from_hours(25)).await? {}
        shop.until(&id, "be served", released).await?;
        Ok(())
    })
}

#[test]
fn an_order_of_a_channel_with_a_head_start_is_served_before_one_that_came_earlier() -> Result<()> {
    let policy = Policy { head_start_ms: [("vip".to_owned(), 3_600_000)].into(), ..Policy::default() };
    in_shop_under(policy, async |shop| {
        let sku = shop.stocked(&[]).await?;
        let web = shop.place(&Basket::of(&sku, 1, 255)).await?;
        shop.until_part(&web, 1, "backordered").await?;
        let vip = shop.place(&Basket::of(&sku, 1, 255).with("/channel", "vip")).await?;
        shop.until_part(&vip, 1, "backordered").await?;
        shop.adjust(&sku, LEEDS, 1).await?;
        shop.until(&vip, "be served", released).await?;
        assert_eq!(shop.order(&web).await?.lines[0].units.allocated, 0);
        shop.adjust(&sku, LEEDS, 1).await?;
        shop.until(&web, "be served", released).await?;
        Ok(())
    })
}

fn whole(first: &Sku, second: &Sku) -> Basket {
    Basket::of(first, 2, 2_550).and(second, 1, 2_550).with("/allow_split", false)
}

/// It leaves in one package with both lines.
async fn leaves_whole(shop: &Shop, id: &OrderId) -> Result<()> {
    let served = shop.until(id, "be released", released).await?;
    let parts: Vec<_> = served.fulfillment_orders.iter().filter(|part| part.status == "released").collect();
    assert_eq!((parts.len(), parts[0].facility_id.as_deref(), parts[0].lines.len()), (1, Some(LEEDS), 2));
    Ok(())
}

/// It has been planned for: before that its units are nowhere, too.
async fn waits(shop: &Shop, id: &OrderId) -> Result<()> {
    let waits = |order: &OrderView| {
        let is_planned = order.fulfillment_orders.iter().any(|part| part.status == "backordered");
        is_planned && order.lines.iter().all(|line| line.units.unfilled > 0)
    };
    shop.until(id, "wait", waits).await.map(drop)
}

#[test]
fn an_order_that_ships_whole_gathers_at_one_place_and_holds_up_nobody_elsewhere() -> Result<()> {
    in_shop(async |shop| {
        let (first, second) = (shop.stocked(&[]).await?, shop.stocked(&[]).await?);
        let id = shop.place(&whole(&first, &second)).await?;
        waits(shop, &id).await?;
        shop.adjust(&first, LEEDS, 2).await?;
        // Held for it, and it is not told before it can have all.
        reserved(shop, &first, LEEDS, (2, 2)).await?;
        shop.adjust(&second, YORK, 1).await?;
        // Until somebody has looked, the unit is held for it; then it is whose it can be.
        let other = shop.place(&Basket::of(&second, 1, 2_550)).await?;
        let other = shop.until(&other, "be released", released).await?;
        let part = other.fulfillment_orders.iter().find(|part| part.status == "released").context("its part")?;
        assert_eq!(part.facility_id.as_deref(), Some(YORK));
        shop.adjust(&second, LEEDS, 1).await?;
        leaves_whole(shop, &id).await?;
        replay::keep(&shop.system, &id, "whole").await
    })
}

/// Others, who came later, want each of them, and would have taken it each time.
#[test]
fn an_order_that_ships_whole_gets_what_never_is_there_in_the_same_moment_before_those_who_came_later() -> Result<()> {
    in_shop(async |shop| {
        let (first, second) = (shop.stocked(&[]).await?, shop.stocked(&[]).await?);
        let id = shop.place(&whole(&first, &second)).await?;
        waits(shop, &id).await?;
        let mut later = Vec::new();
        for sku in [&first, &first, &second] {
            later.push(shop.place(&Basket::of(sku, 1, 2_550)).await?);
            waits(shop, &later[later.len() - 1]).await?;
        }
        for sku in [&first, &first, &second] {
            shop.adjust(sku, LEEDS, 1).await?;
        }
        leaves_whole(shop, &id).await?;
        for (sku, order) in [&first, &first, &second].into_iter().zip(&later) {
            assert!(!released(&shop.order(order).await?), "it came later");
            shop.adjust(sku, LEEDS, 1).await?;
        }
        for order in &later {
            shop.until(order, "be released", released).await?;
        }
        Ok(())
    })
}

#[test]
fn the_queue_of_a_facility_and_its_picklists_begin_with_what_must_leave_soonest() -> Result<()> {
    in_shop(async |shop| {
        let place = unique("PICK");
        facility(shop, &place, true).await?;
        let sku = stocked(shop, &place, 50).await?;
        let day =
            |days: i64| (Timestamp::now() + SignedDuration::from_hours(24 * days)).to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
        let earlier = (Timestamp::now() - SignedDuration::from_hours(5)).to_string();
        // Placed in the order of the alphabet, which is not that in which they must leave.
        let later = shop.place_released(&Basket::of(&sku, 1, 2_550).with("/requested_delivery_date", day(14))).await?;
        let usual = shop.place_released(&Basket::of(&sku, 1, 2_550)).await?;
        let urgent = Basket::of(&sku, 1, 2_550).with("/placed_at", earlier).with("/requested_delivery_date", day(1));
        let urgent = shop.place_released(&urgent).await?;
        let part = |order: &OrderView| order.fulfillment_orders[0].fulfillment_order_id.clone();
        let expected = [part(&urgent), part(&usual), part(&later)];
        let queue: Value = shop.get(&format!("/v1/fulfillment-orders?facility_id={place}&status=released")).await?.view(200)?;
        let rows = queue["items"].as_array().context("a list")?;
        assert!(rows.iter().all(|row| row["ship_by"].is_string()), "{queue}");
        let ids: Vec<_> = rows.iter().map(|row| row["fulfillment_order_id"].as_str().unwrap_or_default()).collect();
        assert_eq!(ids, expected);
        let picked: PicklistView =
            shop.post("/v1/picklists", &json!({"facility_id": place, "at_most": 1, "picker": "p1"})).await?.view(200)?;
        assert_eq!(picked.results.iter().map(|result| result.fulfillment_order_id.as_str()).collect::<Vec<_>>(), [&expected[0]]);
        Ok(())
    })
}

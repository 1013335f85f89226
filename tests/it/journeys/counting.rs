//! Stock snapshots: what changes too much waits for a person, and what was picked is not lost by a count of the shelf.

use std::time::Duration;

use anyhow::Result;
use jiff::Timestamp;
use oms_api::feed::FeedView;
use oms_domain::{
    feed::FeedStatus,
    ids::{FacilityId, Sku},
    policy::Policy,
};
use oms_store::{FeedKind, FeedMode, FeedRow, PickedUnits, SnapshotGuard, StartFeed, StockCount, Store, StoreConfig};
use oms_workflows::maintenance::contracts::MaintenanceTask;
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Answer, Basket, Shop,
    basket::unique,
    in_own_shop, in_shop,
    system::{LEEDS, YORK},
};

/// Sends a file of feeds.
async fn send(shop: &Shop, feed: &str, csv: String, status: u16) -> Result<FeedView> {
    let request = shop.request(Method::POST, &format!("/v1/feeds/{feed}")).header("content-type", "text/csv").body(csv);
    Answer::to(request).await?.view(status)
}

fn counts(skus: &[Sku], facility: &str, on_hand: u32) -> String {
    let rows: String = skus.iter().map(|sku| format!("{facility},{sku},{on_hand}\n")).collect();
    format!("facility_id,sku,on_hand\n{rows}")
}

/// A hundred products with ten units each at a facility: as many as it takes to be looked at.
async fn a_hundred(shop: &Shop, facility: &str) -> Result<Vec<Sku>> {
    let name = unique("COUNTED");
    let skus = (0..100).map(|n| Ok(format!("{name}-{n}").parse()?)).collect::<Result<Vec<Sku>>>()?;
    let rows: String = skus.iter().map(|sku| format!("{sku},A thing,255,GBP,200,100,80,60\n")).collect();
    send(shop, "products", format!("sku,title,price_minor,currency,weight_g,length_mm,width_mm,height_mm\n{rows}"), 200).await?;
    assert_eq!(send(shop, "stock", counts(&skus, facility, 10), 200).await?.status, "finished");
    Ok(skus)
}

#[test]
fn a_snapshot_that_empties_a_facility_by_mistake_hurts_no_order() -> Result<()> {
    in_shop(async |shop| {
        let skus = a_hundred(shop, YORK).await?;
        let order = shop.place_released(&Basket::of(&skus[0], 3, 255)).await?;
        let parked = send(shop, "stock", counts(&skus, YORK, 0), 202).await?;
        assert_eq!((parked.status.as_str(), shop.stock(&skus[0], YORK).await?), ("parked", (10, 3)));
        let rejected: FeedView = shop.post(&format!("/v1/feeds/{}/reject", parked.feed_id), &json!({})).await?.view(200)?;
        assert_eq!(rejected.status, "rejected");
        // One that is right all the same is applied when a person says so: the order ships what it holds.
        let parked = send(shop, "stock", counts(&skus, YORK, 3), 202).await?;
        let approved: FeedView = shop.post(&format!("/v1/feeds/{}/approve", parked.feed_id), &json!({})).await?.view(200)?;
        assert_eq!((approved.accepted, shop.stock(&skus[0], YORK).await?), (100, (3, 3)));
        shop.fulfill(&order).await?;
        shop.until_status(&order.heading.order_id.parse()?, "completed").await?;
        assert_eq!(shop.stock(&skus[0], YORK).await?, (0, 0));
        Ok(())
    })
}

#[test]
fn a_parked_snapshot_that_nobody_decides_about_is_rejected_by_maintenance() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let skus = a_hundred(shop, LEEDS).await?;
        // By a store whose feeds are overdue as soon as they are parked.
        let guard = SnapshotGuard { decide_within: Duration::ZERO, ..SnapshotGuard::default() };
        let hasty = Store::connect(&StoreConfig { snapshot_guard: guard, ..shop.system.addresses.store_config() }).await?;
        let (mode, picked_units) = (FeedMode::Partial, PickedUnits::Counted);
        let feed = StartFeed {
            kind: FeedKind::Stock,
            source: "a test".into(),
            as_of: None,
            mode,
            picked_units,
            expected_rows: None,
            told_at: jiff::Timestamp::now(),
        };
        let feed_id = hasty.feeds().start(&feed).await?;
        hasty.feeds().apply_stock(feed_id, &nothing_left(&skus)?).await?;
        assert_eq!(hasty.feeds().finish(feed_id).await?.status, FeedStatus::Parked);
        shop.starter.maintain(MaintenanceTask::Prune).await?;
        let run: FeedView = shop.get(&format!("/v1/feeds/{feed_id}")).await?.view(200)?;
        assert_eq!((run.status.as_str(), shop.stock(&skus[0], LEEDS).await?), ("rejected", (10, 0)));
        hasty.close().await;
        Ok(())
    })
}

fn nothing_left(skus: &[Sku]) -> Result<Vec<FeedRow<StockCount>>> {
    let facility_id: FacilityId = LEEDS.parse()?;
    let row = |(sku, row_number): (&Sku, u64)| {
        let (facility_id, sku) = (facility_id.clone(), sku.clone());
        let row = StockCount { facility_id, sku, on_hand: 0, safety_stock: None, oversell_limit: None, unavailable: None };
        FeedRow { row_number, row }
    };
    Ok(skus.iter().zip(1..).map(row).collect())
}

#[test]
fn a_count_of_the_shelf_leaves_packed_units_on_hand() -> Result<()> {
    in_shop(async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let order = shop.place_released(&Basket::of(&sku, 4, 255)).await?;
        let part = &order.fulfillment_orders[0].fulfillment_order_id;
        shop.acts(part, "accept", json!({})).await?;
        shop.acts(part, "start-picking", json!({"picker": "P-7"})).await?;
        shop.acts(part, "pack", json!({})).await?;
        // Six are on the shelf, and four are packed.
        let feed = format!("stock?picked_units=not_counted&as_of={}", Timestamp::now());
        assert_eq!(send(shop, &feed, counts(std::slice::from_ref(&sku), LEEDS, 6), 200).await?.status, "finished");
        assert_eq!(shop.stock(&sku, LEEDS).await?, (10, 4));
        shop.ship(part).await?;
        shop.acts(part, "deliver", json!({})).await?;
        shop.until_status(&order.heading.order_id.parse()?, "completed").await?;
        let feed = format!("stock?picked_units=not_counted&as_of={}", Timestamp::now());
        send(shop, &feed, counts(std::slice::from_ref(&sku), LEEDS, 6), 200).await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (6, 0));
        Ok(())
    })
}

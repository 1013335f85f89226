//! Figures of a shop that is at work: what has happened is counted within seconds, and each figure opens the orders that it counts.

use std::time::Duration;

use anyhow::Result;
use oms_api::insights::{CountedOrdersView, InsightView, LiveView};
use oms_domain::policy::Policy;

use crate::support::{Basket, Shop, in_own_shop, runtime::until_within, system::LEEDS};

async fn figure(shop: &Shop, id: &str) -> Result<InsightView> {
    shop.get(&format!("/v1/insights/{id}?zone=Europe/London&by=day")).await?.view(200)
}

#[test]
fn what_happens_to_orders_is_counted_within_seconds_and_opens_them() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let sku = shop.stocked(&[(LEEDS, 10)]).await?;
        let shipped = shop.place_released(&Basket::of(&sku, 2, 255)).await?;
        let released = shop.place_released(&Basket::of(&sku, 3, 255)).await?;
        shop.fulfill(&shipped).await?;
        let shipped_id = shipped.heading.order_id.parse()?;
        shop.until_status(&shipped_id, "completed").await?;
        let cancelled = shop.place_released(&Basket::of(&sku, 1, 255)).await?;
        let cancelled_id = cancelled.heading.order_id.parse()?;
        shop.cancel(&cancelled_id, "c-1", &[]).await?;
        shop.until_status(&cancelled_id, "cancelled").await?;

        let is_counted = async || {
            let delivered = figure(shop, "stage_delivered").await?;
            let cancelled = figure(shop, "cancellation_rate").await?;
            let is_so = (delivered.total[0].counted, cancelled.total[0].counted) == (1, 1);
            Ok(is_so.then_some((delivered, cancelled)))
        };
        let (delivered, cancelled) = until_within(Duration::from_secs(30), "all of it to be counted", is_counted).await?;
        assert_eq!((delivered.total[0].divided_by, cancelled.total[0].divided_by), (Some(3), Some(6)));
        assert_eq!(delivered.items.iter().map(|piece| piece.value.counted).sum::<i64>(), 1);
        let opened: CountedOrdersView = shop.get("/v1/insights/stage_delivered/orders").await?.view(200)?;
        assert_eq!(opened.items.iter().map(|order| &order.order_id).collect::<Vec<_>>(), [&shipped_id]);
        let value = figure(shop, "shipped_value").await?;
        assert_eq!((value.total[0].currency.as_deref(), value.total[0].counted), (Some("GBP"), 510));
        assert_eq!(figure(shop, "ledger_mismatches").await?.total.iter().map(|value| value.counted).sum::<i64>(), 0);
        let live: LiveView = shop.get("/v1/insights/live").await?.view(200)?;
        let waiting = live.in_work.iter().find(|one| one.status == "released").map(|one| one.fulfillment_orders);
        assert_eq!(waiting, Some(1), "{:?}: {live:?}", released.heading.order_id);
        Ok(())
    })
}

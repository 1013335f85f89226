//! PostgreSQL goes away for a while, or stands still, and comes back.

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use oms_api::order::OrderView;
use oms_domain::policy::Policy;
use oms_workflows::{names::order_workflow_id, order::OrderWorkflow};
use serde_json::json;
use temporalio_common::protos::temporal::api::history::v1::{HistoryEvent, history_event::Attributes};

use super::frozen::Frozen;
use crate::support::{Basket, Shop, in_own_shop, runtime::until, system::LEEDS};

/// An order has felt that the database is away: its own attempt failed, and the record goes by queue `data`.
async fn is_felt(shop: &Shop, orders: &[&OrderView]) -> Result<()> {
    let one_feels_it = async || {
        for order in orders {
            let handle = shop.system.temporal.get_workflow_handle::<OrderWorkflow>(order_workflow_id(&order.heading.order_id.parse()?));
            let events = handle.fetch_history(Default::default()).into_events().await?;
            if events.iter().any(goes_by_queue) {
                return Ok(Some(()));
            }
        }
        Ok(None)
    };
    until("an order to feel it", one_feels_it).await
}

fn goes_by_queue(event: &HistoryEvent) -> bool {
    let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = &event.attributes else { return false };
    scheduled.activity_type.as_ref().is_some_and(|activity| activity.name == "record")
}

#[test]
fn while_postgresql_is_away_orders_wait_and_none_is_lost() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let own = shop.system.own.as_ref().context("a system of its own")?;
        let sku = shop.stocked(&[(LEEDS, 1_000)]).await?;
        let baskets: Vec<Basket> = (0..12).map(|_| Basket::of(&sku, 2, 255)).collect();
        let orders = try_join_all(baskets.iter().map(|basket| shop.place_released(basket))).await?;
        own.stop_postgres().await?;
        let late = Basket::of(&sku, 2, 255);
        let refused = async {
            shop.get("/readyz").await?.problem(503, "unavailable")?;
            shop.send(&late).await?.problem(503, "unavailable")
        };
        // What is on record can be read without it.
        ensure!(shop.document(&baskets[0].id()).await?.is_some());
        let parts = || orders.iter().map(|order| order.fulfillment_orders[0].fulfillment_order_id.as_str());
        // Half are shipped while it is away: without keys, whose place is PostgreSQL, so that the commands reach their orders.
        let shipping = try_join_all(parts().take(6).map(async |part| {
            let answer = shop.act(part, "ship", json!({"carrier": "van", "tracking_number": format!("V-{part}")})).await?;
            ensure!([200, 503, 504].contains(&answer.status), "{answer:?}");
            Ok(answer.status)
        }));
        // It comes back once everything has been asked: who is answered late would find it there again.
        let back = async {
            refused.await?;
            is_felt(shop, &orders.iter().take(6).collect::<Vec<_>>()).await?;
            own.start_postgres(&shop.system.addresses).await
        };
        let (statuses, ()) = tokio::try_join!(shipping, back)?;
        println!("shipped while it was away: {statuses:?}");
        for order in orders.iter().take(6) {
            shop.until_part(&order.heading.order_id.parse()?, 1, "shipped").await?;
        }
        for part in parts().skip(6) {
            shop.insist(part, "ship").await?;
        }
        for part in parts() {
            shop.insist(part, "deliver").await?;
        }
        for basket in &baskets {
            shop.until_status(&basket.id(), "completed").await?;
        }
        shop.place_released(&late).await?;
        assert_eq!(shop.stock(&sku, LEEDS).await?, (1_000 - 24, 2));
        Ok(())
    })
}

#[test]
fn while_postgresql_stands_still_nothing_is_done_twice() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let own = shop.system.own.as_ref().context("a system of its own")?;
        let sku = shop.stocked(&[(LEEDS, 1_000)]).await?;
        let baskets: Vec<Basket> = (0..6).map(|_| Basket::of(&sku, 2, 255)).collect();
        let orders = try_join_all(baskets.iter().map(|basket| shop.place_released(basket))).await?;
        // Calls under way hang; they are given up and made again, and when it moves on, all of them are carried out at once.
        let frozen = Frozen::postgres(own.home.path())?;
        let shipping = try_join_all(orders.iter().map(async |order| {
            let part = &order.fulfillment_orders[0].fulfillment_order_id;
            let answer = shop.act(part, "ship", json!({"carrier": "van", "tracking_number": format!("V-{part}")})).await?;
            ensure!([200, 503, 504].contains(&answer.status), "{answer:?}");
            Ok(())
        }));
        let thaw = async {
            is_felt(shop, &orders.iter().collect::<Vec<_>>()).await?;
            frozen.thaw()
        };
        tokio::try_join!(shipping, thaw)?;
        for basket in &baskets {
            shop.until_part(&basket.id(), 1, "shipped").await?;
            shop.insist(&format!("{}-F1", basket.id()), "deliver").await?;
            shop.until_status(&basket.id(), "completed").await?;
        }
        assert_eq!(shop.stock(&sku, LEEDS).await?, (1_000 - 12, 0));
        Ok(())
    })
}

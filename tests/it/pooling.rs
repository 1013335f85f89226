//! Maintenance of the house as a whole: orders that no facility knows of yet are decided again together, and the stock is priced.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use oms_allocation::Decision;
use oms_api::{
    event::AllocationView,
    maintenance::{PoolView, StockPricesView},
    order::OrderView,
    page::Page,
};
use oms_domain::{
    ids::{OrderId, Sku},
    policy::Policy,
};
use oms_starter::{MaintenanceResult, MaintenanceTask};
use oms_worker::Around;
use serde_json::json;
use temporalio_sdk::interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next};
use tokio::sync::Semaphore;

use crate::support::{
    Basket, Setup, Shop, System, replay, run, sound,
    system::{BATH, LEEDS, YORK},
};

/// Orders wait an hour for what a pool makes of them.
fn patient() -> Policy {
    Policy { remorse_ms: 3_600_000, ..Policy::default() }
}

/// A pool takes every order that is there, so its tests have a house of their own.
fn alone(around: Option<Around>, test: impl AsyncFnOnce(&Shop) -> Result<()>) -> Result<()> {
    run(async {
        let system = System::own(Setup { around, ..Setup::default() }).await?;
        let shop = Shop::open(system.clone(), patient()).await?;
        test(&shop).await?;
        shop.close().await?;
        sound::no_figure_is_off(&system.store).await?;
        system.stop().await
    })
}

async fn allocated(shop: &Shop, basket: &Basket) -> Result<OrderId> {
    let id = shop.place(basket).await?;
    shop.until(&id, "be allocated", |order| !order.fulfillment_orders.is_empty() && order.status == "processing").await?;
    Ok(id)
}

/// Where the order's units are, live parts only.
fn whereabouts(order: &OrderView) -> Vec<(String, u32)> {
    let live = order.fulfillment_orders.iter().filter(|part| part.status != "cancelled");
    let mut found: Vec<_> =
        live.map(|part| (part.facility_id.clone().unwrap_or_default(), part.lines.iter().map(|line| line.quantity).sum::<u32>())).collect();
    found.sort();
    found
}

pub async fn are_at(shop: &Shop, id: &OrderId, places: &[(&str, u32)]) -> Result<()> {
    let found = whereabouts(&shop.order(id).await?);
    let expected: Vec<_> = places.iter().map(|(facility, units)| ((*facility).to_owned(), *units)).collect();
    ensure!(found == expected, "order {id} is at {found:?}, not at {expected:?}");
    Ok(())
}

async fn repool(shop: &Shop, dry_run: bool) -> Result<PoolView> {
    shop.post("/v1/allocation/pool", &json!({"dry_run": dry_run})).await?.view(200)
}

async fn last_decision(shop: &Shop, id: &OrderId) -> Result<Decision> {
    let rounds: Page<AllocationView> = shop.get(&format!("/v1/orders/{id}/allocation")).await?.view(200)?;
    let last = rounds.items.last().context("no decision")?;
    serde_json::from_value::<Vec<Decision>>(last.decision.clone())?.pop().context("no decision")
}

/// An order that took what another one needs with its other line, and the other one, which is split for it.
pub struct Rivals {
    pub sku: Sku,
    pub first: OrderId,
    pub second: OrderId,
}

/// York has so many units of what Leeds has two of.
pub async fn rivals(shop: &Shop, in_york: i64) -> Result<Rivals> {
    let sku = shop.stocked(&[(LEEDS, 2), (YORK, in_york)]).await?;
    let companion = shop.stocked(&[(LEEDS, 5)]).await?;
    let first = allocated(shop, &Basket::of(&sku, 2, 5_000)).await?;
    let second = allocated(shop, &Basket::of(&sku, 2, 5_000).and(&companion, 1, 5_000)).await?;
    are_at(shop, &first, &[(LEEDS, 2)]).await?;
    are_at(shop, &second, &[(LEEDS, 1), (YORK, 2)]).await?;
    Ok(Rivals { sku, first, second })
}

#[test]
fn a_pool_moves_orders_that_are_cheaper_together_and_keeps_their_stock() -> Result<()> {
    alone(None, async |shop| {
        let Rivals { sku, first, second } = rivals(shop, 5).await?;
        let dry = repool(shop, true).await?;
        assert_eq!((dry.orders, dry.planned, dry.moved, dry.blocked), (2, 2, 0, 0), "{dry:?}");
        ensure!(dry.saved_milli > 100_000, "{dry:?}");
        are_at(shop, &second, &[(LEEDS, 1), (YORK, 2)]).await?;

        let pool = repool(shop, false).await?;
        assert_eq!((pool.orders, pool.moved, pool.skipped, pool.failed), (2, 2, 0, 0), "{pool:?}");
        assert_eq!(pool.saved_milli, dry.saved_milli);
        are_at(shop, &first, &[(YORK, 2)]).await?;
        are_at(shop, &second, &[(LEEDS, 3)]).await?;
        assert_eq!((shop.stock(&sku, LEEDS).await?, shop.stock(&sku, YORK).await?), ((2, 2), (5, 2)));
        let why = last_decision(shop, &second).await?;
        assert_eq!((why.pool_id.as_deref(), why.packages.len()), (Some(pool.pool_id.as_str()), 1));

        replay::maintenance_replays(&shop.system, "pool").await?;
        // There is nothing left to gain.
        let again = repool(shop, false).await?;
        assert_eq!((again.planned, again.moved), (0, 0), "{again:?}");
        for id in [&first, &second] {
            replay::replays(&shop.system, id).await?;
            let part = shop.order(id).await?.fulfillment_orders.into_iter().find(|part| part.status == "open").context("open")?;
            shop.acts(&part.fulfillment_order_id, "release", json!({})).await?;
            shop.fulfill(&shop.order(id).await?).await?;
            shop.until_status(id, "completed").await?;
        }
        Ok(())
    })
}

#[test]
fn orders_that_could_only_swap_stay_where_they_are() -> Result<()> {
    alone(None, async |shop| {
        let Rivals { sku, first, second } = rivals(shop, 2).await?;
        let pool = repool(shop, false).await?;
        assert_eq!((pool.orders, pool.planned, pool.blocked, pool.moved), (2, 0, 2, 0), "{pool:?}");
        are_at(shop, &first, &[(LEEDS, 2)]).await?;
        are_at(shop, &second, &[(LEEDS, 1), (YORK, 2)]).await?;
        // One unit more lets them pass each other.
        shop.adjust(&sku, YORK, 2).await?;
        assert_eq!(repool(shop, false).await?.moved, 2);
        are_at(shop, &second, &[(LEEDS, 3)]).await
    })
}

/// Holds a pool between its plan and its moves.
#[derive(Clone)]
struct Gate {
    planned: Arc<Semaphore>,
    go_on: Arc<Semaphore>,
}

impl ActivityInboundInterceptor for Gate {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let plans = input.activity_info().activity_type == "plan_pool";
        Box::pin(async move {
            let planned = next.run(input).await;
            if plans {
                self.planned.add_permits(1);
                // Closed when the test has ended, with or without success.
                drop(self.go_on.acquire().await);
            }
            planned
        })
    }
}

#[test]
fn a_move_that_comes_too_late_is_skipped_and_counted() -> Result<()> {
    let gate = Gate { planned: Arc::new(Semaphore::new(0)), go_on: Arc::new(Semaphore::new(0)) };
    alone(Some(Around::new(gate.clone())), async |shop| {
        let Rivals { sku, first, second } = rivals(shop, 5).await?;
        let part = shop.order(&first).await?.fulfillment_orders[0].fulfillment_order_id.clone();
        let meanwhile = async {
            gate.planned.acquire().await?.forget();
            let released = shop.acts(&part, "release", json!({})).await;
            gate.go_on.add_permits(100);
            released
        };
        let (pool, released) = tokio::join!(repool(shop, false), meanwhile);
        let (pool, released) = (pool?, released?);
        assert_eq!(released.status, "released");
        // The first is with its facility, so that the second finds nothing in its place, and stays.
        assert_eq!((pool.planned, pool.moved, pool.skipped, pool.saved_milli), (2, 0, 2, 0), "{pool:?}");
        are_at(shop, &first, &[(LEEDS, 2)]).await?;
        are_at(shop, &second, &[(LEEDS, 1), (YORK, 2)]).await?;
        assert_eq!((shop.stock(&sku, LEEDS).await?, shop.stock(&sku, YORK).await?), ((2, 2), (5, 2)));
        Ok(())
    })
}

#[test]
fn schedules_are_created_once_and_what_is_not_past_its_time_stays() -> Result<()> {
    alone(None, async |shop| {
        let created = shop.starter.schedule_maintenance().await?;
        let names: Vec<&str> = created.iter().filter_map(|id| Some(id.split_once("maintenance:")?.1)).collect();
        assert_eq!(names, ["pool", "stock-prices", "prune", "export"]);
        assert_eq!(shop.starter.schedule_maintenance().await?, Vec::<String>::new());
        let paused = async |id: &str| -> Result<bool> {
            Ok(shop.system.temporal.get_schedule_handle(id).describe(Default::default()).await?.paused())
        };
        let mut are_paused = Vec::new();
        for id in &created {
            are_paused.push(paused(id).await?);
        }
        assert_eq!(are_paused, [false, true, false, true]);
        allocated(shop, &Basket::of(&shop.stocked(&[(LEEDS, 5)]).await?, 1, 255)).await?;
        let MaintenanceResult::Prune(pruned) = shop.starter.maintain(MaintenanceTask::Prune).await? else { bail!("another task answered") };
        // An intake's reminder goes with the order's first record; the demand it noted is as old as its noting.
        ensure!(pruned.rows <= 1, "{pruned:?}");
        replay::maintenance_replays(&shop.system, "prune").await?;
        replay::keep_maintenance(&shop.system, "prune", "prune").await?;
        for id in created {
            // Nobody serves these queues once the test has ended.
            shop.system.temporal.get_schedule_handle(id).delete(Default::default()).await?;
        }
        Ok(())
    })
}

/// An address beside this facility.
fn beside(basket: Basket, latitude: f64, longitude: f64) -> Basket {
    basket.with("/ship_to/latitude", latitude).with("/ship_to/longitude", longitude)
}

#[test]
fn stock_is_priced_by_what_recent_orders_wanted_and_the_next_decision_names_the_prices() -> Result<()> {
    alone(None, async |shop| {
        // Leeds' customers want more than Leeds has, so each of its units is worth the way from elsewhere.
        let sku = shop.stocked(&[(BATH, 500), (LEEDS, 40)]).await?;
        for _ in 0..3 {
            let id = allocated(shop, &Basket::of(&sku, 10, 255)).await?;
            assert_eq!(last_decision(shop, &id).await?.stock_prices_version, None);
        }
        let priced: StockPricesView = shop.post("/v1/allocation/stock-prices", &json!({})).await?.view(200)?;
        assert_eq!((priced.skus, priced.positions, priced.in_force), (1, 1, true), "{priced:?}");
        let id = allocated(shop, &beside(Basket::of(&sku, 2, 255), 51.4, -2.3)).await?;
        let near = last_decision(shop, &id).await?;
        assert_eq!((near.stock_prices_version.as_deref(), near.packages[0].facility_id.as_str()), (Some(priced.version.as_str()), BATH));
        let price_milli = near.problem.availability.iter().find(|row| row.facility_id == LEEDS).context("Leeds")?.stock_price_milli;
        ensure!(price_milli > 0, "{near:?}");

        let there = last_decision(shop, &allocated(shop, &Basket::of(&sku, 2, 255)).await?).await?;
        let part = if there.packages[0].facility_id == LEEDS { i128::from(2 * price_milli) } else { 0 };
        assert_eq!((there.packages.len(), there.costs.stock_price_milli), (1, part), "what it forgoes is a part of the cost");
        Ok(())
    })
}

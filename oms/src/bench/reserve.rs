//! One SKU that everybody wants: the store's reservation against the two bare statements it is made of, alone and with others of its kind,
//! in a small network and a large one.

use anyhow::{Result, ensure};
use oms_store::{
    Store, StoreConfig, StoreError,
    bench::{HotSku, HotSkuRun, bare_hot_sku, reserve_hot_sku, source_hot_sku},
};

use super::report::Measurement;
use crate::demo::stage::Stage;

/// A worker's connections, and the tasks that it has in hand at once.
const CONNECTIONS: u32 = 16;
const AT_ONCE: u32 = 24;
const WORKERS: usize = 4;
const ORDERS: u64 = 6_000;
/// Planned from the beginning: fewer, as it is the planner that takes the time.
const PLANNED: u64 = 1_000;

const SMALL: u32 = 24;
const LARGE: u32 = 1_000;

pub async fn measure(stage: &Stage, pairs: u32) -> Result<Vec<Measurement>> {
    let config = StoreConfig { max_connections: CONNECTIONS, ..stage.options.store.clone() };
    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        workers.push(Store::connect(&config).await?);
    }
    workers[0].setup().await?;
    let measured = measure_all(&workers, pairs).await;
    for worker in workers {
        worker.close().await;
    }
    measured
}

async fn measure_all(workers: &[Store], pairs: u32) -> Result<Vec<Measurement>> {
    let (one, four) = (&workers[..1], workers);
    let enough = |workers: &[Store]| HotSku { orders: ORDERS, units: ORDERS, at_once: AT_ONCE * workers.len() as u32 };
    // Warms all up, and tries what must never happen: that more win than there are units.
    let scarce = |workers: &[Store]| HotSku { units: ORDERS / 4, ..enough(workers) };
    for workers in [one, four] {
        bare_hot_sku(workers, scarce(workers)).await?;
        sold(workers, scarce(workers), reserve_hot_sku(workers, scarce(workers), SMALL)).await?;
    }
    let (mut alone, mut together, mut large, mut planned) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pairs {
        for (workers, measured) in [(one, &mut alone), (four, &mut together)] {
            let size = enough(workers);
            let bare = bare_hot_sku(workers, size).await?;
            measured.push((bare.per_second(ORDERS), sold(workers, size, reserve_hot_sku(workers, size, SMALL)).await?));
        }
        let size = enough(one);
        let small = sold(one, size, reserve_hot_sku(one, size, SMALL)).await?;
        large.push((small, sold(one, size, reserve_hot_sku(one, size, LARGE)).await?));
    }
    let size = HotSku { orders: PLANNED, units: PLANNED, ..enough(one) };
    let mut small = Vec::new();
    for _ in 0..pairs {
        small.push(sold(one, size, source_hot_sku(one, size, SMALL)).await?);
    }
    for small in small {
        planned.push((small, sold(one, size, source_hot_sku(one, size, LARGE)).await?));
    }
    let what = "reservations of one hot SKU";
    Ok(vec![
        Measurement::ratio(format!("{what}, {SMALL} facilities, one worker, against the bare statements"), &alone, "1/s", 2.0),
        Measurement::ratio(format!("{what}, {SMALL} facilities, {WORKERS} workers, against the bare statements"), &together, "1/s", 0.0),
        Measurement::ratio(format!("{what}, {LARGE} facilities, against {SMALL}"), &large, "1/s", 0.85),
        Measurement::ratio(format!("rounds of sourcing for one hot SKU, {LARGE} facilities, against {SMALL}"), &planned, "1/s", 0.0),
    ])
}

/// Reservations per second, and not one unit too many or too few.
async fn sold(workers: &[Store], size: HotSku, run: impl Future<Output = Result<HotSkuRun, StoreError>>) -> Result<f64> {
    let run = run.await?;
    ensure!(run.won == size.orders.min(size.units), "{} of {} units were sold to {} orders", run.won, size.units, size.orders);
    let figures = workers[0].invariants().await?;
    ensure!(figures.oversold_units == 0 && figures.leaked_reservations == 0, "the stock does not add up: {figures:?}");
    Ok(run.per_second(size.orders))
}

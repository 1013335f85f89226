//! What an order costs: processor time of this process, transactions that write, write units of DynamoDB, and how long an associate waits for an answer
//! while half of what is possible goes on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use oms_domain::{clock::BusinessClock, policy::Policy};
use oms_store::Store;
use tokio::{task::JoinSet, time::interval};

use super::{
    report::Measurement,
    shop::{Shipping, Shop},
};
use crate::demo::stage::Stage;

const IN_FLIGHT: usize = 50;
/// Before anything is measured: caches fill, plans are made.
const WARM_UP: u32 = 50;
/// Of the kernel's processor times: what Linux has everywhere.
const TICKS_A_SECOND: f64 = 100.0;

pub async fn measure(stage: &Stage, pairs: u32, orders: u32) -> Result<Vec<Measurement>> {
    let system = stage.system(BusinessClock::default(), Policy::default()).await?;
    let store = Store::connect(&stage.options.store).await?;
    let shop = Shop::open(system.client()?).await?;
    let measured = tokio::select! {
        measured = measure_all((&store, &system.store), &shop, pairs, orders) => measured,
        served = shop.serve() => match served {
            Ok(()) => bail!("the shop closed"),
            Err(error) => Err(error),
        },
    };
    store.close().await;
    system.stop().await?;
    measured
}

/// `store` looks at PostgreSQL, `own` is the system's, which knows what it has written to DynamoDB.
async fn measure_all((store, own): (&Store, &Store), shop: &Arc<Shop>, pairs: u32, orders: u32) -> Result<Vec<Measurement>> {
    saturated(shop, WARM_UP, Shipping::FourUpdates).await?;
    let (mut processor_ms, mut writes, mut units, mut waits_ms) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pairs {
        let before = processor_s()?;
        saturated(shop, orders, Shipping::ShipOnly).await?;
        processor_ms.push((processor_s()? - before) * 1_000.0 / f64::from(orders));
        let before = (store.transactions_written().await?, own.write_units());
        let per_second = saturated(shop, orders, Shipping::FourUpdates).await?;
        writes.push((store.transactions_written().await? - before.0) as f64 / f64::from(orders));
        units.push((own.write_units() - before.1) as f64 / f64::from(orders));
        waits_ms.push(at_half(shop, per_second / 2.0, orders).await?);
    }
    Ok(vec![
        Measurement::at_most("processor time of an order, ship only, all of this process", &processor_ms, "ms", 24.0),
        Measurement::at_most("PostgreSQL transactions that write, an order with five keyed actions", &writes, "", 12.0),
        Measurement::at_most("DynamoDB write units, an order with five keyed actions", &units, "", 30.0),
        Measurement::at_most("an associate's action at half of the saturated rate, p50", &waits_ms, "ms", 100.0),
    ])
}

/// As fast as it goes, fifty at a time: orders per second.
async fn saturated(shop: &Shop, orders: u32, shipping: Shipping) -> Result<f64> {
    let began = Instant::now();
    let running = stream::iter(0..orders).map(|_| shop.order(shipping)).buffer_unordered(IN_FLIGHT);
    running.map_ok(drop).try_collect::<Vec<()>>().await?;
    Ok(f64::from(orders) / began.elapsed().as_secs_f64())
}

/// Orders come when they come, whether or not those before them are done: the median of how long an action took, in milliseconds.
async fn at_half(shop: &Arc<Shop>, per_second: f64, orders: u32) -> Result<f64> {
    shop.forget_waits();
    let (mut coming, mut under_way) = (interval(Duration::from_secs_f64(1.0 / per_second)), JoinSet::new());
    for _ in 0..orders {
        coming.tick().await;
        let shop = shop.clone();
        under_way.spawn(async move { shop.order(Shipping::FourUpdates).await.map(drop) });
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    let mut waits = shop.waits();
    waits.sort_unstable();
    let median = waits.get(waits.len() / 2).context("no action was taken")?;
    Ok(median.as_secs_f64() * 1_000.0)
}

/// Processor time of this process so far.
fn processor_s() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("this process' times; this measurement needs Linux")?;
    // The program's name, in brackets, may hold anything; user and system time are the 12th and 13th after it.
    let after_name = stat.rsplit_once(')').context("this process' times")?.1;
    let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>).collect::<Result<Vec<_>, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_A_SECOND)
}

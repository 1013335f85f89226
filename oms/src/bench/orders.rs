//! Orders per second with fifty in flight, all parts real, against the bare workflow on the same server.

use std::time::Instant;

use anyhow::{Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use oms_domain::{clock::BusinessClock, policy::Policy};

use super::{
    bare::BareWorker,
    report::Measurement,
    shop::{Shipping, Shop},
};
use crate::demo::stage::Stage;

const IN_FLIGHT: usize = 50;
/// Before anything is measured: caches fill, plans are made.
const WARM_UP: u32 = 50;

pub async fn measure(stage: &Stage, pairs: u32, orders: u32) -> Result<Vec<Measurement>> {
    let system = stage.system(BusinessClock::default(), Policy::default()).await?;
    let bare = BareWorker::start(&stage.options.temporal).await?;
    let shop = Shop::open(system.client()?).await?;
    let measured = tokio::select! {
        measured = measure_pairs(&bare, &shop, pairs, orders) => measured,
        served = shop.serve() => match served {
            Ok(()) => bail!("the shop closed"),
            Err(error) => Err(error),
        },
    };
    bare.stop().await?;
    system.stop().await?;
    measured
}

async fn measure_pairs(bare: &BareWorker, shop: &Shop, pairs: u32, orders: u32) -> Result<Vec<Measurement>> {
    let yardstick = async |count| per_second(count, || bare.run_one()).await;
    let system = async |count, shipping| per_second(count, || async move { shop.order(shipping).await.map(drop) }).await;
    yardstick(WARM_UP).await?;
    system(WARM_UP, Shipping::FourUpdates).await?;
    let mut measurements = Vec::new();
    for (shipping, what, bound) in [(Shipping::ShipOnly, "ship only", 0.6), (Shipping::FourUpdates, "four updates", 0.45)] {
        let mut measured = Vec::new();
        for _ in 0..pairs {
            measured.push((yardstick(orders).await?, system(orders, shipping).await?));
        }
        let what = format!("orders completed, {IN_FLIGHT} in flight, {what}");
        measurements.push(Measurement::ratio(what, &measured, "1/s", bound));
    }
    Ok(measurements)
}

/// Runs so many, always fifty at a time.
async fn per_second<F: Future<Output = Result<()>>>(count: u32, one: impl Fn() -> F) -> Result<f64> {
    let began = Instant::now();
    stream::iter(0..count).map(|_| one()).buffer_unordered(IN_FLIGHT).try_collect::<Vec<()>>().await?;
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

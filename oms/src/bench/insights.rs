//! Figures: how far behind they are while orders come, how fast they are counted, and how long a page of a quarter of a year takes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use oms_devstack::Progress;
use oms_domain::{clock::BusinessClock, policy::Policy};
use oms_store::{
    Store, StoreConfig,
    bench::{copy_orders, count_anew, figure_pages},
};
use tokio::{
    task::JoinSet,
    time::{interval, sleep},
};

use super::{
    report::Measurement,
    shop::{Shipping, Shop},
};
use crate::demo::stage::Stage;

/// In the last 90 days, unless it is said how many.
pub const ORDERS: u32 = 1_000_000;
/// Orders that come while it is looked how far behind figures are, and how many a second.
const COMING: u32 = 500;
const PER_SECOND: f64 = 25.0;
const WARM_UP: u32 = 50;
const IN_FLIGHT: usize = 25;
const LOOK_EVERY: Duration = Duration::from_millis(200);
const STATEMENT_MAX: Duration = Duration::from_secs(1_800);

pub async fn measure(stage: &Stage, progress: &Progress, orders: u32) -> Result<Vec<Measurement>> {
    let config = StoreConfig { statement_timeout: STATEMENT_MAX, ..stage.options.store.clone() };
    let store = Store::connect(&config).await?;
    progress.say("Watching figures while orders come");
    let mut measured = behind(stage, &store).await?;
    progress.say(&format!("Making {orders} orders"));
    copy_orders(&store, orders.into()).await?;
    progress.say("Counting them");
    let took = count_anew(&store).await?.as_secs_f64();
    let each_ms = took * 1_000.0 / f64::from(orders);
    measured.push(Measurement::at_most("counting an order anew: 2,000 a second are 0.5 ms", &[each_ms], "ms", 0.5));
    measured.push(Measurement::told("all of them", took, "s"));
    for page in figure_pages(&store).await? {
        measured.push(Measurement::at_most(format!("{}, p99", page.what), &[page.p99.as_secs_f64() * 1_000.0], "ms", 100.0));
    }
    store.close().await;
    Ok(measured)
}

async fn behind(stage: &Stage, store: &Store) -> Result<Vec<Measurement>> {
    let system = stage.system(BusinessClock::default(), Policy::default()).await?;
    let shop = Shop::open(system.client()?).await?;
    let measured = tokio::select! {
        measured = lags(store, &shop) => measured,
        served = shop.serve() => match served {
            Ok(()) => bail!("the shop closed"),
            Err(error) => Err(error),
        },
    };
    system.stop().await?;
    measured
}

/// All but one in a hundred looks found figures no further behind.
async fn lags(store: &Store, shop: &Arc<Shop>) -> Result<Vec<Measurement>> {
    let running = stream::iter(0..WARM_UP).map(|_| shop.order(Shipping::FourUpdates)).buffer_unordered(IN_FLIGHT);
    running.map_ok(drop).try_collect::<Vec<()>>().await?;
    let (mut lags, begun) = (Vec::new(), Instant::now());
    let coming = async {
        let (mut ticks, mut under_way) = (interval(Duration::from_secs_f64(1.0 / PER_SECOND)), JoinSet::new());
        for _ in 0..COMING {
            ticks.tick().await;
            let shop = shop.clone();
            under_way.spawn(async move { shop.order(Shipping::FourUpdates).await.map(drop) });
        }
        while let Some(done) = under_way.join_next().await {
            done??;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        came = coming => came?,
        looked = look(store, &mut lags) => looked?,
    }
    let per_second = f64::from(COMING) / begun.elapsed().as_secs_f64();
    lags.sort_unstable();
    let p99 = lags.get(lags.len().saturating_sub(1 + lags.len() / 100)).copied().unwrap_or_default();
    Ok(vec![
        Measurement::at_most("figures are behind, p99", &[p99 as f64 / 1_000.0], "s", 5.0),
        Measurement::told("orders a second meanwhile", per_second, "1/s"),
    ])
}

/// Until nobody wants to know any more.
async fn look(store: &Store, lags: &mut Vec<i64>) -> Result<()> {
    loop {
        lags.push(store.insights_freshness().await?.lag_ms);
        sleep(LOOK_EVERY).await;
    }
}

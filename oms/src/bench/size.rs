//! What an order leaves behind, and a shop of many years: what its lists, its figures, a snapshot of all its stock and pruning cost.

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
    bench::{Size, count_everything, fill, lists, metrics, prune_all, relation_sizes},
};

use super::{
    report::Measurement,
    shop::{Shipping, Shop},
};
use crate::demo::stage::Stage;

/// Of the shop, unless it is said how many.
pub const ORDERS: u32 = 1_000_000;
const FACILITIES: u64 = 1_000;
/// Months that it keeps, of the two years that it has been there.
const HISTORY_MONTHS: u32 = 18;
/// To make it, statements take their time.
const STATEMENT_MAX: Duration = Duration::from_secs(1_800);
/// Orders whose bytes are counted, and those before that fill the first page of everything; how many go on at once.
const COUNTED: u32 = 2_000;
const WARM_UP: u32 = 200;
const IN_FLIGHT: usize = 10;
/// Orders after which what is dead in the tables is free again, as autovacuum sees to it where a fifth of a table is dead.
const VACUUMED_EVERY: u32 = 200;
const KILOBYTE: f64 = 1_000.0;
/// Less of an order in a table than this is not worth a line.
const TOLD_FROM_KB: f64 = 0.05;

pub async fn measure(stage: &Stage, progress: &Progress, orders: u32, positions: u32) -> Result<Vec<Measurement>> {
    let config = StoreConfig { statement_timeout: STATEMENT_MAX, history_months: Some(HISTORY_MONTHS), ..stage.options.store.clone() };
    let store = Store::connect(&config).await?;
    let mut measured = order_bytes(stage, &store).await?;
    let size = Size { orders: orders.into(), positions: positions.into(), facilities: FACILITIES };
    progress.say(&format!("Making {orders} orders and {positions} positions"));
    let begun = Instant::now();
    fill(&store, size).await?;
    measured.push(Measurement::told("making the shop", begun.elapsed().as_secs_f64(), "s"));
    progress.say("Reading every list");
    let times = lists(&store, size).await?;
    measured.extend(times.into_iter().map(|timed| at_most_ms(format!("{}, p99", timed.what), timed.p99, 50.0)));
    measured.push(at_most_ms("figures behind /metrics, p99", metrics(&store).await?.p99, 50.0));
    progress.say("Counting every position");
    measured.extend(snapshot(&store).await?);
    progress.say("Pruning");
    measured.extend(prune(&store).await?);
    store.close().await;
    Ok(measured)
}

fn at_most_ms(what: impl Into<String>, took: Duration, bound: f64) -> Measurement {
    Measurement::at_most(what, &[took.as_secs_f64() * 1_000.0], "ms", bound)
}

/// What tables and indexes have grown by, for each order that went all the way: by `ship` alone, and by four actions of an associate.
async fn order_bytes(stage: &Stage, store: &Store) -> Result<Vec<Measurement>> {
    let system = stage.system(BusinessClock::default(), Policy::default()).await?;
    let shop = Shop::open(system.client()?).await?;
    let measured = tokio::select! {
        measured = both_ways(store, &shop) => measured,
        served = shop.serve() => match served {
            Ok(()) => bail!("the shop closed"),
            Err(error) => Err(error),
        },
    };
    system.stop().await?;
    measured
}

async fn both_ways(store: &Store, shop: &Arc<Shop>) -> Result<Vec<Measurement>> {
    complete(shop, WARM_UP, Shipping::FourUpdates).await?;
    let mut measured = grown_by(store, shop, Shipping::ShipOnly, "ship only").await?;
    measured.extend(grown_by(store, shop, Shipping::FourUpdates, "four updates").await?);
    Ok(measured)
}

async fn grown_by(store: &Store, shop: &Arc<Shop>, shipping: Shipping, how: &str) -> Result<Vec<Measurement>> {
    let before = relation_sizes(store).await?;
    for _ in 0..COUNTED / VACUUMED_EVERY {
        complete(shop, VACUUMED_EVERY, shipping).await?;
        relation_sizes(store).await?;
    }
    let after = relation_sizes(store).await?;
    let kilobytes = |table: &str, bytes: i64| {
        let grown = bytes - before.get(table).copied().unwrap_or_default();
        grown as f64 / KILOBYTE / f64::from(COUNTED)
    };
    let mut tables: Vec<(f64, &str)> = after.iter().map(|(table, bytes)| (kilobytes(table, *bytes), table.as_str())).collect();
    tables.sort_by(|one, other| other.0.total_cmp(&one.0));
    // What figures keep of it is counted by itself: it can be made anew, and others may do without.
    let of_figures = |table: &str| table.starts_with("insight_") || table.starts_with("fact_");
    let sum = |figures: bool| tables.iter().filter(|(_, table)| of_figures(table) == figures).map(|(kilobytes, _)| kilobytes).sum();
    let (all, figures) = (sum(false), sum(true));
    let told = tables.iter().filter(|(kilobytes, _)| *kilobytes >= TOLD_FROM_KB);
    let of = |(kilobytes, table): &(f64, &str)| Measurement::told(format!("of these, in {table}"), *kilobytes, "kB");
    let whole = Measurement::at_most(format!("tables and indexes of an ended one-line order, {how}"), &[all], "kB", 15.0);
    let figures = Measurement::at_most(format!("tables and indexes of its figures, {how}"), &[figures], "kB", 6.0);
    Ok([whole, figures].into_iter().chain(told.map(of)).collect())
}

async fn complete(shop: &Shop, orders: u32, shipping: Shipping) -> Result<()> {
    let running = stream::iter(0..orders).map(|_| shop.order(shipping)).buffer_unordered(IN_FLIGHT);
    running.map_ok(drop).try_collect::<Vec<()>>().await.map(drop)
}

async fn snapshot(store: &Store) -> Result<Vec<Measurement>> {
    let run = count_everything(store).await?;
    let what = format!("longest transaction of a full snapshot of {} positions", run.positions);
    Ok(vec![at_most_ms(what, run.longest_transaction, 200.0), Measurement::told("the whole of it", run.took.as_secs_f64(), "s")])
}

async fn prune(store: &Store) -> Result<Vec<Measurement>> {
    let run = prune_all(store).await?;
    let what = format!("pruning {} rows and months, to the end", run.gone);
    Ok(vec![
        Measurement::at_most(what, &[run.took.as_secs_f64()], "s", 600.0),
        Measurement::told("its longest call", run.longest_call.as_secs_f64(), "s"),
    ])
}

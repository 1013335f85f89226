//! One SKU that everybody wants: the store's reservation against the two bare statements it is made of.

use anyhow::{Result, ensure};
use oms_store::{
    Store, StoreConfig,
    bench::{HotSku, bare_hot_sku, reserve_hot_sku},
};

use super::report::Measurement;
use crate::demo::stage::Stage;

/// Connections of the pool, all used.
const CONNECTIONS: u32 = 16;
const ORDERS: u64 = 4_000;

pub async fn measure(stage: &Stage, pairs: u32) -> Result<Vec<Measurement>> {
    let store = Store::connect(&StoreConfig { max_connections: CONNECTIONS, ..stage.options.store.clone() }).await?;
    store.setup().await?;
    let enough = HotSku { orders: ORDERS, units: ORDERS, connections: CONNECTIONS };
    // Warms both up, and tries what must never happen: that more win than there are units.
    let scarce = HotSku { orders: ORDERS, units: ORDERS / 4, connections: CONNECTIONS };
    for size in [scarce, enough] {
        bare_hot_sku(&store, size).await?;
        sold(&store, size).await?;
    }
    let mut measured = Vec::new();
    for _ in 0..pairs {
        let bare = bare_hot_sku(&store, enough).await?;
        measured.push((bare.per_second(ORDERS), sold(&store, enough).await?));
    }
    store.close().await;
    let what = format!("reservations of one hot SKU, {CONNECTIONS} connections");
    Ok(vec![Measurement::ratio(what, &measured, "1/s", 0.6)])
}

/// Reservations per second, and not one unit too many or too few.
async fn sold(store: &Store, size: HotSku) -> Result<f64> {
    let run = reserve_hot_sku(store, size).await?;
    ensure!(run.won == size.orders.min(size.units), "{} of {} units were sold to {} orders", run.won, size.units, size.orders);
    let figures = store.invariants().await?;
    ensure!(figures.oversold_units == 0 && figures.leaked_reservations == 0, "the stock does not add up: {figures:?}");
    Ok(run.per_second(size.orders))
}

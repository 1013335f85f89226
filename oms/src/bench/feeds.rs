//! What others wait for while a feed of receipts comes in, against the same without one.

use std::time::Duration;

use anyhow::Result;
use oms_store::{
    Store,
    bench::{ActionTimes, Counters},
};

use super::report::Measurement;
use crate::demo::stage::Stage;

const RECEIPTS: u64 = 60_000;
const PRODUCTS: u64 = 3_642;
/// Of each kind, alone.
const ACTIONS: u64 = 1_500;
const BOUND: f64 = 3.0;

pub async fn measure(stage: &Stage, pairs: u32) -> Result<Vec<Measurement>> {
    let store = Store::connect(&stage.options.store).await?;
    store.setup().await?;
    let mut measured = Vec::new();
    for _ in 0..pairs {
        // One of its own each: the feed before has filled some of what was out.
        let shop = Counters::open(&store, PRODUCTS).await?;
        measured.push((shop.alone(ACTIONS).await?, shop.beside_receipts(RECEIPTS).await?));
    }
    store.close().await;
    let times = |of: fn(&ActionTimes) -> Duration| {
        let ms = |times: &ActionTimes| of(times).as_secs_f64() * 1_000.0;
        measured.iter().map(|(alone, beside)| (ms(alone), ms(beside))).collect::<Vec<_>>()
    };
    let beside = format!("p99 beside a feed of {RECEIPTS} receipts");
    Ok(vec![
        Measurement::times(format!("reservation, {beside}"), &times(|times| times.reservation), "ms", BOUND),
        Measurement::times(format!("reservation that waits, {beside}"), &times(|times| times.waiting), "ms", BOUND),
        Measurement::times(format!("return put back, {beside}"), &times(|times| times.restock), "ms", BOUND),
    ])
}

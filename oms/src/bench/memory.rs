//! Resident memory of a worker process of its own: idle, and with a thousand open orders in its cache.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::SignedDuration;
use oms_api::order::body::OrderBody;
use oms_domain::placed::PlacedOrder;
use oms_workflows::names::Queues;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::{
    process::{Child, Command},
    time::Instant,
};

use super::report::Measurement;
use crate::{
    client::Api,
    demo::{
        data::Data,
        generate::generate,
        stage::{Stage, feed},
    },
    runtime::{System, SystemOptions},
};

const ORDERS: usize = 1_000;
const SEED: u64 = 1;
const PLACED_AT_ONCE: usize = 16;
/// A worker is idle when its memory has not grown for so long.
const SETTLED_FOR: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(600);
const MEGABYTE: f64 = 1_000_000.0;

pub async fn measure(stage: &Stage, data: Option<&Path>) -> Result<Vec<Measurement>> {
    let data = match data {
        Some(folder) => Data::read(folder, ORDERS, SignedDuration::ZERO)?,
        None => generate(ORDERS, SEED, SignedDuration::ZERO)?,
    };
    // This process serves queues that nobody uses: the orders are the other process's.
    let mut options = stage.options.clone();
    options.worker.queues = Queues::new("nobody-");
    let system = System::start(options).await?;
    let measured = measure_worker(stage, &system, &data).await;
    system.stop().await?;
    measured
}

async fn measure_worker(stage: &Stage, system: &System, data: &Data) -> Result<Vec<Measurement>> {
    let api = system.client()?;
    feed(&api, "facilities", None, data.facilities.clone()).await?;
    feed(&api, "products", None, data.products.clone()).await?;
    feed(&api, "stock", None, data.stock.clone()).await?;
    let mut worker = spawn_worker(stage)?;
    let idle = settled(&mut worker).await?;
    place(&api, &data.orders).await?;
    until_processing(&api, data.orders.len(), &mut worker).await?;
    let busy = settled(&mut worker).await?;
    worker.kill().await.context("stop the worker")?;
    let what = format!("worker with {} open orders, resident", data.orders.len());
    Ok(vec![Measurement::at_most("idle worker, resident", &[idle], "MB", 80.0), Measurement::at_most(what, &[busy], "MB", 250.0)])
}

/// `oms worker`, as anybody would start it.
fn spawn_worker(stage: &Stage) -> Result<Child> {
    let SystemOptions { store, customer_key, .. } = &stage.options;
    let environment = [
        ("DATABASE_URL", store.database_url.expose_secret()),
        ("AWS_ENDPOINT_URL_DYNAMODB", &stage.stack.dynamodb_endpoint),
        ("AWS_ACCESS_KEY_ID", "any"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
        ("AWS_REGION", "eu-west-1"),
        ("TEMPORAL_ADDRESS", &stage.stack.temporal_address),
        ("TEMPORAL_NAMESPACE", "default"),
        ("OMS_PRIVACY_KEY", customer_key.expose_secret()),
        ("OMS_PAYMENT_GATEWAY_URL", &stage.stack.payment_gateway_url),
        ("OMS_CARRIER_URL", &stage.stack.carrier_url),
        ("RUST_LOG", "warn"),
    ];
    let program = std::env::current_exe().context("the path of this program")?;
    let mut worker = Command::new(program);
    worker.arg("worker").envs(environment).kill_on_drop(true);
    worker.spawn().context("start a worker")
}

/// The worker's resident memory in megabytes, once it has stopped growing.
async fn settled(worker: &mut Child) -> Result<f64> {
    let (mut most, mut grew_at, began) = (0.0, Instant::now(), Instant::now());
    while grew_at.elapsed() < SETTLED_FOR {
        let now = resident_mb(worker)?;
        // A page more or less is no growth.
        if now > most * 1.005 {
            (most, grew_at) = (now, Instant::now());
        }
        if began.elapsed() > PATIENCE {
            bail!("the worker's memory goes on growing: {now:.0} MB");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    resident_mb(worker)
}

fn resident_mb(worker: &mut Child) -> Result<f64> {
    if let Some(status) = worker.try_wait().context("the worker")? {
        bail!("the worker ended: {status}");
    }
    let id = worker.id().context("the worker has ended")?;
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).context("the worker's memory; this measurement needs Linux")?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the worker's memory")?;
    let kilobytes: f64 = resident.trim().trim_end_matches(" kB").parse().context("the worker's memory")?;
    Ok(kilobytes * 1_024.0 / MEGABYTE)
}

async fn place(api: &Api, orders: &[PlacedOrder]) -> Result<()> {
    let placing = orders.iter().map(|order| async move { api.post(&["v1", "orders"], &json!(OrderBody::from(order))).await.map(drop) });
    stream::iter(placing).buffer_unordered(PLACED_AT_ONCE).try_collect().await
}

/// Until every order is with its facilities, or waits for stock.
async fn until_processing(api: &Api, orders: usize, worker: &mut Child) -> Result<()> {
    let began = Instant::now();
    loop {
        let (processing, _) = api.pages(&["v1", "orders"], &[("status", Some("processing".to_owned()))], orders).await?;
        if processing.len() == orders {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            bail!("{} of {orders} orders were sourced in {} s", processing.len(), PATIENCE.as_secs());
        }
        resident_mb(worker)?;
        tokio::time::sleep(LOOK_EVERY * 4).await;
    }
}

//! How long the feeds of a whole shop take, through the HTTP API, into empty databases.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result};
use jiff::SignedDuration;
use oms_devstack::Tools;
use oms_domain::{clock::BusinessClock, policy::Policy};

use super::{on_a_stage, report::Measurement};
use crate::demo::{
    generate::generate,
    stage::{Stage, feed},
};

/// Of the drawn data set: as many weeks of receipts as were recorded.
const WEEKS: i64 = 43;
const SEED: u64 = 1;

/// The files of the feeds.
struct Files {
    facilities: Vec<u8>,
    products: Vec<u8>,
    stock: Vec<u8>,
    receipts: Vec<u8>,
}

/// What one import took, in seconds, and of how many rows.
struct Import {
    catalogue_s: f64,
    catalogue_rows: [u64; 2],
    receipts_s: f64,
    receipts: u64,
}

pub async fn measure(tools: &Tools, runs: u32, data: Option<&Path>) -> Result<Vec<Measurement>> {
    let files = Files::open(data)?;
    let mut imports = Vec::new();
    for _ in 0..runs {
        imports.push(on_a_stage(tools, async |stage| import(stage, &files).await).await?);
    }
    let Some(Import { catalogue_rows: [products, stock_rows], receipts, .. }) = imports.first() else { return Ok(Vec::new()) };
    let seconds = |of: fn(&Import) -> f64| imports.iter().map(of).collect::<Vec<_>>();
    Ok(vec![
        Measurement::at_most(
            format!("import of {products} products and {stock_rows} stock rows"),
            &seconds(|run| run.catalogue_s),
            "s",
            5.0,
        ),
        Measurement::at_most(format!("import of {receipts} receipts"), &seconds(|run| run.receipts_s), "s", 60.0),
    ])
}

async fn import(stage: &Stage, files: &Files) -> Result<Import> {
    let system = stage.system(BusinessClock::default(), Policy::default()).await?;
    let api = system.client()?;
    feed(&api, "facilities", None, files.facilities.clone()).await?;
    let began = Instant::now();
    let products = feed(&api, "products", None, files.products.clone()).await?;
    let stock = feed(&api, "stock", None, files.stock.clone()).await?;
    let catalogue_s = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let receipts = feed(&api, "receipts", None, files.receipts.clone()).await?;
    let receipts_s = began.elapsed().as_secs_f64();
    system.stop().await?;
    Ok(Import { catalogue_s, catalogue_rows: [products.rows_read, stock.rows_read], receipts_s, receipts: receipts.rows_read })
}

impl Files {
    fn open(data: Option<&Path>) -> Result<Self> {
        let Some(folder) = data else { return Self::drawn() };
        let read = |name: &str| std::fs::read(folder.join(name)).with_context(|| folder.join(name).display().to_string());
        Ok(Self {
            facilities: read("facilities.csv")?,
            products: read("products.csv")?,
            stock: read("inventory.csv")?,
            receipts: read("replenishment.csv.gz")?,
        })
    }

    fn drawn() -> Result<Self> {
        let data = generate(1, SEED, SignedDuration::from_hours(7 * 24 * WEEKS))?;
        let rows = data.receipts.iter().enumerate().map(|(n, delivery)| match delivery.csv.split_once('\n') {
            Some((_header, rows)) if n > 0 => rows,
            Some(_) | None => &delivery.csv,
        });
        let receipts: String = rows.collect();
        Ok(Self { facilities: data.facilities, products: data.products, stock: data.stock, receipts: receipts.into() })
    }
}

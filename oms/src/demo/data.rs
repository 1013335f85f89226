//! What the demo plays: read from a folder, or drawn (see `generate`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use jiff::{SignedDuration, Timestamp};
use oms_api::{
    cancellation::LineUnits,
    feed::{FeedRecord, Rows},
    product::ProductBody,
    stock::ReceiptRow,
};
use oms_domain::{
    error::ErrorCode,
    ids::{OrderId, Sku},
    placed::PlacedOrder,
};
use serde::Deserialize;

use crate::exit::Coded;

/// A shop's data. Facilities, products and opening stock are sent as they are; the rest is played.
#[derive(Debug)]
pub struct Data {
    /// Where it comes from, for people.
    pub source: String,
    /// Files of the feeds: CSV.
    pub facilities: Vec<u8>,
    pub products: Vec<u8>,
    pub stock: Vec<u8>,
    pub weights_g: BTreeMap<Sku, u32>,
    /// In order of time.
    pub orders: Vec<PlacedOrder>,
    /// In order of time.
    pub receipts: Vec<Delivery>,
    /// What the customers of those orders ask for.
    pub requests: Vec<Requested>,
}

/// Goods that come in at one moment, as a receipts feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub received_at: Timestamp,
    pub csv: String,
    pub rows: u64,
    pub units: u64,
}

/// What a customer asks for after ordering.
#[derive(Debug, Clone, Deserialize)]
pub struct Requested {
    pub request_id: String,
    pub order_id: OrderId,
    pub at: Timestamp,
    #[serde(rename = "type")]
    pub ask: Ask,
    pub lines: Vec<LineUnits>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ask {
    Cancel,
    Return,
}

impl Delivery {
    pub fn new(received_at: Timestamp) -> Self {
        Self { received_at, csv: "received_at,facility_id,sku,quantity\n".to_owned(), rows: 0, units: 0 }
    }

    pub fn add(&mut self, facility_id: &str, sku: &str, quantity: u32) {
        self.csv.push_str(&format!("{},{facility_id},{sku},{quantity}\n", self.received_at));
        self.rows += 1;
        self.units += u64::from(quantity);
    }
}

impl Data {
    /// Reads the first `count` orders of a folder with the files that the repository's data README describes, and what goes with
    /// them; receipts up to `tail` after the last order.
    ///
    /// # Errors
    /// When a file is missing or a row of it is wrong, named.
    pub fn read(folder: &Path, count: usize, tail: SignedDuration) -> Result<Self> {
        let whole = |name: &str| std::fs::read(folder.join(name)).map_err(|error| unreadable(&folder.join(name), &error));
        let orders: Vec<PlacedOrder> = rows(folder, "orders.jsonl.gz")?.take(count).collect::<Result<_>>()?;
        let end = orders.last().map(|order| order.placed_at).context("there are no orders in the data")? + tail;
        let products = rows::<ProductBody>(folder, "products.csv")?;
        Ok(Self {
            source: folder.display().to_string(),
            facilities: whole("facilities.csv")?,
            products: whole("products.csv")?,
            stock: whole("inventory.csv")?,
            weights_g: products.map(|row| row.map(|product| (product.sku, product.weight_g))).collect::<Result<_>>()?,
            receipts: receipts(folder, end)?,
            requests: requests(folder, &orders)?,
            orders,
        })
    }

    /// Midnight before the first order: when the opening stock was counted.
    pub fn opening(&self) -> Timestamp {
        let day = SignedDuration::from_hours(24).as_secs();
        let first = self.orders.first().map_or(0, |order| order.placed_at.as_second());
        Timestamp::from_second(first - first.rem_euclid(day)).unwrap_or_default()
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    let message = format!("{} cannot be read: {error}", path.display());
    let hint = "--data names a folder with facilities.csv, products.csv, inventory.csv, replenishment.csv.gz, orders.jsonl.gz and requests.jsonl.gz";
    Coded::new(ErrorCode::ValidationFailed, message).hint(hint).into()
}

fn open(folder: &Path, name: &str) -> Result<(PathBuf, File)> {
    let path = folder.join(name);
    let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
    Ok((path, file))
}

/// The rows of a file, read as the server would; the first that is wrong ends them.
fn rows<T: FeedRecord>(folder: &Path, name: &str) -> Result<impl Iterator<Item = Result<T>>> {
    let (path, file) = open(folder, name)?;
    let rows = Rows::<T>::open(file).with_context(|| path.display().to_string())?;
    Ok(rows.map(move |row| {
        let row = row.with_context(|| path.display().to_string())?;
        row.content.map_err(|reason| anyhow::anyhow!("{}, row {}: {reason}", path.display(), row.number))
    }))
}

/// Receipts by moment. The file is in order of time: what comes after the end is not read.
fn receipts(folder: &Path, end: Timestamp) -> Result<Vec<Delivery>> {
    let mut deliveries: Vec<Delivery> = Vec::new();
    for row in rows::<ReceiptRow>(folder, "replenishment.csv.gz")? {
        let row = row?;
        if row.received_at > end {
            break;
        }
        let last = deliveries.last().map(|delivery| delivery.received_at);
        ensure!(last.is_none_or(|last| last <= row.received_at), "replenishment.csv.gz is not in order of time at {}", row.received_at);
        if last != Some(row.received_at) {
            deliveries.push(Delivery::new(row.received_at));
        }
        if let Some(delivery) = deliveries.last_mut() {
            delivery.add(row.facility_id.as_str(), row.sku.as_str(), row.quantity);
        }
    }
    Ok(deliveries)
}

fn requests(folder: &Path, orders: &[PlacedOrder]) -> Result<Vec<Requested>> {
    let (path, file) = open(folder, "requests.jsonl.gz")?;
    let wanted: BTreeSet<_> = orders.iter().map(|order| &order.order_id).collect();
    let all = serde_json::Deserializer::from_reader(std::io::BufReader::new(GzDecoder::new(file))).into_iter::<Requested>();
    let all = all.map(|request| request.with_context(|| path.display().to_string()));
    all.filter(|request| request.as_ref().map_or(true, |request| wanted.contains(&request.order_id))).collect()
}

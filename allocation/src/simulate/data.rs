//! Recorded orders, receipts and sites, read from the texts of the data files.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::calendar::WorkingDays;
use crate::geo::Position;
use crate::sourcing::Facility;

/// The texts of the data files, decompressed.
#[derive(Debug, Clone, Copy)]
pub struct DataTexts<'t> {
    pub facilities_csv: &'t str,
    pub products_csv: &'t str,
    pub inventory_csv: &'t str,
    pub replenishment_csv: &'t str,
    pub orders_jsonl: &'t str,
}

/// What is replayed.
#[derive(Debug, Clone)]
pub struct Data {
    pub facilities: Vec<Facility>,
    pub products: BTreeMap<String, Product>,
    pub opening_stock: Vec<OpeningStock>,
    /// By time.
    pub receipts: Vec<Receipt>,
    /// By time.
    pub orders: Vec<RecordedOrder>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Product {
    pub sku: String,
    pub price_minor: i64,
    pub weight_g: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct OpeningStock {
    pub facility_id: String,
    pub sku: String,
    pub on_hand: i64,
    pub safety_stock: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Receipt {
    pub received_at: Timestamp,
    pub facility_id: String,
    pub sku: String,
    pub quantity: i64,
}

/// An order as it was placed; what the replay does not use is left unread.
#[derive(Debug, Clone, Deserialize)]
pub struct RecordedOrder {
    pub order_id: String,
    pub channel: String,
    pub placed_at: Timestamp,
    pub ship_to: ShipTo,
    pub shipping: Shipping,
    pub requested_delivery_date: Option<Date>,
    pub lines: Vec<RecordedLine>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ShipTo {
    pub country: String,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Shipping {
    pub method: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct RecordedLine {
    pub line_id: String,
    pub sku: String,
    pub quantity: i64,
    pub unit_price_minor: i64,
}

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, row {row}: {message}")]
pub struct DataError {
    pub file: &'static str,
    /// From 1, the header not counted.
    pub row: usize,
    pub message: String,
}

/// A row of the facilities file.
#[derive(Deserialize)]
struct FacilityRow {
    facility_id: String,
    r#type: String,
    country: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    timezone: String,
    handling_cost_minor: i64,
    daily_order_capacity: Option<i64>,
    cutoff_local_time: String,
    working_days: WorkingDays,
    ship_enabled: bool,
    pickup_enabled: bool,
}

impl Data {
    /// Reads the texts; the first row that is wrong is named.
    pub fn read(texts: DataTexts) -> Result<Self, DataError> {
        let facilities = rows::<FacilityRow>("facilities", texts.facilities_csv)?;
        let facilities = (1..).zip(facilities).map(|(row, facility)| read_facility(row, facility)).collect::<Result<_, _>>()?;
        let products = rows::<Product>("products", texts.products_csv)?;
        let mut receipts = rows::<Receipt>("replenishment", texts.replenishment_csv)?;
        receipts.sort_by_key(|receipt| receipt.received_at);
        let orders = (1..)
            .zip(texts.orders_jsonl.lines())
            .map(|(row, line)| serde_json::from_str(line).map_err(|error| DataError { file: "orders", row, message: error.to_string() }));
        let mut orders: Vec<RecordedOrder> = orders.collect::<Result<_, _>>()?;
        orders.sort_by_key(|order| order.placed_at);
        Ok(Self {
            facilities,
            products: products.into_iter().map(|product| (product.sku.clone(), product)).collect(),
            opening_stock: rows("inventory", texts.inventory_csv)?,
            receipts,
            orders,
        })
    }
}

impl ShipTo {
    pub fn position(&self) -> Option<Position> {
        Some(Position { latitude: self.latitude?, longitude: self.longitude? })
    }
}

fn read_facility(row: usize, facility: FacilityRow) -> Result<Facility, DataError> {
    let wrong = |error: jiff::Error| DataError { file: "facilities", row, message: error.to_string() };
    let position = ShipTo { country: facility.country.clone(), latitude: facility.latitude, longitude: facility.longitude }.position();
    Ok(Facility {
        facility_id: facility.facility_id,
        facility_type: facility.r#type,
        country: facility.country,
        position,
        timezone: facility.timezone,
        cutoff: facility.cutoff_local_time.parse().map_err(wrong)?,
        working_days: facility.working_days,
        handling_cost_minor: facility.handling_cost_minor,
        daily_order_capacity: facility.daily_order_capacity,
        capacity_taken: BTreeMap::new(),
        active: true,
        ship_enabled: facility.ship_enabled,
        pickup_enabled: facility.pickup_enabled,
    })
}

fn rows<T: DeserializeOwned>(file: &'static str, text: &str) -> Result<Vec<T>, DataError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    (1..)
        .zip(reader.deserialize())
        .map(|(row, record)| record.map_err(|error| DataError { file, row, message: error.to_string() }))
        .collect()
}

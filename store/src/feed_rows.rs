//! The rows of feeds, and the bounds each is checked against before any reaches the database: one row out of range must not
//! fail the batch it came with.

use jiff::{Timestamp, civil::Time};
use oms_domain::{
    ids::{FacilityId, Sku},
    money::Currency,
    placed::AMOUNT_MAX_MINOR,
};
use serde::{Deserialize, Serialize};

use crate::stock::UNITS_MAX;

/// A row with its place in the file, counted from 1 as people do.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedRow<T> {
    pub row_number: u64,
    pub row: T,
}

/// Where stock is and orders leave from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facility {
    pub facility_id: FacilityId,
    pub name: String,
    /// `warehouse`, `store`, ...
    pub facility_type: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    pub city: String,
    pub latitude: f64,
    pub longitude: f64,
    /// IANA name.
    pub timezone: String,
    pub handling_cost_minor: i64,
    /// Orders a day; `None` is no limit.
    pub daily_order_capacity: Option<u32>,
    /// Orders released later leave the next working day.
    pub cutoff_local_time: Time,
    /// As in the file: `Mon-Fri`.
    pub working_days: String,
    pub ship_enabled: bool,
    pub pickup_enabled: bool,
}

/// What can be sold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Product {
    pub sku: Sku,
    pub title: String,
    pub price_minor: i64,
    pub currency: Currency,
    pub weight_g: u32,
    pub length_mm: u32,
    pub width_mm: u32,
    pub height_mm: u32,
}

/// What was counted at a position, in units. What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StockCount {
    pub facility_id: FacilityId,
    pub sku: Sku,
    pub on_hand: i64,
    pub safety_stock: Option<i64>,
    pub oversell_limit: Option<i64>,
    pub unavailable: Option<i64>,
}

/// Goods that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// Without one, receipts are told apart by time, position, and ordinal among equals of the file.
    pub receipt_id: Option<String>,
    pub received_at: Timestamp,
    pub facility_id: FacilityId,
    pub sku: Sku,
    pub quantity: u32,
}

/// What a row must be before the database sees it.
pub(crate) trait Valid {
    /// What is wrong with the row, for people.
    fn mistake(&self) -> Option<&'static str>;

    /// The position a count is of. A full snapshot has not left it out, even where it counted wrongly.
    fn counted(&self) -> Option<(&FacilityId, &Sku)> {
        None
    }
}

/// Text that PostgreSQL can hold and a list can show.
fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1_000 && !text.contains('\0')
}

/// The first rule that does not hold.
fn first_broken(rules: &[(bool, &'static str)]) -> Option<&'static str> {
    rules.iter().find(|(holds, _)| !holds).map(|(_, rule)| *rule)
}

impl Valid for Facility {
    fn mistake(&self) -> Option<&'static str> {
        let texts = [&self.name, &self.facility_type, &self.country, &self.city, &self.timezone, &self.working_days];
        first_broken(&[
            (texts.into_iter().all(|text| is_text(text)), "every text must have 1 to 1000 bytes"),
            ((-90.0..=90.0).contains(&self.latitude), "latitude must lie between -90 and 90"),
            ((-180.0..=180.0).contains(&self.longitude), "longitude must lie between -180 and 180"),
            ((0..=AMOUNT_MAX_MINOR).contains(&self.handling_cost_minor), "handling_cost_minor must not be negative"),
        ])
    }
}

impl Valid for Product {
    fn mistake(&self) -> Option<&'static str> {
        first_broken(&[
            (is_text(&self.title), "title must have 1 to 1000 bytes"),
            ((0..=AMOUNT_MAX_MINOR).contains(&self.price_minor), "price_minor must not be negative"),
        ])
    }
}

impl Valid for StockCount {
    fn mistake(&self) -> Option<&'static str> {
        let count = 0..=UNITS_MAX;
        let optional = |units: Option<i64>| units.is_none_or(|units| count.contains(&units));
        first_broken(&[
            (count.contains(&self.on_hand), "on_hand must not be negative"),
            (optional(self.safety_stock), "safety_stock must not be negative"),
            (optional(self.oversell_limit), "oversell_limit must not be negative"),
            (optional(self.unavailable), "unavailable must not be negative"),
        ])
    }

    fn counted(&self) -> Option<(&FacilityId, &Sku)> {
        Some((&self.facility_id, &self.sku))
    }
}

impl Valid for Receipt {
    fn mistake(&self) -> Option<&'static str> {
        first_broken(&[
            (self.quantity > 0, "quantity must be at least 1"),
            (self.receipt_id.as_deref().is_none_or(is_text), "receipt_id must have 1 to 1000 bytes"),
        ])
    }
}

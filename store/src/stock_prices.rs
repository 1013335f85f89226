//! Prices of stock: the demand they are foretold from, and the ones in force, which availability carries along.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oms_domain::{
    ids::{FacilityId, Sku},
    placed::{Destination, PlacedOrder},
};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use crate::{error::StoreError, store::Store};

/// A SKU that recent orders wanted, with the stock that is there for the next ones.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SkuDemand {
    pub sku: Sku,
    pub unit_weight_g: i64,
    /// Units available to promise, by facility.
    pub available: BTreeMap<FacilityId, i64>,
    pub wanted: Vec<WantedUnits>,
}

/// Units that orders to one square of a degree wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedUnits {
    pub country: String,
    /// Rounded degrees; None: addresses without coordinates.
    pub latitude: Option<i16>,
    pub longitude: Option<i16>,
    pub quantity: i64,
}

/// Demand of some time, by SKU.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Demand {
    /// When the first of the orders was placed; None: there was none.
    pub since: Option<Timestamp>,
    pub skus: Vec<SkuDemand>,
}

/// What using a unit of a position forgoes elsewhere, in thousandths of a minor unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StockPrice {
    pub facility_id: FacilityId,
    pub sku: Sku,
    pub price_milli: i64,
}

/// A row of `recent_demand`.
#[derive(Serialize)]
pub(crate) struct DemandRow<'a> {
    sku: &'a Sku,
    #[serde(flatten)]
    wanted: WantedUnits,
    placed_at: Timestamp,
}

/// What an order adds to demand. Lines that are collected are none: only their store can serve them.
pub(crate) fn demand_of(order: &PlacedOrder) -> Vec<DemandRow<'_>> {
    let row = |line: &'_ oms_domain::placed::PlacedLine| {
        let group = order.delivery_groups.get(usize::from(line.delivery_group))?;
        let Destination::Address(address) = &group.destination else { return None };
        let degrees = |degrees: f64| degrees.round() as i16;
        Some(WantedUnits {
            country: address.country.clone(),
            latitude: address.position.map(|at| degrees(at.latitude)),
            longitude: address.position.map(|at| degrees(at.longitude)),
            quantity: line.quantity.into(),
        })
    };
    let rows = order.lines.iter().filter_map(|line| Some((line, row(line)?)));
    rows.map(|(line, wanted)| DemandRow { sku: &line.sku, wanted, placed_at: order.placed_at }).collect()
}

impl Store {
    /// What orders placed from `since` until `until` (business time) wanted, beside what is available now.
    pub async fn demand(&self, since: Timestamp, until: Timestamp) -> Result<Demand, StoreError> {
        let query = sqlx::query_scalar(
            "WITH recent AS (
                SELECT * FROM recent_demand WHERE placed_at BETWEEN $1::text::timestamptz AND $2::text::timestamptz
            ), squares AS (
                SELECT sku, country, latitude, longitude, sum(quantity)::bigint AS quantity FROM recent
                GROUP BY sku, country, latitude, longitude
            ), wanted AS (
                SELECT sku, jsonb_agg(to_jsonb(s) - 'sku' ORDER BY country, latitude, longitude) AS wanted FROM squares s GROUP BY sku
            ), there AS (
                SELECT sku, jsonb_object_agg(facility_id, available) AS available FROM stock
                WHERE available > 0 AND sku IN (SELECT sku FROM wanted) GROUP BY sku
            )
            SELECT jsonb_build_object('since', (SELECT min(placed_at) FROM recent), 'skus', coalesce((
                SELECT jsonb_agg(jsonb_build_object('sku', w.sku, 'unit_weight_g', p.weight_g,
                    'available', coalesce(t.available, '{}'), 'wanted', w.wanted) ORDER BY w.sku)
                FROM wanted w JOIN products p USING (sku) LEFT JOIN there t USING (sku)), '[]'))",
        );
        let row = self.row(query.bind(since.to_string()).bind(until.to_string())).await?;
        row.ok_or(StoreError::Corrupt { what: "the demand" })
    }

    /// Puts these prices in the place of all others, in one statement; prices that are older than those in force change nothing.
    /// False: they were older.
    pub async fn put_stock_prices(&self, version: &str, as_of: Timestamp, prices: &[StockPrice]) -> Result<bool, StoreError> {
        let put = "WITH named AS (
                INSERT INTO stock_price_version AS held (version, as_of) VALUES ($1, $2::text::timestamptz)
                ON CONFLICT (one) DO UPDATE SET version = excluded.version, as_of = excluded.as_of WHERE held.as_of <= excluded.as_of
                RETURNING 1
            ), priced AS (
                SELECT p.* FROM jsonb_to_recordset($3) AS p (facility_id text, sku text, price_milli bigint), named
            ), gone AS (
                DELETE FROM stock_prices s USING named
                WHERE NOT EXISTS (SELECT FROM priced p WHERE p.sku = s.sku AND p.facility_id = s.facility_id)
            ), put AS (
                INSERT INTO stock_prices (facility_id, sku, price_milli) SELECT facility_id, sku, price_milli FROM priced
                ON CONFLICT (sku, facility_id) DO UPDATE SET price_milli = excluded.price_milli
            )
            SELECT count(*) FROM named";
        let named: i64 = sqlx::query_scalar(put).bind(version).bind(as_of.to_string()).bind(Json(prices)).fetch_one(&self.pool).await?;
        Ok(named > 0)
    }
}

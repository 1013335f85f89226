//! What `oms bench` measures here.
//!
//! For scratch databases: it leaves its facilities, products, orders and tables behind.

mod beside;
mod events;
mod hot_sku;
mod imports;
mod insights;
mod network;
mod size;

use oms_domain::ids::{FacilityId, Sku};

pub use self::{
    beside::{ActionTimes, Counters},
    hot_sku::{HotSku, HotSkuRun, bare_hot_sku, reserve_hot_sku, source_hot_sku},
    imports::{Import, ImportTimes, import},
    insights::{copy_orders, count_anew, figure_pages},
    size::{PruneRun, RelationSizes, Size, SnapshotRun, Timed, count_everything, fill, lists, metrics, prune_all, relation_sizes, rest},
};
use crate::{
    error::StoreError,
    feed_rows::{Facility, Product, StockCount},
    store::Store,
};

fn bench_facility() -> Result<FacilityId, StoreError> {
    id(FacilityId::parse("BENCH"))
}

fn id<T, E>(parsed: Result<T, E>) -> Result<T, StoreError> {
    parsed.map_err(|_| StoreError::Internal { system: "the benchmark", code: "made an id that is none".into() })
}

fn whole(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

fn facility(facility_id: FacilityId) -> Facility {
    Facility {
        name: "Benchmark".to_owned(),
        facility_id,
        facility_type: "warehouse".to_owned(),
        country: "GB".to_owned(),
        city: "Leeds".to_owned(),
        latitude: 53.8,
        longitude: -1.55,
        timezone: "Europe/London".to_owned(),
        handling_cost_minor: 90,
        daily_order_capacity: None,
        cutoff_local_time: jiff::civil::time(17, 0, 0, 0),
        working_days: "Mon-Fri".to_owned(),
        ship_enabled: true,
        pickup_enabled: false,
    }
}

fn product(sku: Sku) -> Result<Product, StoreError> {
    Ok(Product {
        sku,
        title: "Benchmark".to_owned(),
        price_minor: 255,
        currency: id("GBP".parse())?,
        weight_g: 500,
        length_mm: 100,
        width_mm: 80,
        height_mm: 60,
    })
}

fn count(facility_id: FacilityId, sku: Sku, on_hand: i64) -> StockCount {
    StockCount { facility_id, sku, on_hand, safety_stock: None, oversell_limit: None, unavailable: None }
}

impl Store {
    /// Transactions that have written so far, of the whole server: those that only read take no number.
    pub async fn transactions_written(&self) -> Result<i64, StoreError> {
        let next = sqlx::query_scalar("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetch_one(&self.pool).await?;
        Ok(next)
    }
}

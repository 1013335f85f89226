//! What maintenance asks of activities, and what it ends with.

use jiff::{Timestamp, civil::Date};
use oms_domain::{clock::BusinessClock, ids::OrderId, order::Reallocation};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

use crate::names::Queues;

/// What is done to the house as a whole, by a schedule or because a person says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum MaintenanceTask {
    /// Orders that no facility knows of yet are decided again together. Dry: nothing moves.
    Pool { dry_run: bool },
    /// The stock is priced by recent demand.
    StockPrices,
    /// What is past its time goes: keys, carrier events, promises, demand, what closed orders left behind.
    Prune,
    /// What is new or has changed is written out for analysts.
    Export,
}

/// What a run starts with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaintenanceInput {
    #[serde(flatten)]
    pub task: MaintenanceTask,
    #[serde(default)]
    pub clock: BusinessClock,
    #[serde(default)]
    pub queues: Queues,
}

/// What a run ends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum MaintenanceResult {
    Pool(PoolReport),
    StockPrices(PricesReport),
    Prune(PruneReport),
    Export(ExportReport),
}

/// What became of a pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolReport {
    pub pool_id: String,
    pub dry_run: bool,
    /// Orders that were decided again.
    pub orders: u32,
    /// Orders that were to move.
    pub planned: u32,
    /// Of those the pool wanted to move: left out, as they wait for each other's units.
    pub blocked: u32,
    pub moved: u32,
    /// Orders that had gone on, or whose units somebody else had taken.
    pub skipped: u32,
    /// Orders that could not be asked; the next run asks again.
    pub failed: u32,
    /// By those that moved, or, dry, by all that would; in thousandths of a minor unit.
    pub saved_milli: i64,
}

/// Prices that were computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricesReport {
    pub version: String,
    /// SKUs that recent orders wanted.
    pub skus: u32,
    /// Positions with a price; every other costs nothing.
    pub positions: u32,
    /// False: newer ones were there already.
    pub in_force: bool,
}

/// What was past its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneReport {
    /// Rows that went, of all tables.
    pub rows: u64,
}

/// Days (UTC) that are written out, as far as they are new or have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportDays {
    pub first: Date,
    pub last: Date,
}

/// What was written out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportReport {
    /// That were looked at; none: nobody has said where they go.
    pub tables: u32,
    pub days_written: u32,
    pub rows_written: u64,
}

/// Which orders are decided again; `at` is business time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPool {
    pub pool_id: String,
    pub at: Timestamp,
}

/// Moves, in an order in which each finds its units free.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolPlan {
    pub orders: u32,
    pub blocked: u32,
    pub moves: Vec<PlannedMove>,
}

/// An order that is to exchange units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedMove {
    pub order_id: OrderId,
    pub reallocation: Reallocation,
    /// Less than 0 where it makes room for others.
    pub saved_milli: i64,
}

/// What an order said to its move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveOutcome {
    Moved,
    Skipped { why: String },
}

/// The stock is priced as of then, in business time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceStock {
    pub at: Timestamp,
}

/// The house as a whole: queue `data`; what waits for an order: queue `relations`.
pub struct House;
#[activity_definitions]
impl House {
    #[activity(name = "plan_pool")]
    pub fn plan_pool(_: PlanPool) -> Result<PoolPlan, ActivityError> {
        unimplemented!()
    }
    /// An update to the order, under a key of its pool; waits until the order has done it or let it be.
    #[activity(name = "move_order")]
    pub fn move_order(_: PlannedMove) -> Result<MoveOutcome, ActivityError> {
        unimplemented!()
    }
    #[activity(name = "price_stock")]
    pub fn price_stock(_: PriceStock) -> Result<PricesReport, ActivityError> {
        unimplemented!()
    }
    /// A bounded number of rows; asked again until it finds none.
    #[activity(name = "prune")]
    pub fn prune() -> Result<PruneReport, ActivityError> {
        unimplemented!()
    }
    /// Goes on where an attempt before it was cut off.
    #[activity(name = "export")]
    pub fn export(_: ExportDays) -> Result<ExportReport, ActivityError> {
        unimplemented!()
    }
}

/// The markers that name the definitions in `#[activity(definition = ..)]`.
pub mod definitions {
    pub use super::house::{Export, MoveOrder, PlanPool, PriceStock, Prune};
}

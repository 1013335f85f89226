//! Recorded orders replayed without Temporal, to see what a policy would have cost.

mod data;
mod world;

pub use data::{Data, DataError, DataTexts, OpeningStock, Product, Receipt, RecordedLine, RecordedOrder, ShipTo, Shipping};
pub use world::World;

//! Recorded orders replayed without Temporal, to see what a policy would have cost.

mod chart;
mod data;
mod forecast;
mod optimum;
mod order;
mod outcome;
mod policy;
mod replay;
mod report;
mod waves;
mod world;

pub use chart::chart_svg;
pub use data::{Data, DataError, DataTexts, OpeningStock, Product, Receipt, RecordedLine, RecordedOrder, ShipTo, Shipping};
pub use order::{Promise, order_to_source};
pub use outcome::{Decided, Figures, OrderOutcome, Shadow};
pub use policy::{Policy, UnknownPolicy};
pub use replay::{Bounded, ForecastSettings, Pooling, ReplayError, Run, Settings, replay};
pub use report::{COLUMNS, cells, orders_csv, summary_csv};
pub use world::World;

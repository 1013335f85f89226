//! Figures on orders. The projector counts what the events in the outbox come to, some seconds after they were recorded; readers sum that up.
//!
//! An order is counted as a whole, from all of its events, in place of what was counted of it before. So events may be met twice or late. A step is
//! one transaction, under a lock that ends with it: one server counts at a time, and what a killed one has begun is gone.

mod live;
mod project;
mod read;
mod views;

pub use live::{Held, InWork, LiveFigures, Since};
pub use project::InsightsRound;
pub use read::{CountedOrder, CountedPage, CountedTotal, Freshness, InsightSums, InsightsFilter, SplitBy};
pub(crate) use views::apply as apply_views;

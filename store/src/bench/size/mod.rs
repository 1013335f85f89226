//! A shop of many years: what its lists, its figures, a snapshot of all its stock and pruning cost, and what an order leaves behind.

mod fill;
mod lists;
mod prune;
mod relations;
mod snapshot;
mod timing;

pub(super) use self::timing::timed;
pub use self::{
    fill::{Size, fill, rest},
    lists::{lists, metrics},
    prune::{PruneRun, prune_all},
    relations::{RelationSizes, relation_sizes},
    snapshot::{SnapshotRun, count_everything},
    timing::Timed,
};

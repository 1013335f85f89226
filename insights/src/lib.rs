//! Figures on orders, pure: what the events of one order come to, and the one table of what is counted of it. No SQL, no clock.
//!
//! An order's events lead to [`OrderFacts`], and these to [`Count`]s: so many, of this measure, in this quarter of an hour, at this place.
//! Counts add up, so a figure over any period, zone, facility or channel is a sum, and whoever keeps the counts of each order can show the
//! very orders behind a sum. When an order goes on, its old counts are taken off and its new ones added: late events need nothing else.

mod buckets;
mod cells;
mod counts;
mod derive;
mod docs;
mod facts;
mod figures;
mod measures;
mod money;
mod notes;
mod period;
mod themes;
mod value;

pub use buckets::{RELATIVE_ERROR, bucket_of, percentile, value_of};
pub use cells::{CELL_MINUTES, CellKey, Cells, Sums, cell_of};
pub use counts::Count;
pub use derive::facts;
pub use docs::page;
pub use facts::{CancelledUnits, Delivery, FulfillmentFact, GivenBack, LineFact, OrderFact, OrderFacts, WaitFact};
pub use figures::{FIGURES, Figure, How, Part, Unit, figure};
pub use measures::Measure;
pub use period::{BadPeriod, PERIODS_MAX, Period, Step};
pub use themes::Theme;
pub use value::{BySums, Value, value};

/// Goes up with every change of what is counted: what was counted by other definitions is counted anew.
pub const DEFINITIONS: i32 = 1;

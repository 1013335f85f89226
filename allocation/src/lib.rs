//! Which facility ships which units of an order, at the least cost, and why. Pure: no I/O, no clock, no randomness.
//!
//! [`Problem`] is what is decided on, [`solve`] decides, [`Plan`] is the answer; docs/allocation.md states the problem exactly.

mod check;
mod cost;
mod mistake;
mod plan;
mod problem;
mod solve;

pub use check::{MAX_FACILITIES, MAX_LINES, MAX_STOCK_ROWS, Problem};
pub use mistake::{Invalid, Mistake};
pub use plan::{Forced, NotChosen, NotChosenReason, Package, PackageCost, PackageLine, Plan};
pub use problem::{ProblemFacility, ProblemFile, ProblemLine, ProblemRules, ProblemStock};
pub use solve::{Options, solve};

//! Which facility ships which units of an order, at the least cost, and why. Pure: no I/O, no clock, no randomness.
//!
//! [`Problem`] is what is decided on, [`solve`] decides, [`Plan`] is the answer; docs/allocation.md states the problem exactly.

mod calendar;
mod check;
mod cost;
mod geo;
mod mistake;
mod plan;
mod pool;
mod problem;
mod rate_card;
mod rules;
pub mod simulate;
mod solve;
mod sourcing;
mod stock_prices;

pub use calendar::{InvalidWorkingDays, WorkingDays, ship_by, ship_days};
pub use check::{MAX_FACILITIES, MAX_LINES, MAX_STOCK_ROWS, Problem};
pub use geo::Position;
pub use mistake::{Invalid, Mistake};
pub use plan::{Forced, NotChosen, NotChosenReason, Package, PackageCost, PackageLine, Plan};
pub use pool::{Exchange, Holdings, Move, MoveLimits, Pooled, UnitsAt, replan, sequence};
pub use problem::{ProblemFacility, ProblemFile, ProblemLine, ProblemRules, ProblemStock};
pub use rate_card::{RateCard, Service, Zone};
pub use rules::{BUILT_IN_RULES, Check, Costs, Group, Rule, RuleMistake, RuleMistakes, Rules, RulesInForce, Selection};
pub use solve::{Options, solve};
pub use sourcing::{
    CostParts, DecidedPackage, Decision, Destination, Exclusion, Facility, LineToSource, LocatedBy, OrderToSource, Outlook, Reach,
    RulePenalty, SkuRule, Sourcing, StockLevel, Unused, build_problem, reach,
};
pub use stock_prices::{LookAhead, Region, SkuAhead, StockPrices, Unsolved, stock_prices};

//! What no joint decision of a day's orders could undercut: a Lagrangian bound. Each unit of stock gets a price, so that the orders fall apart and each is
//! solved exactly; the prices are raised where more is wanted than is there (a subgradient). An unfilled unit costs its price.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::data::RecordedOrder;
use super::outcome::cost_milli;
use super::world::World;
use crate::check::Problem;
use crate::mistake::Invalid;
use crate::plan::Plan;
use crate::problem::{ProblemFile, ProblemRules};
use crate::rules::Rules;
use crate::solve::{Options, solve};
use crate::sourcing::{DecidedPackage, OrderToSource};

/// How often prices are raised.
const ROUNDS: usize = 12;

/// A day's decisions, and the stock it began with.
pub(super) struct Day<'d> {
    date: Date,
    starts_at: Timestamp,
    /// With what orders of days before still hold and might give away.
    morning: World<'d>,
    orders: Vec<(OrderToSource, Timestamp)>,
}

/// A unit's place: facility and SKU.
type Row = (String, String);

impl<'d> Day<'d> {
    pub(super) fn new(now: Timestamp, morning: World<'d>) -> Self {
        Self { date: date(now), starts_at: now, morning, orders: vec![] }
    }

    pub(super) fn contains(&self, now: Timestamp) -> bool {
        date(now) == self.date
    }

    pub(super) fn starts_at(&self) -> Timestamp {
        self.starts_at
    }

    /// Adds a decision that was to be made.
    pub(super) fn note(&mut self, recorded: &RecordedOrder, mut order: OrderToSource, now: Timestamp) {
        for line in &mut order.lines {
            line.unfilled_penalty_minor = Some(price_minor(recorded, &line.line_id));
        }
        self.orders.push((order, now));
    }

    /// The bound. What came in until the day after counts as there, because orders may be moved until then.
    pub(super) fn bound_milli(mut self, rules: &Rules) -> Result<i128, Invalid> {
        self.morning.advance(self.starts_at + SignedDuration::from_hours(48));
        let mut problems = vec![];
        for (order, now) in &self.orders {
            let file = self.morning.source(order, rules, *now)?.problem().file().clone();
            // Together an order may go without what it could have had alone.
            problems.push(Problem::new(ProblemFile { rules: ProblemRules { ship_something: false, ..file.rules.clone() }, ..file })?);
        }
        Relaxed::new(problems)?.bound_milli()
    }
}

fn date(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

fn price_minor(recorded: &RecordedOrder, line_id: &str) -> i64 {
    recorded.lines.iter().find(|line| line.line_id == line_id).map_or(0, |line| line.unit_price_minor)
}

/// What a decision cost, the units it left unfilled at their price.
pub(super) fn valued_milli(recorded: &RecordedOrder, order: &OrderToSource, packages: &[DecidedPackage], rules: &Rules) -> i128 {
    let shipped = |line_id: &str| {
        let lines = packages.iter().flat_map(|package| &package.lines);
        lines.filter(|line| line.line_id == line_id).map(|line| line.quantity).sum::<i64>()
    };
    let unfilled = order.lines.iter().map(|line| {
        let units = i128::from(line.quantity - shipped(&line.line_id));
        1000 * units * i128::from(price_minor(recorded, &line.line_id))
    });
    cost_milli(order, packages, rules) + unfilled.sum::<i128>()
}

/// Orders that share stock only through its prices.
struct Relaxed {
    problems: Vec<Problem>,
    plans: Vec<Plan>,
    available: BTreeMap<Row, i64>,
    prices_milli: BTreeMap<Row, i64>,
}

impl Relaxed {
    fn new(problems: Vec<Problem>) -> Result<Self, Invalid> {
        let mut relaxed = Self { plans: vec![], available: BTreeMap::new(), prices_milli: BTreeMap::new(), problems };
        for problem in &relaxed.problems {
            let rows = problem.file().availability.iter();
            relaxed.available.extend(rows.map(|row| ((row.facility_id.clone(), row.sku.clone()), row.available)));
            relaxed.plans.push(solve(problem, Options::default()));
        }
        Ok(relaxed)
    }

    fn bound_milli(mut self) -> Result<i128, Invalid> {
        let target = self.one_by_one_milli()?;
        let mut best = i128::MIN;
        for _ in 0..ROUNDS {
            let bound = self.value_milli();
            best = best.max(bound);
            let step = self.step(target - bound);
            if step.is_empty() {
                break;
            }
            self.reprice(step)?;
        }
        Ok(best.max(self.value_milli()))
    }

    /// A plan for all, to aim at: each order in turn takes what it wants.
    fn one_by_one_milli(&self) -> Result<i128, Invalid> {
        let mut left = self.available.clone();
        let mut cost = 0;
        for problem in &self.problems {
            let mut file = problem.file().clone();
            for row in &mut file.availability {
                row.available = left.get(&(row.facility_id.clone(), row.sku.clone())).copied().unwrap_or(0);
            }
            let plan = solve(&Problem::new(file)?, Options::default());
            cost += plan.cost_milli;
            for (row, units) in used(problem, &plan) {
                *left.entry(row).or_default() -= units;
            }
        }
        Ok(cost)
    }

    /// The orders' costs at these prices, each at least what it is proven to be, less what the stock earned.
    fn value_milli(&self) -> i128 {
        let orders: i128 = self.plans.iter().map(|plan| plan.cost_milli - plan.gap_milli).sum();
        let earned: i128 = self.prices_milli.iter().map(|(row, &price)| i128::from(price) * i128::from(self.available[row])).sum();
        orders - earned
    }

    /// How far each price goes: in proportion to what is wanted beyond what is there, as far as the distance to the target says (Polyak).
    fn step(&self, distance_milli: i128) -> BTreeMap<Row, i64> {
        let mut beyond: BTreeMap<Row, i64> = self.prices_milli.keys().map(|row| (row.clone(), -self.available[row])).collect();
        for (problem, plan) in self.problems.iter().zip(&self.plans) {
            for (row, units) in used(problem, plan) {
                *beyond.entry(row.clone()).or_insert_with(|| -self.available[&row]) += units;
            }
        }
        beyond.retain(|row, units| *units > 0 || self.prices_milli.get(row).is_some_and(|price| *units < 0 && *price > 0));
        let norm: f64 = beyond.values().map(|&units| (units as f64).powi(2)).sum();
        let length = distance_milli.max(0) as f64 / norm.max(1.0);
        beyond.into_iter().map(|(row, units)| (row, (length * units as f64).round() as i64)).filter(|(_, step)| *step != 0).collect()
    }

    /// Moves the prices and solves the orders again that they concern.
    fn reprice(&mut self, step: BTreeMap<Row, i64>) -> Result<(), Invalid> {
        for (row, step) in &step {
            let price = self.prices_milli.entry(row.clone()).or_default();
            *price = (*price + step).max(0);
        }
        for (problem, plan) in self.problems.iter_mut().zip(&mut self.plans) {
            let mut file = problem.file().clone();
            let mut is_concerned = false;
            for row in &mut file.availability {
                if let Some(&price) = self.prices_milli.get(&(row.facility_id.clone(), row.sku.clone())) {
                    is_concerned |= row.stock_price_milli != price;
                    row.stock_price_milli = price;
                }
            }
            if is_concerned {
                *problem = Problem::new(file)?;
                *plan = solve(problem, Options::default());
            }
        }
        Ok(())
    }
}

/// Units a plan takes, by row.
fn used(problem: &Problem, plan: &Plan) -> Vec<(Row, i64)> {
    let sku = |line_id: &str| problem.file().lines.iter().find(|line| line.line_id == line_id).map(|line| line.sku.clone());
    let of_package = |package: &crate::plan::Package| {
        let row = |line: &crate::plan::PackageLine| Some(((package.facility_id.clone(), sku(&line.line_id)?), line.quantity));
        package.lines.iter().filter_map(row).collect::<Vec<_>>()
    };
    plan.packages.iter().flat_map(of_package).collect()
}

//! Orders that are allocated and not yet released, decided again together: what they hold is theirs to exchange. Deterministic.

mod holdings;
mod sequence;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

pub use holdings::Holdings;
pub use sequence::{Exchange, UnitsAt, sequence};

use crate::check::Problem;
use crate::mistake::Invalid;
use crate::plan::{Package, Plan, shipments};
use crate::problem::{ProblemFile, ProblemStock};
use crate::solve::{Options, Shipment, price, solve};
use crate::sourcing::Sourcing;
use crate::stock_prices::StockPrices;

/// An order of the pool.
#[derive(Debug, Clone)]
pub struct Pooled {
    /// Its lines, and the facilities that keep its promise. What it says of availability and of capacity is not looked at: [`Holdings`] know.
    pub problem: ProblemFile,
    /// The day on which a package from each facility would leave.
    pub ship_dates: BTreeMap<String, Date>,
    /// SKUs that a facility may not ship of this order, as facility and SKU.
    pub forbidden: BTreeSet<(String, String)>,
    /// What it has now.
    pub packages: Vec<Package>,
    /// How often it may still be moved.
    pub moves_left: u32,
}

/// When a change is worth its trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveLimits {
    /// What a change must save for each order that moves.
    pub minimum_gain_milli: i128,
    /// Orders that may be displaced so that one gets what it wants.
    pub most_displaced: usize,
}

impl Default for MoveLimits {
    fn default() -> Self {
        Self { minimum_gain_milli: 20_000, most_displaced: 3 }
    }
}

/// An order that gets another plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The order's place in the pool.
    pub place: usize,
    /// Without stock prices.
    pub plan: Plan,
    /// How often it moved.
    pub moves: u32,
    /// What its packages cost less than those it had, without stock prices; less than 0 for one that made room for others.
    pub saved_milli: i128,
}

impl Pooled {
    /// An order as sourcing sees it now, which may move to facilities that deliver until the promised date.
    pub fn of(sourcing: &Sourcing, packages: Vec<Package>, promised: Date, moves_left: u32) -> Self {
        let in_time = |facility_id: &str| sourcing.outlook(facility_id).is_some_and(|outlook| outlook.delivery_date <= promised);
        let file = sourcing.problem().file();
        let facilities: Vec<_> = file.facilities.iter().filter(|facility| in_time(&facility.facility_id)).cloned().collect();
        let ship_date = |id: &String| Some((id.clone(), sourcing.outlook(id)?.ship_date));
        let positions =
            facilities.iter().flat_map(|facility| file.lines.iter().map(|line| (facility.facility_id.clone(), line.sku.clone())));
        let forbidden = positions.filter(|(facility_id, sku)| !sourcing.may_ship(facility_id, sku)).collect();
        Self {
            forbidden,
            ship_dates: facilities.iter().filter_map(|facility| ship_date(&facility.facility_id)).collect(),
            problem: ProblemFile { facilities, availability: vec![], lines: file.lines.clone(), rules: file.rules.clone() },
            packages,
            moves_left,
        }
    }
}

/// Decides the orders of a pool again, each in turn, from what is free, what it has, and what others have and can replace. The sum of costs, stock prices
/// included, falls with each change; no order gets a unit less, and none leaves the facilities its problem names.
///
/// # Errors
/// When an order's problem is none; nothing is moved then.
pub fn replan(pool: &[Pooled], holdings: Holdings, prices: &StockPrices, limits: MoveLimits) -> Result<Vec<Move>, Invalid> {
    let mut table = Table::new(pool, holdings, prices, limits)?;
    for place in 0..pool.len() {
        table.improve(place)?;
    }
    let moved = (0..pool.len()).filter(|&place| table.moves[place] > 0);
    Ok(moved.filter_map(|place| table.moved(place)).collect())
}

struct Table<'p> {
    pool: &'p [Pooled],
    holdings: Holdings,
    prices: &'p StockPrices,
    limits: MoveLimits,
    /// The problems without stock, to price plans by.
    bare: Vec<Problem>,
    /// The SKU of each line.
    skus: Vec<BTreeMap<&'p str, &'p str>>,
    plans: Vec<Vec<Shipment>>,
    moves: Vec<u32>,
}

/// What plans are judged by: units left unfilled, and the cost with stock prices.
type Worth = (i64, i128);

fn sum(a: Worth, b: Worth) -> Worth {
    (a.0 + b.0, a.1 + b.1)
}

impl<'p> Table<'p> {
    fn new(pool: &'p [Pooled], holdings: Holdings, prices: &'p StockPrices, limits: MoveLimits) -> Result<Self, Invalid> {
        let bare = |pooled: &Pooled| Problem::new(ProblemFile { availability: vec![], ..pooled.problem.clone() });
        let skus = |pooled: &'p Pooled| pooled.problem.lines.iter().map(|line| (line.line_id.as_str(), line.sku.as_str())).collect();
        let mut table = Self {
            pool,
            holdings,
            prices,
            limits,
            bare: pool.iter().map(bare).collect::<Result<_, _>>()?,
            skus: pool.iter().map(skus).collect(),
            plans: pool.iter().map(|pooled| shipments(&pooled.packages)).collect(),
            moves: vec![0; pool.len()],
        };
        (0..pool.len()).for_each(|place| table.holdings.hold(place, &held(&table.skus[place], &table.plans[place])));
        Ok(table)
    }

    fn moved(&self, place: usize) -> Option<Move> {
        let before = price(&self.bare[place], &shipments(&self.pool[place].packages))?;
        let plan = price(&self.bare[place], &self.plans[place])?;
        Some(Move { place, saved_milli: before.cost_milli - plan.cost_milli, plan, moves: self.moves[place] })
    }

    fn may_move(&self, place: usize) -> bool {
        self.moves[place] < self.pool[place].moves_left
    }

    /// None: it is of facilities or lines that the problem does not have.
    fn worth(&self, place: usize, shipments: &[Shipment]) -> Option<Worth> {
        let plan = price(&self.bare[place], shipments)?;
        let price = |shipment: &Shipment| {
            let sku = self.skus[place].get(shipment.line_id.as_str())?;
            Some(i128::from(shipment.units) * i128::from(self.prices.price_milli(sku, &shipment.facility_id)))
        };
        Some((plan.unfilled_units, plan.cost_milli + shipments.iter().filter_map(price).sum::<i128>()))
    }

    fn is_worth_it(&self, before: Worth, after: Worth, movers: usize) -> bool {
        let gain = before.1 - after.1;
        after.0 < before.0 || (after.0 == before.0 && gain >= self.limits.minimum_gain_milli.max(1) * movers as i128)
    }

    /// The best plan from such stock.
    fn best(&self, place: usize, mut available: Vec<ProblemStock>) -> Result<Plan, Invalid> {
        let pooled = &self.pool[place];
        available.retain(|row| !pooled.forbidden.contains(&(row.facility_id.clone(), row.sku.clone())));
        for row in &mut available {
            row.stock_price_milli = self.prices.price_milli(&row.sku, &row.facility_id);
        }
        let mut file = ProblemFile { availability: available, ..pooled.problem.clone() };
        for facility in &mut file.facilities {
            let date = pooled.ship_dates.get(&facility.facility_id);
            facility.capacity_left = date.and_then(|&date| self.holdings.capacity_left(&facility.facility_id, date));
        }
        Ok(solve(&Problem::new(file)?, Options::default()))
    }

    /// Gives an order the best it can have, or leaves it as it is.
    fn improve(&mut self, place: usize) -> Result<(), Invalid> {
        // What it has may be where its rules no longer allow it, or the promise is no longer kept: then others may not judge it.
        let Some(before) = self.worth(place, &self.plans[place]).filter(|_| self.may_move(place)) else { return Ok(()) };
        let kept = self.take(place);
        let may_give: Vec<bool> = (0..self.pool.len()).map(|other| other != place && self.may_move(other)).collect();
        let wide = self.best(place, self.holdings.with_held(&self.pool[place].problem, &may_give))?;
        if !self.is_worth_it(before, (wide.unfilled_units, wide.cost_milli), 1) {
            self.give(place, kept);
            return Ok(());
        }
        let displaced = self.holdings.displaced(&held(&self.skus[place], &wide.shipments()), &may_give);
        if self.exchange(place, before, &wide, &displaced)? {
            return Ok(());
        }
        let narrow = self.best(place, self.holdings.free(&self.pool[place].problem))?;
        let is_better = self.is_worth_it(before, (narrow.unfilled_units, narrow.cost_milli), 1);
        self.moves[place] += u32::from(is_better);
        self.give(place, if is_better { narrow.shipments() } else { kept });
        Ok(())
    }

    /// Gives an order, which holds nothing now, a plan with units of others, who look for others in turn. False, and nothing changed: that is not worth it.
    fn exchange(&mut self, place: usize, before: Worth, wanted: &Plan, displaced: &[usize]) -> Result<bool, Invalid> {
        let worths: Option<Vec<Worth>> = displaced.iter().map(|&other| self.worth(other, &self.plans[other])).collect();
        let Some(worths) = worths.filter(|_| displaced.len() <= self.limits.most_displaced) else { return Ok(false) };
        let kept: Vec<Vec<Shipment>> = displaced.iter().map(|&other| self.take(other)).collect();
        self.give(place, wanted.shipments());
        let mut after = (wanted.unfilled_units, wanted.cost_milli);
        let mut all_served = true;
        for (&other, worth) in displaced.iter().zip(&worths) {
            let plan = self.best(other, self.holdings.free(&self.pool[other].problem))?;
            all_served &= plan.unfilled_units <= worth.0;
            after = sum(after, (plan.unfilled_units, plan.cost_milli));
            self.give(other, plan.shipments());
        }
        let before = worths.into_iter().fold(before, sum);
        if all_served && self.is_worth_it(before, after, 1 + displaced.len()) {
            std::iter::once(&place).chain(displaced).for_each(|&mover| self.moves[mover] += 1);
            return Ok(true);
        }
        self.take(place);
        displaced.iter().for_each(|&other| drop(self.take(other)));
        displaced.iter().zip(kept).for_each(|(&other, plan)| self.give(other, plan));
        Ok(false)
    }

    fn take(&mut self, place: usize) -> Vec<Shipment> {
        let plan = std::mem::take(&mut self.plans[place]);
        self.holdings.release(place, &held(&self.skus[place], &plan), &self.pool[place].ship_dates);
        plan
    }

    fn give(&mut self, place: usize, plan: Vec<Shipment>) {
        self.holdings.take(place, &held(&self.skus[place], &plan), &self.pool[place].ship_dates);
        self.plans[place] = plan;
    }
}

/// Units of a SKU out of a facility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held<'a> {
    facility_id: &'a str,
    sku: &'a str,
    units: i64,
}

fn held<'a>(skus: &BTreeMap<&'a str, &'a str>, shipments: &'a [Shipment]) -> Vec<Held<'a>> {
    let of = |shipment: &'a Shipment| {
        let sku = skus.get(shipment.line_id.as_str())?;
        Some(Held { facility_id: &shipment.facility_id, sku, units: shipment.units })
    };
    shipments.iter().filter_map(of).collect()
}

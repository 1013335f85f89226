//! Orders between their decision and their release. Whenever one is due, all are decided again together; then those that are due leave.

use jiff::Timestamp;
use jiff::civil::Date;

use super::replay::{Pooling, Settings};
use super::world::World;
use crate::mistake::Invalid;
use crate::plan::Package;
use crate::pool::{Holdings, Pooled, replan};
use crate::rules::Rules;
use crate::sourcing::{DecidedPackage, OrderToSource, Sourcing};
use crate::stock_prices::StockPrices;

/// An order that can still be moved.
#[derive(Debug, Clone)]
pub(super) struct Open {
    /// Place in the recorded orders.
    pub(super) place: usize,
    /// As it was asked for.
    pub(super) order: OrderToSource,
    pub(super) packages: Vec<DecidedPackage>,
    /// What it has, without what it waits for: this is decided again.
    held: OrderToSource,
    /// The last delivery of its first plan: what the customer was told.
    promised: Date,
    moves_left: u32,
    due: Timestamp,
}

impl Open {
    /// An order just decided, due when the window ends.
    pub(super) fn new(place: usize, order: OrderToSource, packages: Vec<DecidedPackage>, settings: &Settings, now: Timestamp) -> Self {
        let promised = packages.iter().map(|package| package.outlook.delivery_date).max().unwrap_or(Date::MIN);
        let due = now.checked_add(settings.pooling.window).unwrap_or(Timestamp::MAX);
        Self { place, held: held(&order, &packages), order, packages, promised, moves_left: settings.pooling.moves_per_order, due }
    }
}

/// The units that packages have.
fn held(order: &OrderToSource, packages: &[DecidedPackage]) -> OrderToSource {
    let mut held = order.clone();
    for line in &mut held.lines {
        let shipped = packages.iter().flat_map(|package| &package.lines).filter(|shipped| shipped.line_id == line.line_id);
        line.quantity = shipped.map(|shipped| shipped.quantity).sum();
        line.unfilled_penalty_minor = None;
    }
    held.lines.retain(|line| line.quantity > 0);
    held
}

/// The pool of orders not yet released.
pub(super) struct Waves {
    settings: Pooling,
    open: Vec<Open>,
    /// How many moves there were.
    pub(super) moves: u64,
}

impl Waves {
    pub(super) fn new(settings: Pooling) -> Self {
        Self { settings, open: vec![], moves: 0 }
    }

    /// When the next order is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.open.iter().map(|open| open.due).min()
    }

    pub(super) fn open(&self) -> &[Open] {
        &self.open
    }

    /// Takes an order in, to be released before the first cutoff that its plan counts on.
    pub(super) fn add(&mut self, mut open: Open, world: &World) {
        let cutoffs = open.packages.iter().filter_map(|package| world.cutoff(&package.facility_id, package.outlook.ship_date));
        open.due = cutoffs.fold(open.due, Timestamp::min);
        // On the hour, so that orders due at about the same time leave together.
        open.due -= jiff::SignedDuration::from_secs(open.due.as_second().rem_euclid(3600) + 1);
        self.open.push(open);
    }

    /// Decides all again, and takes out those that are due.
    pub(super) fn run(&mut self, at: Timestamp, world: &mut World, rules: &Rules, prices: &StockPrices) -> Result<Vec<Open>, Invalid> {
        self.replan(at, world, rules, prices)?;
        let (due, open) = std::mem::take(&mut self.open).into_iter().partition(|open| open.due <= at);
        self.open = open;
        Ok(due)
    }

    fn replan(&mut self, at: Timestamp, world: &mut World, rules: &Rules, prices: &StockPrices) -> Result<(), Invalid> {
        let free = self.free(world);
        self.open.iter().for_each(|open| world.take_back(&open.held, &open.packages));
        let sourcings: Vec<Sourcing> = self.open.iter().map(|open| world.source(&open.held, rules, at)).collect::<Result<_, _>>()?;
        let pool: Vec<Pooled> = self.open.iter().zip(&sourcings).map(|(open, sourcing)| pooled(open, sourcing)).collect();
        let holdings = with_capacity(free, &self.open, &pool, world);
        for moved in replan(&pool, holdings, prices, self.settings.limits)? {
            let (open, sourcing) = (&mut self.open[moved.place], &sourcings[moved.place]);
            open.packages = moved.plan.packages.into_iter().map(|package| sourcing.decided(package)).collect();
            open.moves_left -= moved.moves.min(open.moves_left);
            self.moves += u64::from(moved.moves);
        }
        self.open.iter().for_each(|open| world.ship(&open.held, &open.packages));
        Ok(())
    }

    /// What nobody holds of what the pool wants.
    fn free(&self, world: &World) -> Holdings {
        let mut skus: Vec<&str> = self.open.iter().flat_map(|open| &open.held.lines).map(|line| line.sku.as_str()).collect();
        skus.sort_unstable();
        skus.dedup();
        let mut holdings = Holdings::default();
        for sku in skus {
            world.free(sku).for_each(|(facility_id, units)| holdings.add_free(facility_id, sku, units));
        }
        holdings
    }
}

/// The order with the facilities that keep its promise.
fn pooled(open: &Open, sourcing: &Sourcing) -> Pooled {
    let package = |package: &DecidedPackage| Package {
        facility_id: package.facility_id.clone(),
        cost_milli: package.cost_milli,
        lines: package.lines.clone(),
        parts: None,
    };
    Pooled::of(sourcing, open.packages.iter().map(package).collect(), open.promised, open.moves_left)
}

/// Places left in each day that matters, beside the packages the pool has now.
fn with_capacity(mut holdings: Holdings, open: &[Open], pool: &[Pooled], world: &World) -> Holdings {
    for (facility_id, &date) in pool.iter().flat_map(|pooled| &pooled.ship_dates) {
        let taken = open.iter().flat_map(|open| &open.packages);
        let taken = taken.filter(|package| package.facility_id == *facility_id && package.outlook.ship_date == date).count();
        if let Some(left) = world.capacity_left(facility_id, date) {
            holdings.limit(facility_id, date, left - taken as i64);
        }
    }
    holdings
}

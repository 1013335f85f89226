//! One policy over all recorded orders.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::data::{Data, RecordedOrder};
use super::forecast::Forecast;
use super::optimum::{Day, valued_milli};
use super::order::{Promise, order_to_source};
use super::outcome::{Decided, OrderOutcome, Shadow};
use super::policy::Policy;
use super::waves::{Open, Waves};
use super::world::World;
use crate::mistake::Invalid;
use crate::pool::MoveLimits;
use crate::rules::Rules;
use crate::sourcing::{DecidedPackage, OrderToSource, Sourcing};
use crate::stock_prices::{StockPrices, Unsolved};

/// What a replay is run with.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'r> {
    pub policy: Policy,
    pub rules: &'r Rules,
    /// A candidate rule file: what it would have decided is kept beside each order, and changes nothing.
    pub shadow: Option<&'r Rules>,
    /// A unit may stay unfilled for its price, and is decided again after `split_wait`; otherwise all that can ship does at once.
    pub units_wait: bool,
    /// After which units that were not filled are decided again, once, and all that can ship does.
    pub split_wait: SignedDuration,
    pub promise: Promise,
    pub pooling: Pooling,
    pub forecast: ForecastSettings,
    /// Whether each day is also bounded from below by what deciding it as a whole could cost.
    pub optimum: bool,
    /// Only the first so many orders; None is all.
    pub at_most: Option<usize>,
}

/// How orders wait to be decided together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pooling {
    /// How long after its placing an order is released, unless a cutoff comes first.
    pub window: SignedDuration,
    pub moves_per_order: u32,
    pub limits: MoveLimits,
}

/// How prices of stock are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForecastSettings {
    /// Days of demand that are looked back on.
    pub look_back_days: i64,
    /// Days of demand that the stock must serve.
    pub look_ahead_days: i64,
    /// Days between two computations.
    pub refresh_days: i64,
}

impl<'r> Settings<'r> {
    /// A policy with what is used unless said otherwise.
    pub fn new(policy: Policy, rules: &'r Rules) -> Self {
        Self {
            policy,
            rules,
            shadow: None,
            units_wait: false,
            split_wait: SignedDuration::from_hours(48),
            promise: Promise { standard_days: 5, express_days: 3, abroad_days: 4 },
            pooling: Pooling { window: SignedDuration::from_hours(12), moves_per_order: 5, limits: MoveLimits::default() },
            forecast: ForecastSettings { look_back_days: 28, look_ahead_days: 7, refresh_days: 3 },
            optimum: false,
            at_most: None,
        }
    }
}

/// A policy and what it made of each order, in the order of their placing.
#[derive(Debug, Clone)]
pub struct Run {
    pub policy: Policy,
    pub orders: Vec<OrderOutcome>,
    /// Moves of orders between their decision and their release.
    pub moves: u64,
    /// What all decisions cost, unfilled units at their price, and what no joint decision of each day could undercut; None: not computed.
    pub optimum: Option<Bounded>,
}

/// A cost and a bound below it, in milli.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounded {
    pub cost_milli: i128,
    pub bound_milli: i128,
}

impl Bounded {
    /// Share of the cost that joint decisions might save, at most.
    pub fn gap_share(self) -> f64 {
        if self.cost_milli == 0 { 0.0 } else { (self.cost_milli - self.bound_milli) as f64 / self.cost_milli as f64 }
    }
}

/// A replay that cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    #[error("order {order_id}: {mistakes}")]
    Order { order_id: String, mistakes: Invalid },
    #[error("the pool at {at}: {mistakes}")]
    Pool { at: Timestamp, mistakes: Invalid },
    #[error(transparent)]
    Prices(#[from] Unsolved),
}

/// Replays recorded orders and receipts in the order of their times; `progress` is told after each order.
pub fn replay(data: &Data, settings: Settings, mut progress: impl FnMut()) -> Result<Run, ReplayError> {
    let mut replay = Replay::new(data, settings);
    for (place, recorded) in data.orders.iter().enumerate().take(settings.at_most.unwrap_or(usize::MAX)) {
        replay.until(recorded.placed_at)?;
        replay.outcomes.push(OrderOutcome::new(recorded));
        replay.decide(place, order_to_source(data, recorded, settings), recorded.placed_at, true)?;
        replay.forecast.note(recorded);
        progress();
    }
    replay.until(Timestamp::MAX)?;
    replay.close_day()?;
    Ok(Run {
        policy: settings.policy,
        orders: replay.outcomes,
        moves: replay.waves.moves,
        optimum: settings.optimum.then_some(replay.optimum),
    })
}

struct Replay<'d, 'r> {
    settings: Settings<'r>,
    data: &'d Data,
    world: World<'d>,
    prices: StockPrices,
    forecast: Forecast<'d>,
    waves: Waves,
    /// Orders with units to be decided again, by the time they are.
    waiting: VecDeque<(Timestamp, usize, OrderToSource)>,
    outcomes: Vec<OrderOutcome>,
    day: Option<Day<'d>>,
    optimum: Bounded,
}

impl<'d, 'r> Replay<'d, 'r> {
    fn new(data: &'d Data, settings: Settings<'r>) -> Self {
        Self {
            settings,
            data,
            world: World::new(data),
            prices: StockPrices::default(),
            forecast: Forecast::new(settings.forecast),
            waves: Waves::new(settings.pooling),
            waiting: VecDeque::new(),
            outcomes: vec![],
            day: None,
            optimum: Bounded::default(),
        }
    }

    /// Does what falls due up to a time: waves of releases, and units that have waited.
    fn until(&mut self, now: Timestamp) -> Result<(), ReplayError> {
        loop {
            let waited = self.waiting.front().map(|(due, ..)| *due).filter(|due| *due <= now);
            let wave = self.waves.next().filter(|due| *due <= now);
            match (waited, wave) {
                (Some(due), wave) if wave.is_none_or(|wave| due <= wave) => {
                    if let Some((due, place, order)) = self.waiting.pop_front() {
                        self.decide(place, order, due, false)?;
                    }
                }
                (_, Some(due)) => self.wave(due)?,
                (_, None) => return Ok(()),
            }
        }
    }

    fn wave(&mut self, at: Timestamp) -> Result<(), ReplayError> {
        self.world.advance(at);
        let released = self.waves.run(at, &mut self.world, self.settings.rules, &self.prices);
        for open in released.map_err(|mistakes| ReplayError::Pool { at, mistakes })? {
            self.release(open.place, &open.order, &open.packages);
        }
        Ok(())
    }

    fn decide(&mut self, place: usize, order: OrderToSource, now: Timestamp, is_first: bool) -> Result<(), ReplayError> {
        self.world.advance(now);
        self.refresh_prices(now)?;
        self.turn_day(now)?;
        let failed = |mistakes| ReplayError::Order { order_id: order.order_id.clone(), mistakes };
        let sourcing = self.world.source(&order, self.settings.rules, now).map_err(failed)?;
        let packages = self.packages(&sourcing).map_err(failed)?;
        if let Some(rules) = self.settings.shadow.filter(|_| is_first) {
            let candidate = self.packages(&self.world.source(&order, rules, now).map_err(failed)?).map_err(failed)?;
            let live = Decided::new(&order, &packages, self.settings.rules);
            self.outcomes[place].shadow = Some(Shadow { live, candidate: Decided::new(&order, &candidate, rules) });
        }
        self.world.ship(&order, &packages);
        if let Some(day) = &mut self.day {
            day.note(&self.data.orders[place], order.clone(), now);
        }
        let rest = rest(order.clone(), &packages).filter(|_| is_first);
        if let Some(rest) = rest {
            let due = now.checked_add(self.settings.split_wait).unwrap_or(Timestamp::MAX);
            self.waiting.push_back((due, place, rest));
        }
        if self.settings.policy.pools() && is_first && !packages.is_empty() {
            self.waves.add(Open::new(place, order, packages, &self.settings, now), &self.world);
        } else {
            self.release(place, &order, &packages);
        }
        Ok(())
    }

    fn packages(&self, sourcing: &Sourcing) -> Result<Vec<DecidedPackage>, Invalid> {
        let plan = self.settings.policy.plan(sourcing, &self.prices)?;
        Ok(plan.packages.into_iter().map(|package| sourcing.decided(package)).collect())
    }

    fn release(&mut self, place: usize, order: &OrderToSource, packages: &[DecidedPackage]) {
        let recorded: &RecordedOrder = &self.data.orders[place];
        self.outcomes[place].book(recorded, order, packages, self.settings.rules);
        if self.settings.optimum {
            self.optimum.cost_milli += valued_milli(recorded, order, packages, self.settings.rules);
        }
    }

    fn refresh_prices(&mut self, now: Timestamp) -> Result<(), ReplayError> {
        if self.settings.policy.prices_stock() && self.forecast.is_due(now) {
            self.prices = self.forecast.prices(now, &self.world, self.settings.rules)?;
        }
        Ok(())
    }

    /// Closes the day before, if this is another.
    fn turn_day(&mut self, now: Timestamp) -> Result<(), ReplayError> {
        if self.settings.optimum && self.day.as_ref().is_none_or(|day| !day.contains(now)) {
            self.close_day()?;
            let mut morning = self.world.clone();
            self.waves.open().iter().for_each(|open| morning.take_back(&open.order, &open.packages));
            self.day = Some(Day::new(now, morning));
        }
        Ok(())
    }

    fn close_day(&mut self) -> Result<(), ReplayError> {
        if let Some(day) = self.day.take() {
            let at = day.starts_at();
            let bound = day.bound_milli(self.settings.rules).map_err(|mistakes| ReplayError::Pool { at, mistakes })?;
            self.optimum.bound_milli += bound;
        }
        Ok(())
    }
}

/// What packages leave open, to be shipped whatever it costs; None if nothing.
fn rest(mut order: OrderToSource, packages: &[DecidedPackage]) -> Option<OrderToSource> {
    order.packages_already += packages.len() as i64;
    for shipped in packages.iter().flat_map(|package| &package.lines) {
        if let Some(line) = order.lines.iter_mut().find(|line| line.line_id == shipped.line_id) {
            line.quantity -= shipped.quantity;
        }
    }
    order.lines.retain(|line| line.quantity > 0);
    order.lines.iter_mut().for_each(|line| line.unfilled_penalty_minor = None);
    (!order.lines.is_empty()).then_some(order)
}

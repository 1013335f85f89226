//! Orders that no facility knows of yet, decided again together.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, civil::Date};
use oms_allocation::{
    Facility, Holdings, Move, MoveLimits, Pooled, Rules, Sourcing, StockLevel, StockPrices, UnitsAt, build_problem, replan, sequence,
};
use oms_domain::{
    error::ErrorCode,
    ids::Sku,
    order::{Order, SourceRequest},
    placed::PlacedOrder,
};
use oms_store::{Exclusion, Unreleased};
use oms_workflows::maintenance::contracts::{PlanPool, PlannedMove, PoolPlan};
use temporalio_sdk::activities::ActivityError;

use super::{MaintenanceActivities, exchange};
use crate::{
    data::plan::Planner,
    failure::{failure, store_failure},
    orders::starter_failure,
};

/// Most orders of a pool, and most lines: their moves are one payload, of some 200 bytes a line.
const ORDERS_MAX: u32 = 200;
const LINES_MAX: usize = 1_500;
/// Orders that are read side by side.
const SIDE_BY_SIDE: usize = 8;

/// An order of the pool, with all that it is decided by.
struct Candidate {
    order: Order,
    placed: PlacedOrder,
    promised: Option<Date>,
    exclusions: Vec<Exclusion>,
    request: SourceRequest,
}

/// What all of the pool are decided by.
struct Ground<'a> {
    facilities: &'a [Facility],
    rules: &'a Rules,
    weights_g: BTreeMap<Sku, u32>,
    stock: Vec<StockLevel>,
    at: Timestamp,
}

impl MaintenanceActivities {
    /// Reads the pool and solves it. Nothing is written: a repeat plans what is there then.
    pub(super) async fn plan(&self, input: &PlanPool) -> Result<PoolPlan, ActivityError> {
        let candidates = self.candidates(input.at).await?;
        let skus: BTreeSet<Sku> = candidates.iter().flat_map(|one| one.order.core.lines.iter().map(|line| line.sku.clone())).collect();
        let skus: Vec<Sku> = skus.into_iter().collect();
        let products = self.store.catalog().products(&skus).await.map_err(|error| store_failure(&error))?;
        let availability = self.store.availability(&skus).await.map_err(|error| store_failure(&error))?;
        let (places, rules) = (self.store.places(None, input.at).await.map_err(|error| store_failure(&error))?, self.rules.current());
        let (at, pool_id) = (input.at, input.pool_id.clone());
        let stock = availability.positions.into_iter().map(Into::into).collect();
        let weights_g = products.into_iter().map(|product| (product.sku, product.weight_g)).collect();
        let planning = move || plan(&candidates, &Ground { facilities: &places.facilities, rules: &rules, weights_g, stock, at }, &pool_id);
        let planned = tokio::task::spawn_blocking(planning).await.map_err(|error| failure(ErrorCode::Internal, error.to_string()))?;
        planned.map_err(|error| failure(ErrorCode::Internal, error.to_string()))
    }

    async fn candidates(&self, at: Timestamp) -> Result<Vec<Candidate>, ActivityError> {
        let unreleased = self.store.unreleased(ORDERS_MAX).await.map_err(|error| store_failure(&error))?;
        let read = stream::iter(unreleased).map(|found| self.candidate(found, at)).buffered(SIDE_BY_SIDE);
        let found: Vec<Option<Candidate>> = read.try_collect().await?;
        let mut lines = 0;
        // One that does not fit is left to the next pool; one that never does has more lines than any pool, and little to exchange.
        let fits = |one: &Candidate| {
            let more = lines + one.request.lines.len();
            lines = if more <= LINES_MAX { more } else { lines };
            more <= LINES_MAX
        };
        let mut candidates: Vec<Candidate> = found.into_iter().flatten().filter(fits).collect();
        // Whoever came first looks first.
        candidates.reverse();
        Ok(candidates)
    }

    /// None: the order has gone on, may not move, or nobody else could serve it.
    async fn candidate(&self, found: Unreleased, at: Timestamp) -> Result<Option<Candidate>, ActivityError> {
        let order = self.starter.order(&found.order_id).await.map_err(|error| starter_failure(&error))?;
        let Some(order) = order.filter(Order::may_be_pooled) else { return Ok(None) };
        let placed = self.store.placed(&found.order_id, &order.change_ids()).await.map_err(|error| store_failure(&error))?;
        let Some(placed) = placed else { return Ok(None) };
        let exclusions = self.store.exclusions(&found.order_id, at).await.map_err(|error| store_failure(&error))?;
        let request = order.pool_request();
        Ok(Some(Candidate { order, placed, promised: found.promised, exclusions, request }))
    }
}

fn plan(candidates: &[Candidate], ground: &Ground, pool_id: &str) -> Result<PoolPlan, oms_allocation::Invalid> {
    let mut members: Vec<&Candidate> = vec![];
    let mut sourcings: Vec<Sourcing> = vec![];
    for one in candidates {
        if let Some(order) = ground.planner(one).alike() {
            sourcings.push(build_problem(&order, ground.facilities, &ground.stock_with(one), ground.rules, ground.at)?);
            members.push(one);
        }
    }
    let pool: Vec<Pooled> = members.iter().zip(&sourcings).map(|(one, sourcing)| pooled(one, sourcing)).collect();
    let moved = replan(&pool, ground.holdings(&pool, &sourcings), &ground.prices(), MoveLimits::default())?;
    Ok(in_sequence(&members, moved, ground, pool_id))
}

fn pooled(one: &Candidate, sourcing: &Sourcing) -> Pooled {
    let packages = exchange::packages(&one.order);
    let as_of_now = packages.iter().filter_map(|package| Some(sourcing.outlook(&package.facility_id)?.delivery_date)).max();
    let moves_left = one.order.policy.pool_moves_max.saturating_sub(one.order.pooled.moves);
    // Without a first plan nothing was told to the customer: what is planned now is what counts.
    Pooled::of(sourcing, packages, one.promised.or(as_of_now).unwrap_or(Date::MIN), moves_left)
}

/// The moves that can be made one after the other.
fn in_sequence(members: &[&Candidate], moved: Vec<Move>, ground: &Ground, pool_id: &str) -> PoolPlan {
    let orders = u32::try_from(members.len()).unwrap_or(u32::MAX);
    let planned = moved.into_iter().filter_map(|moved| {
        let order = &members[moved.place].order;
        let reallocation = exchange::reallocation(order, &moved.plan, pool_id).filter(|asked| !asked.leaving.is_empty())?;
        let saved_milli = i64::try_from(moved.saved_milli).unwrap_or(i64::MAX);
        Some((exchange::exchange(order, &reallocation), PlannedMove { order_id: order.core.order_id.clone(), reallocation, saved_milli }))
    });
    let (exchanges, planned): (Vec<_>, Vec<_>) = planned.unzip();
    let made = sequence(&exchanges, &ground.free());
    let blocked = u32::try_from(planned.len() - made.len()).unwrap_or(u32::MAX);
    PoolPlan { orders, blocked, moves: made.into_iter().map(|place| planned[place].clone()).collect() }
}

impl Ground<'_> {
    fn planner<'a>(&'a self, one: &'a Candidate) -> Planner<'a> {
        Planner {
            order: &one.placed,
            request: &one.request,
            facilities: self.facilities,
            weights_g: &self.weights_g,
            rules: self.rules,
            exclusions: &one.exclusions,
            held: BTreeSet::new(),
            promised: one.promised,
            at: self.at,
        }
    }

    /// What is free and what the order has itself: which group of facilities serves it depends on what there is.
    fn stock_with(&self, one: &Candidate) -> Vec<StockLevel> {
        let mut stock = self.stock.clone();
        for found in one.order.unreleased() {
            let lines = found.lines.iter().filter_map(|(line_id, units)| Some((one.order.core_line(line_id)?.sku.as_str(), *units)));
            for ((sku, units), facility_id) in lines.zip(std::iter::repeat(found.facility_id.as_ref().map_or("", |id| id.as_str()))) {
                match stock.iter_mut().find(|level| level.sku == sku && level.facility_id == facility_id) {
                    Some(level) => level.available += i64::from(units),
                    None => stock.push(StockLevel {
                        facility_id: facility_id.to_owned(),
                        sku: sku.to_owned(),
                        available: units.into(),
                        stock_price_milli: 0,
                    }),
                }
            }
        }
        stock
    }

    fn free(&self) -> UnitsAt {
        self.stock.iter().map(|level| ((level.facility_id.clone(), level.sku.clone()), level.available)).collect()
    }

    fn prices(&self) -> StockPrices {
        let mut prices = StockPrices::default();
        let priced = self.stock.iter().filter(|_| self.rules.costs.stock_prices);
        priced.for_each(|level| prices.set(&level.sku, &level.facility_id, level.stock_price_milli));
        prices
    }

    /// What nobody holds, and places left in each day that matters beside the packages that the pool has now.
    fn holdings(&self, pool: &[Pooled], sourcings: &[Sourcing]) -> Holdings {
        let mut holdings = Holdings::default();
        self.stock.iter().for_each(|level| holdings.add_free(&level.facility_id, &level.sku, level.available));
        for (facility_id, &date) in pool.iter().flat_map(|pooled| &pooled.ship_dates) {
            let Some(facility) = self.facilities.iter().find(|facility| facility.facility_id == *facility_id) else { continue };
            let Some(capacity) = facility.daily_order_capacity else { continue };
            let leaves = |sourcing: &Sourcing| sourcing.outlook(facility_id).is_some_and(|outlook| outlook.ship_date == date);
            let has = |pooled: &Pooled| pooled.packages.iter().any(|package| package.facility_id == *facility_id);
            let held = pool.iter().zip(sourcings).filter(|(pooled, sourcing)| has(pooled) && leaves(sourcing)).count();
            let taken = facility.capacity_taken.get(&date).copied().unwrap_or(0);
            holdings.limit(facility_id, date, capacity - taken - i64::try_from(held).unwrap_or(i64::MAX));
        }
        holdings
    }
}
